"""How much memory streams and consumers take: names and members make some larger than others."""

from __future__ import annotations

import sys
from itertools import chain
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.model.jetstream import Group

USUAL: Final = 500
"""Bytes of names and members that nearly all groups of three replicas have at most."""
EACH: Final = 600
"""Bytes that a usual group takes in all."""
MEMBER: Final = 150
"""Bytes of what is known of another member, beside its name."""
KNOWN: Final = 2_048
"""Names of servers that are kept once, as they are the same in all groups."""


@attrs.define
class Sizes:
    """Adds up what groups take beyond what as many usual ones do."""

    _over: int = 0
    _known: set[str] = attrs.field(factory=set)

    def add(self, group: Group) -> None:
        """One more of them is kept."""
        own = sum(map(sys.getsizeof, (group.asset.stream, group.asset.consumer)))
        members = MEMBER * len(group.raft.replicas) + sum(self._new_names(group))
        self._over += max(own + members - USUAL, 0)

    @property
    def extra(self) -> int:
        """How many usual groups would take as much."""
        return self._over // EACH

    def _new_names(self, group: Group) -> Iterator[int]:
        """Bytes of the names of servers that are not known from other groups."""
        for name in chain((group.raft.leader,), (peer.name for peer in group.raft.replicas)):
            if name not in self._known:
                yield sys.getsizeof(name)
                if len(self._known) < KNOWN:
                    self._known.add(name)
