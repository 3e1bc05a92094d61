"""Servers that only a restart brings back are restarted once their disk is known to have room."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.types.status import ClusterStatus
from natsctl.model.jetstream import Health, Storage, Store, Volume
from natsctl.model.names import JETSTREAM_KEY
from natsctl.model.objects import Secret
from natsctl.plan.actions import ReplaceServer, StepDown
from natsctl.plan.engine import plan
from natsctl.plan.jetstream import seen_in
from natsctl.plan.restarts.gated import NO_COPIES
from natsctl.plan.rules.recovery import FROZEN, LIVED, OFF, ROOM, WITHOUT, recover_servers
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.gates.world import State, World
from tests.unit.plan.looks import NAMES, Named
from tests.unit.plan.restarts.test_gated import AFTER, BEFORE, process, state_of
from tests.unit.plan.world import context, planned

ONE, TWO, THREE = (NAMES[f"nats-{index}"] for index in (1, 2, 3))
HALF = Volume(50, 50)


def disabled(*servers: str, volumes: dict[str, Volume] | None = None) -> Named:
    """These turned JetStream off; all volumes are half full, and servers have run for a while."""
    world = Named(states=dict.fromkeys(servers, State.DISABLED), clock=LIVED)
    world.volumes = dict.fromkeys(world.names, HALF) if volumes is None else volumes
    return world


def behind(server: str) -> Named:
    """A copy on this server stands still behind the others."""
    world = disabled()
    world.stream("ORDERS", members=world.names).stores[server] = Store(97, 1, 97)
    return world


def seen(world: World, spec: Any = BEFORE, **changes: Any) -> ClusterState:
    """Looked at twice, so far apart that a copy which stands still is told."""
    made = state_of(world, spec, status=ClusterStatus(), **changes)
    first, second = made.jetstream
    apart = attrs.evolve(made, jetstream=(attrs.evolve(first, began=first.began - 10), second))
    return attrs.evolve(apart, seen=seen_in(apart))


def restarted(state: ClusterState) -> list[tuple[str, str]]:
    return [(it.name, it.message) for it in planned(state) if isinstance(it, ReplaceServer)]


def off(name: str) -> tuple[str, str]:
    return name, f"restarting {name}: {OFF}"


def test_a_cluster_that_is_well_is_left_alone() -> None:
    assert planned(seen(disabled())) == []


def test_servers_that_turned_jetstream_off_restart_together() -> None:
    state = seen(disabled(TWO, THREE))
    assert restarted(state) == [off("c-2"), off("c-3")]
    assert all(step.evidence is not None for step in planned(state))
    assert restarted(seen(disabled(ONE, TWO, THREE))) == [off("c-1"), off("c-2"), off("c-3")]


def test_servers_with_copies_in_memory_do_not_restart_together() -> None:
    """Both have lost what they had, and would outvote the one that still has it."""
    world = disabled(TWO, THREE)
    world.stream("SESSIONS", members=[ONE, TWO, THREE], leader="", storage=Storage.MEMORY)
    assert restarted(seen(world)) == [off("c-2")]
    world.states = {TWO: State.DOWN, THREE: State.DISABLED}
    state = seen(world)
    assert restarted(state) == []
    assert recover_servers(context(state)).waiting == (f"c-3: {NO_COPIES}",)


def test_the_kubelet_need_not_call_it_ready() -> None:
    pods = (process(1), process(2), process(3, ready=False))
    assert restarted(seen(disabled(THREE), pods=pods)) == [off("c-3")]


@pytest.mark.parametrize("volume", [Volume(ROOM, 100 - ROOM), None])
def test_one_without_room_or_of_which_nobody_knows_waits_and_the_others_do_not(
    volume: Volume | None,
) -> None:
    volumes = {TWO: HALF} if volume is None else {TWO: HALF, THREE: volume}
    assert restarted(seen(disabled(TWO, THREE, volumes=volumes))) == [off("c-2")]
    alone = seen(disabled(THREE, volumes={k: v for k, v in volumes.items() if k != TWO}))
    assert recover_servers(context(alone)).servers == ()
    assert {c.type: c.reason for c in status(alone).conditions}["Progressing"] == "Settled"


def test_one_that_failed_again_right_after_a_restart_waits() -> None:
    world = disabled(THREE)
    world.clock = LIVED - 10
    assert planned(seen(world)) == []


def test_one_whose_clock_nobody_understands_waits() -> None:
    state = seen(disabled(THREE))
    looks = tuple(
        attrs.evolve(
            look, reports={uid: attrs.evolve(r, started="") for uid, r in look.reports.items()}
        )
        for look in state.jetstream
    )
    assert planned(attrs.evolve(state, jetstream=looks)) == []


def started_without(*servers: str) -> ClusterState:
    """Their containers started while JetStream was removed; by now it is back."""
    state = seen(disabled(*servers, volumes={}))
    looks = tuple(
        attrs.evolve(
            look,
            reports={
                uid: attrs.evolve(said, health=Health(200)) if said.disabled else said
                for uid, said in look.reports.items()
            },
        )
        for look in state.jetstream
    )
    state = attrs.evolve(state, jetstream=looks)
    return attrs.evolve(state, seen=seen_in(state))


class TestOneThatStartedWithoutJetStream:
    """Its pod was made for what the spec says, and nothing else restarts it."""

    def test_restarts_through_the_gate(self) -> None:
        state = started_without(THREE)
        assert restarted(state) == [("c-3", f"restarting c-3: {WITHOUT}")]
        (step,) = planned(state)
        assert isinstance(step, ReplaceServer)
        assert step.evidence is not None
        assert len(step.evidence.runs) == 3

    def test_waits_for_another_one_and_somebody_may_decide(self) -> None:
        found = recover_servers(context(started_without(TWO, THREE)))
        assert [server.name for server in found.servers] == ["c-2", "c-3"]
        assert found.actions == ()
        assert "nats.io/override-jetstream-off=" in found.waiting[-1]

    def test_stays_while_the_configuration_has_none(self) -> None:
        state = started_without(THREE)
        secrets = dict(state.owned["Secret"])
        (name, secret), *_ = secrets.items()
        assert isinstance(secret, Secret)
        data = {key: it for key, it in (secret.data or {}).items() if key != JETSTREAM_KEY}
        secrets[name] = msgspec.structs.replace(secret, data=data)
        without = attrs.evolve(state, owned={**state.owned, "Secret": secrets})
        assert recover_servers(context(without)).servers == ()


def test_below_2_10_it_would_come_back_with_holes() -> None:
    state = seen(disabled(THREE))
    looks = tuple(
        attrs.evolve(
            look,
            reports={uid: attrs.evolve(r, version="2.9.25") for uid, r in look.reports.items()},
        )
        for look in state.jetstream
    )
    assert planned(attrs.evolve(state, jetstream=looks)) == []


def test_old_answers_are_asked_again_first() -> None:
    state = seen(disabled(THREE))
    later = attrs.evolve(state, now=state.now + 30)
    assert planned(later) == []
    assert plan(later).queries
    assert recover_servers(context(later)).servers


def test_an_outdated_one_restarts_for_what_the_spec_says() -> None:
    state = seen(disabled(THREE), AFTER)
    assert recover_servers(context(state)).servers == ()


def test_one_that_is_shutting_down_or_does_not_run_is_left_to_others() -> None:
    away = {"waiting": {"reason": "CrashLoopBackOff"}}
    pods = (process(1), process(2), process(3, ready=False, state=away))
    assert recover_servers(context(seen(disabled(THREE), pods=pods))).servers == ()


def test_a_frozen_store_goes_through_the_gate() -> None:
    state = seen(behind(THREE))
    assert restarted(state) == [("c-3", f"restarting c-3: {FROZEN}")]
    world = behind(THREE)
    world.stream("OTHER", members=world.names, leader="")
    blocked = seen(world)
    assert planned(blocked) == []
    told = {c.type: (c.reason, c.message) for c in status(blocked).conditions}["Progressing"]
    assert told[0] == "Recovering"
    assert told[1].startswith(
        "restarting c-3: JetStream needs a restart to come back there; waiting: "
    )
    assert "A/OTHER has no leader" in told[1]


def test_the_meta_leader_hands_over_first() -> None:
    world = behind(ONE)
    world.groups[0].leader = TWO
    assert planned(seen(world)) == [StepDown("c-1", "pod-1-0")]


def test_nothing_is_restarted_while_the_cluster_is_paused() -> None:
    assert planned(attrs.evolve(seen(disabled(THREE)), paused=True)) == []
