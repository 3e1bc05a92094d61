"""How much memory reports take: names and members make some streams larger than others, and routes
and the meta group some servers.
"""

from __future__ import annotations

import sys
from itertools import chain
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from natsctl.model.jetstream import Group, JetStreamReport

USUAL: Final = 500
"""Bytes of names and members that nearly all groups of three replicas have at most."""
EACH: Final = 600
"""Bytes that a usual group takes in all."""
MEMBER: Final = 150
"""Bytes of what is known of another member, beside its name."""
KNOWN: Final = 2_048
"""Names of servers that are kept once, as they are the same in all groups and for all servers."""
FREE: Final = 4_096
"""Bytes that a report may have beside its groups: more than one of a cluster of ten servers."""


@attrs.define
class _Names:
    """Those that are kept already take nothing more."""

    _known: set[str] = attrs.field(factory=set)

    def size(self, names: Iterable[str]) -> int:
        """Bytes of the new ones."""
        new = [name for name in dict.fromkeys(names) if name not in self._known]
        self._known.update(new[: max(KNOWN - len(self._known), 0)])
        return sum(map(sys.getsizeof, new))


@attrs.define
class Frames:
    """Adds up what reports of one look take beside their groups."""

    _names: _Names = attrs.field(factory=_Names)

    def of(self, said: JetStreamReport) -> int:
        """How many usual groups would take as much, beyond what is free."""
        members = said.meta.replicas if said.meta is not None else ()
        ids = said.meta.ids if said.meta is not None and said.meta.ids else frozenset[str]()
        names = (*said.peers, *said.tags, *(member.name for member in members))
        complaint = attrs.astuple(said.health.asset) if said.health.asset is not None else ()
        texts = (said.health.text, *complaint, *said.unknown)
        own = sum(map(sys.getsizeof, (said.peers, said.tags, ids, *ids, *texts)))
        size = own + MEMBER * len(members) + self._names.size(names)
        return max(size - FREE, 0) // EACH


@attrs.define
class Sizes:
    """Adds up what groups take beyond what as many usual ones do."""

    _over: int = 0
    _names: _Names = attrs.field(factory=_Names)

    def add(self, group: Group) -> None:
        """One more of them is kept."""
        own = sum(map(sys.getsizeof, (group.asset.stream, group.asset.consumer)))
        names = chain((group.asset.account,), _members(group))
        members = MEMBER * len(group.raft.replicas) + self._names.size(names)
        self._over += max(own + members - USUAL, 0)

    @property
    def extra(self) -> int:
        """How many usual groups would take as much."""
        return self._over // EACH


def _members(group: Group) -> Iterator[str]:
    """Names of servers, the leader's first; it may be told again as one of the others."""
    return chain((group.raft.leader,), (peer.name for peer in group.raft.replicas))
