"""A server beyond size that never ran leaves at once, unless anybody may count on it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.model.jetstream import Replica
from natsctl.model.objects import Pod
from natsctl.plan.actions import DeleteServer, ReplaceServer
from natsctl.plan.engine import plan
from natsctl.plan.gates.words import MORE, SOME
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.servers.pod_runs import has_run
from natsctl.plan.state import ClusterState
from tests.unit.plan.departures.world import (
    C2,
    C3,
    C4,
    C5,
    FIVE,
    LEFT,
    THREE,
    Shrinking,
    begun,
    servers,
    state_of,
)
from tests.unit.plan.gates.world import State
from tests.unit.plan.restarts.test_gated import process
from tests.unit.plan.world import context, planned, pod

NO_NODE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available",
}
NO_IMAGE = {"name": "nats", "state": {"waiting": {"reason": "ImagePullBackOff"}}}


def pending(index: int, *containers: Any, phase: str = "Pending") -> Pod:
    """A pod that no node has room for; with containers, one that a node has."""
    conditions = [] if containers else [NO_NODE]
    status: dict[str, Any] = {"podIP": "", "phase": phase, "containerStatuses": containers}
    return pod(index, FIVE, ready=False, conditions=conditions, **status)


def world(count: int = 5, **changes: Any) -> Shrinking:
    """Servers after the third do not answer, and the meta leader never heard of them."""
    silent = {C4: State.DOWN, C5: State.DOWN} | changes.pop("states", {})
    found = Shrinking(**({"size": count, "states": silent, "hidden": {C4, C5}} | changes))
    found.stream("ORDERS", members=found.names[:3])
    return found


def taken_back(
    it: Shrinking | None = None, *late: Pod, spec: Any = THREE, **changes: Any
) -> ClusterState:
    """Three servers were to be five, and are to be three again."""
    found = it or world()
    pods = servers(3) + (late or (pending(4), pending(5)))
    return begun(state_of(found, spec, pods=pods, **changes))


def gone(state: ClusterState) -> list[str]:
    return [it.name for it in planned(state) if isinstance(it, DeleteServer)]


class TestGoes:
    def test_one_after_the_other(self) -> None:
        state = taken_back()
        (removal,) = planned(state)
        assert isinstance(removal, DeleteServer)
        assert (removal.name, removal.uid, removal.reason) == ("c-5", "pod-5-0", "ScalingDown")
        assert removal.message == "scaling down to 3: removing c-5, which never ran"
        assert gone(taken_back(world(4), pending(4))) == ["c-4"]

    def test_one_whose_image_cannot_be_pulled(self) -> None:
        assert gone(taken_back(world(4), pending(4, NO_IMAGE))) == ["c-4"]

    def test_before_one_that_has_to_be_emptied(self) -> None:
        it = world(hidden={C4}, states={C5: State.UP})
        it.stream("LOG", members=[C5])
        assert gone(taken_back(it, pending(4), process(5, FIVE))) == ["c-4"]

    def test_while_one_that_left_is_not_forgotten_yet(self) -> None:
        it = world(4, ghosts=[LEFT])
        assert gone(taken_back(it, pending(4), departed=f"5={C5}")) == ["c-4"]

    def test_only_as_long_as_it_does_not_start(self) -> None:
        state = taken_back(world(4), pending(4))
        (removal,) = planned(state)
        assert removal.evidence is not None
        assert removal.evidence.objection(state.pods, state.now) == ""
        started = (*servers(3), process(4, FIVE, ready=False))
        assert removal.evidence.objection(started, state.now)
        assert removal.evidence.objection(state.pods, state.now + 60)

    def test_then_the_others_may_restart(self) -> None:
        old = tuple(process(index, FIVE | {"version": "2.12.14"}) for index in (1, 2, 3))
        it = world(3)
        (restart,) = planned(begun(state_of(it, THREE, pods=old)))
        assert isinstance(restart, ReplaceServer)


class TestStays:
    """Nobody goes who may have run, or on whom somebody may count."""

    @pytest.mark.parametrize(
        "ran",
        [
            pending(4, NO_IMAGE | {"restartCount": 1}),
            pending(4, NO_IMAGE | {"lastState": {"terminated": {"exitCode": 1}}}),
            pending(4, {"name": "nats", "state": {"terminated": {"exitCode": 1}}}),
            pending(4, {"name": "nats", "state": {"running": {}}}),
            pending(4, phase="Running"),
            pending(4, phase="Unknown"),
            process(4, FIVE),
        ],
    )
    def test_one_that_may_have_run(self, ran: Pod) -> None:
        assert has_run(ran)
        assert gone(taken_back(world(4), ran)) == []

    def test_one_that_is_to_be(self) -> None:
        assert gone(taken_back(spec=FIVE)) == []

    def test_a_member_of_the_meta_group(self) -> None:
        """It had a pod before, and its volume may have data."""
        assert gone(taken_back(world(4, hidden=set()), pending(4))) == []

    def test_a_member_of_a_group(self) -> None:
        it = world(4)
        it.stream("OLD", members=[C2, C3, C4])
        assert gone(taken_back(it, pending(4))) == []

    def test_one_that_somebody_is_connected_to(self) -> None:
        it = world(4, states={C4: State.PAUSED})
        assert gone(taken_back(it, pending(4))) == []

    def test_anybody_while_there_is_a_member_that_nobody_knows(self) -> None:
        """Servers that restarted do not know the names of members that are away."""
        unknown = Replica("Server name unknown at this time (peerID: abc)", offline=True)
        state = taken_back(world(4, ghosts=[unknown]), pending(4))
        assert gone(state) == []
        assert scale_down(context(state)).waiting == (
            "the meta group or a stream has a member that is not a server of this cluster: "
            '"Server name unknown at this time (peerID: abc)"',
        )

    def test_of_many_members_that_nobody_knows_some_are_named(self) -> None:
        """Servers may name as many as they like."""
        it = world(4, ghosts=[Replica(f"ghost-{n:03}", offline=True) for n in range(500)])
        waiting = scale_down(context(taken_back(it, pending(4)))).waiting
        assert len(waiting) == SOME + 1
        assert waiting[0].endswith("not a server of this cluster: ghost-000")
        assert waiting[-1] == MORE

    @pytest.mark.parametrize("way", [State.DOWN, State.PAUSED])
    def test_anybody_while_another_server_does_not_answer(self, way: State) -> None:
        state = taken_back(world(4, states={C3: way}), pending(4))
        assert gone(state) == []
        assert scale_down(context(state)).waiting == (f"{C3} does not answer",)

    def test_anybody_while_a_server_has_jetstream_off(self) -> None:
        state = taken_back(world(4, states={C3: State.DISABLED}), pending(4))
        assert gone(state) == []
        assert scale_down(context(state)).waiting == (f"JetStream is off on {C3}",)

    def test_anybody_without_a_meta_leader(self) -> None:
        assert gone(taken_back(world(4, meta_leader="nobody"), pending(4))) == []

    def test_anybody_before_fresh_answers(self) -> None:
        state = taken_back()
        for old in (attrs.evolve(state, jetstream=()), attrs.evolve(state, now=state.now + 30)):
            assert planned(old) == []
            assert plan(old).queries
