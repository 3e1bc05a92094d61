"""A server whose volume is replaced is emptied of what only it has, and stops; nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from natsctl.model.jetstream import Replica, Storage, Store, Usage
from natsctl.plan.actions import MOST_STEP_DOWNS, MoveStreams, StepDown
from natsctl.plan.engine import plan
from natsctl.plan.queries import JetStreamLook
from natsctl.plan.rules.rule import Decision
from natsctl.plan.rules.volume_renewal import renew_volumes
from natsctl.plan.state import ClusterState
from natsctl.plan.volume_actions import GiveUpVolume
from tests.unit.plan.claims.renewing import (
    ONE,
    THREE,
    TWO,
    full,
    overridden,
    state_of,
)
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import Named
from tests.unit.plan.world import context


def decision(state: ClusterState) -> Decision:
    return renew_volumes(context(state))


def steps(state: ClusterState) -> list[Any]:
    return [action for stage in plan(state).stages for action in stage]


def of_release(world: Named, version: str, **changes: Any) -> ClusterState:
    """All servers say that they run this release."""
    state = state_of(world)
    looks = tuple(
        attrs.evolve(
            look,
            reports={
                uid: attrs.evolve(said, version=version, **changes)
                for uid, said in look.reports.items()
            },
        )
        for look in state.jetstream
    )
    return attrs.evolve(state, jetstream=looks)


class TestOneThatHoldsNothingAlone:
    def test_stops_and_that_is_noted(self) -> None:
        (action,) = steps(state_of())
        assert isinstance(action, GiveUpVolume)
        assert (action.name, action.uid, action.claim) == ("c-2", "pod-2-0", "js-c-2")
        assert (action.claim_uid, action.restart) == ("000002-volume", "spec")
        assert action.note.text == "2=000002@2026-01-01T00:00:00Z"
        assert action.message == (
            "stopping c-2 to replace its volume of 10Gi with one of 20Gi, which the others fill"
        )

    def test_stops_only_if_servers_are_as_they_were_seen(self) -> None:
        state = state_of()
        (action,) = steps(state)
        assert action.evidence.objection(state.pods, state.now) == ""
        assert action.evidence.objection(state.pods[1:], state.now)
        assert action.evidence.objection(state.pods, state.now + 30)

    def test_hands_the_meta_group_over_before(self) -> None:
        world = full()
        world.meta_leader = TWO
        assert steps(state_of(world)) == [StepDown("c-2", "pod-2-0")]
        asked = {"pod-2-0": MOST_STEP_DOWNS}
        assert isinstance(steps(state_of(world, step_downs=asked))[0], GiveUpVolume)

    def test_does_not_stop_while_there_is_no_secret_to_note_it_on(self) -> None:
        state = state_of()
        assert decision(attrs.evolve(state, owned={**state.owned, "Secret": {}})).actions == ()

    def test_does_not_stop_on_looks_of_before(self) -> None:
        state = state_of()
        for other in (attrs.evolve(state, jetstream=()), attrs.evolve(state, now=state.now + 60)):
            found = decision(other)
            assert (found.actions, found.waiting) == ((), ())
            assert any(isinstance(query, JetStreamLook) for query in found.queries)


class TestWhatOthersLack:
    def test_moves_away_first(self) -> None:
        world = full()
        world.stream("ALONE", members=[TWO])
        world.stream("PAIR", members=[THREE, TWO])
        world.stream("ELSEWHERE", members=[ONE])
        (move,) = steps(state_of(world))
        assert isinstance(move, MoveStreams)
        assert (move.name, move.server, move.reason) == ("c-2", TWO, "ReplacingVolume")
        assert [it.stream for it in move.streams] == ["ALONE", "PAIR"]
        assert move.message == "moving 2 of 2 streams away from c-2"

    def test_moves_some_at_a_time(self) -> None:
        world = full()
        for index in range(20):
            world.stream(f"S{index:02}", members=[TWO])
        (move,) = steps(state_of(world))
        assert len(move.streams) == 8

    def test_moves_stream_by_stream_on_every_release(self) -> None:
        """SERVER.EVACUATE would leave streams of three replicas with two."""
        world = full()
        world.stream("ALONE", members=[TWO])
        assert isinstance(steps(of_release(world, "2.15.3"))[0], MoveStreams)

    def test_moves_out_of_memory_too(self) -> None:
        world = full()
        world.stream("FAST", members=[TWO], storage=Storage.MEMORY)
        assert isinstance(steps(state_of(world))[0], MoveStreams)

    def test_does_not_move_below_2_10_and_nobody_can_decide_otherwise(self) -> None:
        world = full()
        world.stream("ALONE", members=[TWO])
        state = overridden(of_release(world, "2.9.25"), "hosted")
        found = decision(state)
        assert found.actions == ()
        assert "c-2 holds A/ALONE, and nats-server below 2.10 may lose messages" in found.waiting[0]
        assert "override" not in found.waiting[0]

    def test_stays_below_2_10_if_one_other_has_it(self) -> None:
        world = full()
        world.stream("PAIR", members=[THREE, TWO])
        assert isinstance(steps(of_release(world, "2.9.25"))[0], GiveUpVolume)

    def test_is_waited_for_while_it_moves(self) -> None:
        world = full()
        world.stream("ALONE", members=[TWO, THREE], replicas=1)
        found = decision(state_of(world))
        assert (found.actions, found.moves) == ((), True)
        assert found.waiting[0] == "stream A/ALONE is moving"

    def test_does_not_move_where_there_is_no_room(self) -> None:
        world = full()
        world.stream("ALONE", members=[TWO], store=Store(100, 1, 100, 181))
        found = decision(state_of(world))
        assert found.actions == ()
        assert found.waiting[0] == (
            "the other servers do not have enough room for the streams that only c-2 has"
        )
        assert "nats.io/override-room=pod-2-0." in found.waiting[1]
        assert steps(overridden(state_of(world), "room"))
        world.groups[-1].stores[TWO] = Store(100, 1, 100, 180)
        assert isinstance(steps(state_of(world))[0], MoveStreams)

    def test_moves_where_nobody_knows_of_a_limit(self) -> None:
        world = full()
        world.stream("ALONE", members=[TWO], store=Store(100, 1, 100, 10**9))
        assert steps(of_release(world, "2.14.10", file=Usage(10, 0)))


class TestAConsumer:
    def consumer(self, storage: Storage = Storage.FILE, *members: str) -> ClusterState:
        world = full()
        world.stream("ORDERS", members=members or [TWO], consumer="audit", storage=storage)
        return state_of(world)

    def test_that_only_this_server_has_on_disk_is_waited_for(self) -> None:
        found = decision(self.consumer())
        assert found.actions == ()
        assert found.waiting[0] == (
            "only c-2 has consumer A/ORDERS/audit, which would lose its position: set its replicas "
            "to those of its stream, or delete it"
        )
        assert "nats.io/override-hosted=pod-2-0." in found.waiting[1]

    def test_may_lose_its_position_if_somebody_decides_that(self) -> None:
        (action,) = steps(overridden(self.consumer(), "hosted"))
        assert isinstance(action, GiveUpVolume)

    def test_in_memory_loses_it_with_each_restart(self) -> None:
        assert isinstance(steps(self.consumer(Storage.MEMORY))[0], GiveUpVolume)

    def test_that_others_have_is_no_matter(self) -> None:
        assert isinstance(steps(self.consumer(Storage.FILE, TWO, THREE))[0], GiveUpVolume)


def lagging(world: Named) -> None:
    world.groups[0].seen[THREE] = Replica(THREE, current=True, active=0.5, lag=9000)


def with_a_part_only(world: Named) -> None:
    world.groups[0].stores[THREE] = Store(50, 51, 100)


def without_a_leader(world: Named) -> None:
    world.groups[0].leader = ""


ILL: dict[str, Callable[[Named], None]] = {
    "a replica that lags": lagging,
    "one that lacks a part": with_a_part_only,
    "a group without a leader": without_a_leader,
    "one that does not answer": lambda world: world.states.update({THREE: State.PAUSED}),
    "one whose JetStream is off": lambda world: world.states.update({THREE: State.DISABLED}),
    "the server does not answer": lambda world: world.states.update({TWO: State.PAUSED}),
    "JetStream is off on it": lambda world: world.states.update({TWO: State.DISABLED}),
}


@pytest.mark.parametrize("ill", ILL)
@pytest.mark.parametrize("alone", [True, False])
def test_nothing_is_done_while_anything_is_not_well(ill: str, alone: bool) -> None:
    world = full()
    if alone:
        world.stream("ALONE", members=[TWO])
    ILL[ill](world)
    found = decision(state_of(world))
    assert found.actions == ()
    assert found.waiting


def test_what_blocks_can_be_overridden_where_nothing_is_lost() -> None:
    world = full()
    without_a_leader(world)
    found = decision(state_of(world))
    assert "nats.io/override-no-leader=pod-2-0." in found.waiting[-1]
    assert isinstance(steps(overridden(state_of(world), "no-leader"))[0], GiveUpVolume)


def test_a_stream_that_nobody_else_has_is_never_overridden() -> None:
    world = full()
    world.stream("ALONE", members=[TWO])
    assert isinstance(steps(overridden(state_of(world), "hosted"))[0], MoveStreams)
