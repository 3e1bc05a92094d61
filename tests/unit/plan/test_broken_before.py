"""What was broken before servers began to restart, from the first of them to the last."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.api.problems import Problem
from natsctl.api.types.status import BrokenStatus, ClusterStatus, JetStreamStatus, parse_status
from natsctl.api.types.status import to_json as written
from natsctl.plan.actions import NoteClaims, ReplaceServer, StepDown
from natsctl.plan.engine import plan
from natsctl.plan.restarts.gated import NOTED_FIRST
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.looks import NAMES, Named
from tests.unit.plan.restarts.test_gated import (
    AFTER,
    BEFORE,
    decision,
    process,
    restarted,
    state_of,
)
from tests.unit.plan.world import planned, terminating

FRESH = ClusterStatus()
BROKEN = BrokenStatus("no-leader", "A", "ORDERS", "broken")


def world(**consumer: Any) -> Named:
    """A stream that is well, and a consumer that nobody leads."""
    made = Named()
    made.stream("ORDERS", members=made.names)
    made.stream("ORDERS", members=made.names, consumer="broken", leader="", **consumer)
    return made


def told(state: ClusterState) -> ClusterStatus:
    """The status, as another process reads it."""
    return parse_status(written(status(state)))


def broken_before(state: ClusterState) -> tuple[BrokenStatus, ...] | None:
    found = told(state).jetstream
    return found.broken_before if found is not None else None


def begun(made: Named) -> ClusterStatus:
    """What the status keeps once servers begin to restart."""
    return told(state_of(made, status=FRESH))


def message(state: ClusterState) -> str:
    return {c.type: c.message for c in status(state).conditions}["Progressing"]


def test_it_is_noted_before_the_first_restart() -> None:
    state = state_of(world(), status=FRESH)
    assert restarted(state) == []
    assert decision(state).waiting == (NOTED_FIRST,)
    assert broken_before(state) == (BROKEN,)


def test_nothing_is_noted_while_nothing_is_to_restart() -> None:
    assert broken_before(state_of(world(), BEFORE, status=FRESH)) is None


def test_one_broken_consumer_does_not_stop_a_roll() -> None:
    made = world()
    noted = begun(made)
    for renewed, goes in ((), "c-3"), ((3,), "c-2"), ((3, 2), "c-1"):
        pods = tuple(process(i, AFTER if i in renewed else BEFORE) for i in range(1, 4))
        state = state_of(made, pods=pods, status=noted)
        (step,) = [action for stage in plan(state).stages for action in stage]
        assert isinstance(step, ReplaceServer | StepDown)
        assert step.name == goes
        assert broken_before(state) == (BROKEN,)
        assert "consumer A/ORDERS/broken has no leader" in message(state)
        noted = told(state)


def test_it_is_dropped_once_all_servers_are_renewed() -> None:
    pods = tuple(process(index, AFTER) for index in range(1, 4))
    assert broken_before(state_of(world(), pods=pods, status=begun(world()))) is None


def test_what_breaks_later_holds_servers_up() -> None:
    noted = begun(Named())
    assert noted.jetstream is not None
    assert noted.jetstream.broken_before == ()
    state = state_of(world(), status=noted)
    assert restarted(state) == []
    assert "consumer A/ORDERS/broken has no leader" in decision(state).waiting
    assert broken_before(state) == ()


def test_what_has_recovered_is_dropped() -> None:
    well = Named()
    well.stream("ORDERS", members=well.names)
    well.stream("ORDERS", members=well.names, consumer="broken")
    assert broken_before(state_of(well, status=begun(world()))) == ()


def test_it_is_not_taken_while_a_server_is_away() -> None:
    """What is broken then may be so because of that."""
    state = state_of(world(), status=FRESH)
    for pods in (state.pods[:2], (*state.pods[:2], terminating(state.pods[2]))):
        away = attrs.evolve(state, pods=pods)
        assert broken_before(away) is None
        assert decision(away).actions == ()
        # The pod that is missing is created, once its claim says what it will run.
        assert {type(action) for action in planned(away)} <= {NoteClaims}


def test_it_is_kept_while_nothing_can_be_seen_or_done() -> None:
    state = state_of(world(), status=begun(world()))
    problems = (Problem("spec", "?", "no"),)
    for changed in (
        attrs.evolve(state, jetstream=()),
        attrs.evolve(state, now=state.now + 99),
        attrs.evolve(state, paused=True),
        attrs.evolve(state, desired=None, problems=problems),
        state_of(world(), AFTER | {"rollout": {"paused": True}}, status=begun(world())),
    ):
        assert broken_before(changed) == (BROKEN,)


def test_it_is_not_taken_while_somebody_works_on_the_cluster() -> None:
    state = state_of(world(), status=FRESH)
    assert broken_before(attrs.evolve(state, paused=True)) is None
    held = state_of(world(), AFTER | {"rollout": {"paused": True}}, status=FRESH)
    assert broken_before(held) is None


@pytest.mark.parametrize("why", ["no-leader", "quorum", "replica", "memory", "unreachable"])
def test_a_forged_one_lets_no_member_of_a_broken_stream_go(why: str) -> None:
    made = Named()
    made.stream("ORDERS", members=made.names, leader="")
    rows = [BrokenStatus(why, "A", "ORDERS", "", name) for name in ("", *NAMES.values())]
    forged = ClusterStatus(jetstream=JetStreamStatus(broken_before=tuple(rows)))
    assert restarted(state_of(made, status=forged)) == []


def test_in_a_cluster_without_streams_it_counts_for_nothing() -> None:
    forged = ClusterStatus(jetstream=JetStreamStatus(broken_before=(BROKEN,)))
    plain = {"size": 3, "version": "2.12.15"}
    pods = tuple(process(index, plain) for index in range(1, 4))
    state = state_of(Named(), plain | {"version": "2.14.10"}, pods, status=forged)
    assert told(state).jetstream is None
