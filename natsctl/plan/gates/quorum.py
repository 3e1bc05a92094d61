"""Whether groups have a quorum, and which servers they cannot do without."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from natsctl.model.jetstream import Asset
from natsctl.plan.gates.case import case
from natsctl.plan.gates.groups import loses_quorum
from natsctl.plan.gates.meta import Votes, votes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Look


class State(StrEnum):
    """As the status tells it; `unknown`: nobody answers."""

    OK = "ok"
    CRITICAL = "critical"
    LOST = "lost"
    UNKNOWN = "unknown"


@attrs.frozen
class Quorum:
    """`must_stay`: without any of these servers, some group loses its quorum.

    `meta_lost` and `lost`: the groups that have none any more, in both looks.
    """

    state: State
    must_stay: tuple[str, ...] = ()
    meta_lost: bool = False
    lost: tuple[Asset, ...] = ()


def quorum(expected: Collection[str], looks: tuple[Look, Look]) -> Quorum:
    """What the status tells."""
    return quorum_of(case("", expected, looks))


def quorum_of(it: Case) -> Quorum:
    """The same of looks that are sorted out already."""
    if not any(view.answered for view in it.views):
        return Quorum(State.UNKNOWN)
    kept = votes(it.expected, it.second)
    must_stay = tuple(name for name in it.others if _must_stay(it, kept, name))
    meta_lost = not it.standalone and not any(view.meta_leaders for view in it.views)
    lost = tuple(sorted(_lost(it)))
    return Quorum(_state(bool(must_stay), meta_lost or bool(lost)), must_stay, meta_lost, lost)


def _state(critical: bool, lost: bool) -> State:
    if lost:
        return State.LOST
    return State.CRITICAL if critical else State.OK


def _must_stay(it: Case, kept: Votes, name: str) -> bool:
    """Of servers that answer: one that is gone already can do no more harm."""
    if name not in it.second.answered or it.standalone:
        return False
    own = it.second.of_server.get(name, ())
    return any(kept.blocks(name)) or any(loses_quorum(told, name) for told in own)


def _lost(it: Case) -> Iterator[Asset]:
    """Replicated groups that nobody leads; a single replica has no quorum to lose."""
    if it.standalone:
        return
    for asset, told in it.second.groups.items():
        before = it.first.groups.get(asset)
        if told.replicas > 1 and not told.leaders and before and not before.leaders:
            yield asset
