"""What blocks about the meta group, which all servers belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.foreign import printable
from natsctl.plan.gates.look import shortcoming
from natsctl.plan.gates.verdict import Block, Why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import View

_SHOWN: Final = 200


def meta_leader(case: Case, view: View) -> Iterator[Block]:
    """Not exactly one server calls itself leader, or one that stays names another."""
    leaders = view.meta_leaders
    if len(leaders) != 1:
        yield Block(Why.META_LEADER, detail=f"leaders: {_list(leaders)}")
        return
    for name in case.others:
        said = view.answered.get(name)
        if said and not said.disabled and (said.meta is None or said.meta.leader != leaders[0]):
            named = printable(said.meta.leader, 60) if said.meta and said.meta.leader else "nobody"
            yield Block(Why.META_LEADER, name, detail=f"it names {named}, while {leaders[0]} leads")


def meta_size(case: Case, view: View) -> Iterator[Block]:
    """Two halves could have a leader each, or nobody knows that they cannot.

    After an election among some servers only, a group may count fewer members than it has, for ever
    (measured, 2.10.29 to 2.15.3). If each server needs the votes of more than half of all
    all the same, such as two of three, it is as safe as any other. What counts more has a ghost.
    """
    if view.meta is None:
        return
    size, there = view.meta.size, len(case.expected)
    told = [said.meta for said in view.answered.values() if said.meta is not None]
    certain = view.members == case.expected and len(told) == there
    if size > there or (size < there and not certain):
        yield Block(Why.META_SIZE, detail=f"it has {size} members instead of {there}")
    elif any(2 * meta.needed <= there for meta in told):
        needed = min(meta.needed for meta in told)
        yield Block(Why.META_SIZE, detail=f"{needed} of {there} members are enough for a leader")


def meta_members(case: Case, view: View) -> Iterator[Block]:
    """Its members are others than the expected servers."""
    if view.meta:
        members = view.members
        for name in sorted(members - case.expected):
            yield Block(Why.META_MEMBERS, name, detail="it is a member and no server")
        for name in sorted(case.expected - members):
            yield Block(Why.META_MEMBERS, name, detail="it is not a member")


def meta_replica(case: Case, view: View) -> Iterator[Block]:
    """A member that stays is not good."""
    for replica in view.meta.replicas if view.meta else ():
        if replica.name != case.target and (why := shortcoming(replica)):
            yield Block(Why.META_REPLICA, replica.name, detail=why)


@attrs.frozen
class Votes:
    """The good members of the meta group, and how many a leader needs; others only count."""

    good: frozenset[str] = frozenset()
    needed: int = 0

    def blocks(self, target: str) -> Iterator[Block]:
        """Without this server, fewer are left."""
        left = len(self.good) - (target in self.good)
        if left < self.needed:
            detail = f"{left} healthy members would be left, {self.needed} are needed"
            yield Block(Why.META_QUORUM, detail=detail)


def votes(expected: frozenset[str], view: View) -> Votes:
    """Those of a cluster with these servers; none are needed where nobody leads."""
    if view.meta is None:
        return Votes()
    members = view.members
    bad = {it.name for it in view.meta.replicas if shortcoming(it)}
    return Votes((members & expected) - bad, max(view.meta.size, len(members)) // 2 + 1)


def meta_quorum(case: Case, view: View) -> Iterator[Block]:
    """Without the target, fewer good members are left than a leader needs."""
    if case.target:
        yield from votes(case.expected, view).blocks(case.target)


def _list(names: Iterable[str]) -> str:
    return printable(", ".join(names) or "none", _SHOWN)
