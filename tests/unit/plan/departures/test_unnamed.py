"""A meta leader that restarted has not heard of who is away, and tells an id instead of a name.

Whoever is away is a member all the same: it is no stranger, and was not forgotten.
"""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.model.jetstream import Replica
from natsctl.model.peers import peer_id, unnamed
from natsctl.plan.actions import CreateServer, DeleteServer, NoteDepartures, RemoveMember
from natsctl.plan.departures.never_ran import STRANGER
from natsctl.plan.engine import plan
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.state import ClusterState
from tests.unit.plan.departures.test_never_ran import pending, taken_back
from tests.unit.plan.departures.test_never_ran import world as never_ran
from tests.unit.plan.departures.test_vanished import decided, lost
from tests.unit.plan.departures.world import C1, C2, C5, Shrinking, state_of
from tests.unit.plan.world import context

EARLIER = "c-5-7e57ab1e"
"""What c-5 was called by an earlier NatsCluster of this name."""


def away(name: str = C5) -> Replica:
    """As a leader tells of a member that it has not heard of since it started."""
    return Replica(unnamed(peer_id(name)), offline=True)


def gone(name: str = C5) -> Shrinking:
    return Shrinking(size=4, ghosts=[away(name)])


def planned(state: ClusterState) -> list[Any]:
    return [action for stage in plan(state).stages for action in stage]


@pytest.mark.parametrize("name", [C5, EARLIER])
def test_one_that_left_empty_is_taken_out(name: str) -> None:
    """It was taken for one that the group had forgotten, and counted for its quorum for ever."""
    (removal,) = planned(state_of(gone(name), departed=f"5={name}", claims=(1, 2, 3, 4)))
    assert isinstance(removal, RemoveMember)
    assert removal.server == name


def test_one_that_a_stream_counts_on_takes_its_note_back() -> None:
    world = gone()
    toy = world.stream("ORDERS", members=[C1, C2, C5])
    toy.seen[C5] = away()
    actions = planned(state_of(world, departed=f"5={C5}"))
    assert [a.note for a in actions if isinstance(a, NoteDepartures)] == [()]


def test_one_that_went_away_by_itself_comes_back() -> None:
    (made,) = planned(state_of(gone()))
    assert isinstance(made, CreateServer)
    assert made.name == "c-5"


def test_one_that_is_gone_with_its_volume_may_be_given_up() -> None:
    assert [type(it) for it in planned(decided(lost(gone())))] == [RemoveMember]


def test_one_that_never_ran_leaves_beside_it() -> None:
    """That c-5 is a member is no reason to wait for a stranger."""
    state = taken_back(never_ran(4, ghosts=[away()]), pending(4), departed=f"5={C5}")
    assert [it.name for it in planned(state) if isinstance(it, DeleteServer)] == ["c-4"]


def test_a_stranger_stays_one() -> None:
    stranger = away("somebody-else")
    state = taken_back(never_ran(4, ghosts=[stranger]), pending(4))
    assert scale_down(context(state)).waiting == (STRANGER.format(f'"{stranger.name}"'),)
