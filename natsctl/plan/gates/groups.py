"""What blocks about streams and consumers, each as its own leader tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.jetstream import Storage
from natsctl.plan.gates.verdict import Block, Purpose, Why

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.model.jetstream import JetStreamReport
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Told, View

VOTERS: Final = 3
"""Replicas from which on a group survives the loss of one. Two are one copy and one to spare."""


def no_leader(case: Case, view: View) -> Iterator[Block]:
    """Nobody calls itself leader of a group that is not on the target alone."""
    for told in _in_clusters(case, view):
        elsewhere = told.replicas > 1 or not told.holders <= {case.target}
        if not told.leaders and not told.hidden and elsewhere:
            yield Block(Why.NO_LEADER, asset=told.asset)


def two_leaders(case: Case, view: View) -> Iterator[Block]:
    """Several servers call themselves leader of one group."""
    for told in _in_clusters(case, view):
        if len(told.leaders) > 1:
            yield Block(
                Why.TWO_LEADERS, asset=told.asset, detail=f"leaders: {', '.join(told.leaders)}"
            )


def moving(case: Case, view: View) -> Iterator[Block]:
    """A group is to get other members, or has more than it should."""
    for told in _in_clusters(case, view):
        if told.leader and (told.moving or len(told.members) > told.replicas):
            yield Block(Why.MOVING, asset=told.asset, detail=_members(told))


def replica(case: Case, view: View) -> Iterator[Block]:
    """A replica on a server that stays is not good."""
    for told in _in_clusters(case, view):
        for name, why in told.bad.items():
            if name != case.target:
                yield Block(Why.REPLICA, name, told.asset, why)


def quorum(case: Case, view: View) -> Iterator[Block]:
    """Without the target, fewer good members of a group are left than a leader needs."""
    for told in _in_clusters(case, view):
        if loses_quorum(told, case.target):
            yield Block(Why.QUORUM, asset=told.asset, detail=_members(told))


def short(case: Case, view: View) -> Iterator[Block]:
    """A group has fewer members than it should, and too few to do without the target."""
    for told in _in_clusters(case, view):
        if told.short and blocks_as_short(case, told):
            detail = f"it has {len(told.members)} members instead of {told.replicas}"
            yield Block(Why.SHORT, asset=told.asset, detail=detail)


def hosted(case: Case, view: View) -> Iterator[Block]:
    """The target holds what leaves with it: anything if it is removed, the only copies if its
    volume is emptied."""
    if case.purpose is Purpose.RESTART or not case.target:
        return
    said = view.answered.get(case.target)
    if said is None or not _tells(case, said):
        yield Block(Why.HOSTED, case.target, detail="it does not say what it holds")
    for told in view.groups.values():
        only = told.holders | told.members <= {case.target} and not told.asset.consumer
        here = case.target in told.holders | told.members
        if only if case.purpose is Purpose.REPLACE else here:
            yield Block(Why.HOSTED, case.target, told.asset)


def _tells(case: Case, said: JetStreamReport) -> bool:
    """One that comes back with an empty volume may be unhealthy: that may be what it is for."""
    if case.purpose is Purpose.REMOVE:
        return said.tells_all
    return not (said.disabled or said.too_many or said.unknown)


def memory(case: Case, view: View) -> Iterator[Block]:
    """The only copy of messages is in the target's memory: every restart loses them."""
    for told in view.groups.values():
        store = told.stores.get(case.target)
        if told.storage is Storage.MEMORY and store and store.messages and alone(told, case.target):
            yield Block(Why.MEMORY, case.target, told.asset, f"{store.messages} messages")


def alone(told: Told, target: str) -> bool:
    """Whether nobody but the target holds it."""
    return told.holders | told.members == {target}


def loses_quorum(told: Told, target: str) -> bool:
    """Whether the group cannot do without this member; one of two replicas never could."""
    if target not in told.members or not told.leader or told.replicas < VOTERS:
        return False
    good = told.members - told.bad.keys() - {target}
    return len(good) < len(told.members) // 2 + 1


def blocks_as_short(case: Case, told: Told) -> bool:
    """Whether a group that lacks members holds up the target.

    Any of them does where that never comes back: it may have the copy that the others lack.
    """
    return case.purpose is Purpose.REMOVE or loses_quorum(told, case.target)


def _in_clusters(case: Case, view: View) -> Iterator[Told]:
    if not case.standalone:
        yield from view.groups.values()


def _members(told: Told) -> str:
    """Those that are named in blocks: leader first, then the others and what is wrong with them."""
    others = sorted(told.members - {told.leader})
    shown = [told.leader, *(f"{it} {told.bad[it]}" if it in told.bad else it for it in others)]
    return f"members: {', '.join(shown[:8])}"
