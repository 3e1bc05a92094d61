"""What a gate decides: what blocks, what only has to be known, and what was so before."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.jetstream import Asset

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BLOCKS: Final = 20
MAX_NOTES: Final = 20
"""As many are listed; `count` tells how many there are."""
MAX_BASELINE: Final = 100
"""What was broken beyond that blocks as if it had broken later."""


class Why(StrEnum):
    """One word for each predicate: the name of its override. In the order in which they are told.

    All can be overridden but `LOOKS` and `SLOW`: another look is to be had at any time.
    """

    LOOKS = "looks"
    SLOW = "slow"
    UNREACHABLE = "unreachable"
    WRONG_NAME = "wrong-name"
    UNKNOWN = "unknown"
    TOO_MANY = "too-many"
    UNREADABLE = "unreadable"
    JETSTREAM_OFF = "jetstream-off"
    UNHEALTHY = "unhealthy"
    NO_ROUTE = "no-route"
    STORE_LIMIT = "store-limit"
    META_LEADER = "meta-leader"
    META_SIZE = "meta-size"
    META_MEMBERS = "meta-members"
    META_REPLICA = "meta-replica"
    META_QUORUM = "meta-quorum"
    NO_LEADER = "no-leader"
    TWO_LEADERS = "two-leaders"
    MOVING = "moving"
    STORE_BEHIND = "store-behind"
    STORE_DIFFERS = "store-differs"
    REPLICA = "replica"
    QUORUM = "quorum"
    SHORT = "short"
    HOSTED = "hosted"
    MEMORY = "memory"
    TOO_FEW = "too-few"
    EVEN = "even"
    ROOM = "room"
    TAGS = "tags"


FIRM: Final = frozenset((Why.LOOKS, Why.SLOW))
"""What nobody can decide not to wait for."""
USUAL: Final = frozenset(
    (
        Why.UNHEALTHY,
        Why.NO_LEADER,
        Why.TWO_LEADERS,
        Why.MOVING,
        Why.STORE_BEHIND,
        Why.STORE_DIFFERS,
        Why.REPLICA,
    )
)
"""What may have been so of an asset before anybody was to go. All others are about who goes."""
_ORDER: Final = {why: place for place, why in enumerate(Why)}


class Purpose(StrEnum):
    """What is done to the server: it comes back, comes back with an empty volume, or never."""

    RESTART = "restart"
    REPLACE = "replace"
    REMOVE = "remove"


@attrs.frozen
class Block:
    """One reason why a server may not go: which asset (None: the meta group or none), which server.

    `detail` is for people; blocks are the same without it.
    """

    why: Why
    server: str = ""
    asset: Asset | None = None
    detail: str = attrs.field(default="", eq=False)

    @property
    def place(self) -> tuple[int, str, str]:
        """Where it stands among others."""
        return _ORDER[self.why], str(self.asset or ""), self.server


class Remark(StrEnum):
    """What has to be known before the server goes, and blocks nothing."""

    STEP_DOWN = "step-down"
    ONE_COPY = "one-copy"
    TWO_COPIES = "two-copies"
    SHORT = "short"
    HOLES = "holes"


@attrs.frozen
class Note:
    """One remark, and the asset that it is about."""

    remark: Remark
    asset: Asset | None = None


@attrs.frozen
class Baseline:
    """What was broken before a procedure began: of assets, since nothing else is ever usual.

    What gets worse is new, and what recovers is expected to stay well.
    """

    blocks: frozenset[Block] = frozenset()

    @cached_property
    def assets(self) -> frozenset[Asset]:
        """The assets that were broken."""
        return frozenset(block.asset for block in self.blocks if block.asset is not None)


@attrs.frozen
class Verdict:
    """Whether a server may go.

    `blocks` and `notes` list some of all (`count`, `note_count`), and of each reason at least one.
    `known` was broken before and blocks nothing here; `overridden` would block if nobody had said
    otherwise: each of its reasons is a used override.
    """

    blocks: tuple[Block, ...] = ()
    count: int = 0
    notes: tuple[Note, ...] = ()
    note_count: int = 0
    known: tuple[Block, ...] = ()
    overridden: tuple[Block, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it may go now."""
        return not self.count

    @property
    def whys(self) -> frozenset[Why]:
        """All reasons that block."""
        return frozenset(block.why for block in self.blocks)


def told(blocks: Iterable[Block], most: int = MAX_BLOCKS) -> tuple[Block, ...]:
    """Some of them in order, of each reason the first before any second."""
    ordered = sorted(blocks, key=lambda block: block.place)
    first = {block.why: block for block in reversed(ordered)}
    rest = [block for block in ordered if block is not first[block.why]]
    kept = [*first.values(), *rest[: max(most - len(first), 0)]]
    return tuple(sorted(kept, key=lambda block: block.place))
