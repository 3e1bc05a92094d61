"""No two rules wait for each other: one of them goes first, or somebody can decide that."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec

from natsctl.plan.actions import ReplaceServer
from natsctl.plan.engine import plan
from natsctl.plan.gates.verdict import Purpose
from natsctl.plan.overrides import override_value
from natsctl.plan.rules.rolling_update import replace_outdated
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.state import ClusterState
from tests.unit.plan.departures.world import C2, C4, FIVE, THREE, Shrinking, begun
from tests.unit.plan.departures.world import servers as five_servers
from tests.unit.plan.departures.world import state_of as shrinking
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import NAMES, Named
from tests.unit.plan.restarts.test_gated import AFTER, process, state_of
from tests.unit.plan.world import context


def restarted(state: ClusterState) -> list[str]:
    steps = [action for stage in plan(state).stages for action in stage]
    return [action.name for action in steps if isinstance(action, ReplaceServer)]


def waiting(state: ClusterState) -> str:
    return "; ".join(replace_outdated(context(state)).waiting)


def decided(state: ClusterState, index: int, *whys: str) -> ClusterState:
    """The same if somebody lets this server restart in spite of these."""
    (server,) = [it for it in context(state).servers if it.index == index]
    value = override_value(context(state), server, Purpose.RESTART)
    annotations = {f"nats.io/override-{why}": value for why in whys}
    meta = msgspec.structs.replace(state.cluster.metadata, annotations=annotations)
    return attrs.evolve(state, cluster=msgspec.structs.replace(state.cluster, metadata=meta))


def two_unready() -> ClusterState:
    """Both run, and are not ready; both would be after a restart, such as a reverted spec."""
    pods = (process(1, AFTER), process(2, ready=False), process(3, ready=False))
    return state_of(Named(), pods=pods)


def test_two_servers_that_are_not_ready_wait_for_each_other_until_somebody_decides() -> None:
    """They may recover by themselves, and each may be what the other needs."""
    state = two_unready()
    assert restarted(state) == []
    assert waiting(state).startswith("c-2 is starting; to continue anyway")
    assert "nats.io/override-unhealthy=pod-3-0." in waiting(state)
    assert restarted(decided(state, 3, "unhealthy")) == ["c-3"]
    assert restarted(decided(state, 3, "no-leader")) == []


def without_a_volume(*pods: Any) -> ClusterState:
    """c-2 does not answer, and its claim is gone."""
    state = state_of(Named(size=3, states={NAMES["nats-2"]: State.DOWN}), pods=pods)
    claims = dict(state.owned["PersistentVolumeClaim"])
    del claims["js-c-2"]
    return attrs.evolve(state, owned={**state.owned, "PersistentVolumeClaim": claims})


def test_a_server_that_is_not_ready_does_not_wait_for_a_lost_volume_which_waits_for_it() -> None:
    state = without_a_volume(process(1, AFTER), process(2), process(3, ready=False))
    assert restarted(state) == []
    assert "js-c-2" in waiting(state)
    assert "nats.io/override-" in waiting(state)
    blocking = ("unreachable", "meta-replica", "meta-quorum", "unhealthy")
    assert restarted(decided(state, 3, *blocking)) == ["c-3"]


def test_one_that_serves_waits_for_a_lost_volume_whatever_somebody_decides() -> None:
    state = without_a_volume(process(1), process(2), process(3, AFTER))
    blocking = ("unreachable", "meta-replica", "meta-quorum", "unhealthy")
    assert restarted(decided(state, 1, *blocking)) == []
    assert "nats.io/override-" not in waiting(state)


def moving(**states: State) -> ClusterState:
    """A stream moves from c-5 to c-2, which has another version than the spec."""
    world = Shrinking(states=states)
    world.stream("LOG", members=[C4, C2], replicas=1)
    old = process(2, FIVE | {"version": "2.12.14"})
    pods = (five_servers(1)[0], old, *five_servers()[2:])
    return begun(shrinking(world, THREE, pods=pods))


def test_no_server_restarts_while_a_stream_moves() -> None:
    state = moving()
    assert scale_down(context(state)).moves
    assert restarted(state) == []


def test_a_move_does_not_hold_up_the_restart_that_it_needs() -> None:
    """The volume of the server to which it moves is full, for example."""
    state = moving(**{C2: State.DISABLED})
    assert not scale_down(context(state)).moves
    assert restarted(state) == ["c-2"]
