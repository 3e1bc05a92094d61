"""What blocks about the meta group, which all servers belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.foreign import printable
from natsctl.plan.gates.look import shortcoming
from natsctl.plan.gates.verdict import Block, Why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from natsctl.model.jetstream import Meta
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
    """The group counts other than the expected members; one that is gone still counts."""
    if view.meta and view.meta.size != len(case.expected):
        detail = f"it has {view.meta.size} members instead of {len(case.expected)}"
        yield Block(Why.META_SIZE, detail=detail)


def meta_members(case: Case, view: View) -> Iterator[Block]:
    """Its members are others than the expected servers."""
    if view.meta:
        members = _members(view.meta)
        for name in sorted(members - case.expected):
            yield Block(Why.META_MEMBERS, name, detail="it is a member and no server")
        for name in sorted(case.expected - members):
            yield Block(Why.META_MEMBERS, name, detail="it is not a member")


def meta_replica(case: Case, view: View) -> Iterator[Block]:
    """A member that stays is not good."""
    for replica in view.meta.replicas if view.meta else ():
        if replica.name != case.target and (why := shortcoming(replica)):
            yield Block(Why.META_REPLICA, replica.name, detail=why)


def meta_quorum(case: Case, view: View) -> Iterator[Block]:
    """Without the target, fewer good members are left than a leader needs; others only count."""
    if case.target and view.meta:
        members = _members(view.meta)
        bad = {it.name for it in view.meta.replicas if shortcoming(it)}
        good = (members & case.expected) - bad - {case.target}
        needed = max(view.meta.size, len(members)) // 2 + 1
        if len(good) < needed:
            detail = f"{len(good)} good members would be left, {needed} are needed"
            yield Block(Why.META_QUORUM, detail=detail)


def _members(meta: Meta) -> frozenset[str]:
    return frozenset({meta.leader, *(replica.name for replica in meta.replicas)})


def _list(names: Iterable[str]) -> str:
    return printable(", ".join(names) or "none", _SHOWN)
