"""Servers that store streams restart only when the gate lets them go."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.types.status import ClusterStatus, JetStreamStatus
from natsctl.model.jetstream import Replica
from natsctl.model.objects import Amounts, ClaimResources, PersistentVolumeClaim, Pod, PodCondition
from natsctl.plan.actions import MOST_STEP_DOWNS, ReplaceServer, StepDown
from natsctl.plan.engine import plan
from natsctl.plan.gates import among, case
from natsctl.plan.queries import APART
from natsctl.plan.restarts import gated
from natsctl.plan.restarts.gated import NO_ROOM
from natsctl.plan.rules.rolling_update import replace_outdated
from natsctl.plan.rules.rule import Decision
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.claims.volumes import claim, noted, volumes, without_budget
from tests.unit.plan.gates.world import State, World
from tests.unit.plan.looks import NAMES, Named, looked
from tests.unit.plan.world import all_of, context, planned, pod

BEFORE = {"size": 3, "version": "2.12.15", "jetstream": {}}
AFTER = BEFORE | {"version": "2.14.10"}
RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
WAITING = {"waiting": {"reason": "CrashLoopBackOff"}}
BEGUN = JetStreamStatus(broken_before=())


def process(
    index: int, spec: Any = BEFORE, *, ready: bool = True, state: Any = RUNNING, run: int = 0
) -> Pod:
    """A pod whose server runs, unless its container's state says otherwise."""
    container = {"name": "nats", "ready": ready, "restartCount": 0, "state": state}
    return pod(index, spec, ready=ready, run=run, containerStatuses=[container])


def state_of(
    world: World, spec: Any = AFTER, pods: tuple[Any, ...] = (), **changes: Any
) -> ClusterState:
    """The cluster at a moment at which both looks are fresh, and nothing was broken when servers
    began to restart; nobody knows its budget."""
    standing = pods or tuple(process(index) for index in range(1, 4))
    there = [claim(index, spec=BEFORE) for index in range(1, 4)]
    found = without_budget(volumes(*there, note=noted(1, 2, 3), pods=standing, spec=spec))
    begun = attrs.evolve(found, status=ClusterStatus(jetstream=BEGUN))
    return attrs.evolve(looked(begun, world), **changes)


def decision(state: ClusterState) -> Decision:
    return replace_outdated(context(state))


def restarted(state: ClusterState) -> list[str]:
    """Servers that restart; nothing else is done with any of them."""
    return [action.name for action in all_of(ReplaceServer, planned(state))]


def last_one(world: World, **changes: Any) -> ClusterState:
    """All servers but the first are renewed."""
    renewed = tuple(process(index, AFTER if index > 1 else BEFORE) for index in range(1, 4))
    return state_of(world, pods=renewed, **changes)


def test_a_healthy_server_goes_and_the_meta_leader_is_the_last() -> None:
    world = Named()
    world.stream(members=world.names)
    assert restarted(state_of(world)) == ["c-3"]
    assert planned(last_one(world)) == [StepDown("c-1", "pod-1-0")]
    world.meta_leader = world.names[2]
    assert restarted(state_of(world)) == ["c-2"]


def test_the_meta_leader_hands_over_before_it_restarts() -> None:
    world = Named()
    state = last_one(world)
    assert planned(state) == [StepDown("c-1", "pod-1-0")]
    assert plan(state).again == APART
    world.meta_leader = world.names[1]
    (restart,) = planned(last_one(world))
    assert isinstance(restart, ReplaceServer)


def test_it_restarts_anyway_if_nobody_takes_over() -> None:
    """Lame duck mode hands over as well, and the others elect a leader without it."""
    tries = range(MOST_STEP_DOWNS + 1)
    made = [planned(last_one(Named(), step_downs={"pod-1-0": tried})) for tried in tries]
    assert [type(step) for (step,) in made] == [*[StepDown] * MOST_STEP_DOWNS, ReplaceServer]


def test_it_is_not_asked_to_hand_over_while_it_may_not_go() -> None:
    world = Named()
    world.stream("ORDERS", members=world.names, leader="")
    assert planned(last_one(world)) == []


def test_nobody_goes_before_all_were_looked_at_twice() -> None:
    state = state_of(Named())
    for looks in ((), state.jetstream[:1]):
        waits = attrs.evolve(state, jetstream=looks)
        assert restarted(waits) == []
        assert plan(waits).queries or plan(waits).again is not None


def test_nobody_goes_on_answers_of_before() -> None:
    state = state_of(Named())
    later = attrs.evolve(state, now=state.now + 30)
    assert restarted(later) == []
    assert plan(later).queries


def test_a_replica_that_is_not_good_holds_its_peers_up_and_is_named() -> None:
    world = Named()
    toy = world.stream("ORDERS", members=world.names)
    third = world.names[2]
    toy.seen[third] = attrs.evolve(world.seen_by_leader(third), current=False)
    state = state_of(world)
    assert restarted(state) == ["c-3"]
    lagging = tuple(process(i, AFTER if i == 3 else BEFORE) for i in range(1, 4))
    state = state_of(world, pods=lagging)
    assert restarted(state) == []
    (why, *_) = decision(state).waiting
    assert "A/ORDERS" in why
    assert third in why


def test_what_is_waited_for_is_told_by_the_condition() -> None:
    world = Named(states={})
    world.stream("ORDERS", members=world.names, leader="")
    state = state_of(world)
    told = {c.type: c.message for c in status(state).conditions}
    assert "A/ORDERS has no leader" in told["Progressing"]


def test_no_server_is_said_to_be_the_first_before_the_gate_decides() -> None:
    said = {server.message for server in status(state_of(Named())).servers}
    assert said == {
        "waiting to restart: spec.version changed; waiting: one server restarts at a time"
    }


def test_one_that_is_away_goes_first_and_waits_for_nobody() -> None:
    """As when a spec that no server starts with is reverted: two are down, and none has quorum."""
    broken = tuple(process(i, ready=False, state=WAITING) for i in (1, 2))
    state = attrs.evolve(state_of(Named()), pods=(*broken, process(3)), jetstream=())
    assert restarted(state) == ["c-2"]


def test_one_that_recovers_is_not_away() -> None:
    recovers = (process(1), process(2), process(3, ready=False))
    world = Named(states={NAMES["nats-3"]: State.DOWN})
    world.stream(members=world.names)
    state = state_of(world, pods=recovers)
    assert restarted(state) == ["c-3"]
    others = (process(1, ready=False), process(2), process(3, ready=False))
    assert restarted(attrs.evolve(state, pods=others)) == []


def test_servers_without_jetstream_on_them_go_together_and_wait_for_nobody() -> None:
    off = dict.fromkeys((NAMES["nats-2"], NAMES["nats-3"]), State.DISABLED)
    state = state_of(Named(states=off))
    assert restarted(state) == ["c-3", "c-2"]


def grown(state: ClusterState, asked: str, there: str, *conditions: str) -> ClusterState:
    """The claim of the second server asks for so much, and has so much."""
    claims = dict(state.owned["PersistentVolumeClaim"])
    made = claims["js-c-2"]
    assert isinstance(made, PersistentVolumeClaim)
    wanted = msgspec.structs.replace(made.spec, resources=ClaimResources(Amounts(asked)))
    told = tuple(PodCondition(kind, "True") for kind in conditions)
    status = msgspec.structs.replace(made.status, capacity=Amounts(there), conditions=told)
    claims["js-c-2"] = msgspec.structs.replace(made, spec=wanted, status=status)
    return attrs.evolve(state, owned={**state.owned, "PersistentVolumeClaim": claims})


ROOM: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "large enough": (("10Gi", "10Gi"), ["c-3", "c-2"]),
    "rounded up": (("10Gi", "11Gi"), ["c-3", "c-2"]),
    "growing": (("20Gi", "10Gi", "Resizing"), ["c-3"]),
    "grown but for the restart": (("20Gi", "10Gi", "FileSystemResizePending"), ["c-3", "c-2"]),
    "not bound": (("10Gi", "0"), ["c-3"]),
}


@pytest.mark.parametrize("volume", ROOM)
def test_one_of_them_waits_while_its_volume_grows(volume: str) -> None:
    (asked, there, *conditions), expected = ROOM[volume]
    off = dict.fromkeys((NAMES["nats-2"], NAMES["nats-3"]), State.DISABLED)
    state = grown(state_of(Named(states=off)), asked, there, *conditions)
    assert restarted(state) == expected


def test_servers_without_jetstream_on_them_wait_and_say_so_while_their_claims_are_unknown() -> None:
    off = dict.fromkeys((NAMES["nats-2"], NAMES["nats-3"]), State.DISABLED)
    state = state_of(Named(states=off))
    owned = {kind: it for kind, it in state.owned.items() if kind != "PersistentVolumeClaim"}
    unknown = attrs.evolve(state, owned=owned)
    assert restarted(unknown) == []
    assert decision(unknown).waiting[:2] == (f"c-3: {NO_ROOM}", f"c-2: {NO_ROOM}")


def test_a_server_of_an_unknown_name_lets_nobody_go() -> None:
    world = Named()
    state = state_of(world)
    reports = dict(state.jetstream[0].reports)
    stranger = attrs.evolve(reports["pod-2-0"], name="another")
    looks = tuple(
        attrs.evolve(look, reports={**look.reports, "pod-2-0": stranger})
        for look in state.jetstream
    )
    changed = attrs.evolve(state, jetstream=looks)
    assert restarted(changed) == []
    place = NAMES["nats-2"]
    assert decision(changed).waiting[0] == f"another server answers in the place of {place}"


def test_a_server_that_is_missing_lets_nobody_go() -> None:
    state = state_of(Named())
    lacking = attrs.evolve(state, pods=state.pods[:2])
    assert not any(isinstance(action, ReplaceServer) for action in planned(lacking))
    assert decision(lacking).actions == ()
    assert decision(lacking).waiting[0] == f"{NAMES['nats-3']} does not answer (it was not asked)"


def test_jetstream_taken_out_of_the_spec_opens_no_way_around() -> None:
    """The pods that are there still store."""
    world = Named()
    world.stream(members=world.names, leader="")
    state = state_of(world, {"size": 3, "version": "2.12.15"})
    assert restarted(state) == []
    lower = state_of(world, {"size": 2, "version": "2.12.15"})
    assert scale_down(context(lower)).actions == ()


def test_one_whose_disk_was_full_below_2_10_is_not_restarted_with_what_is_left() -> None:
    state = state_of(Named(states={NAMES["nats-3"]: State.DISABLED}))
    older = tuple(
        attrs.evolve(
            look,
            reports={uid: attrs.evolve(r, version="2.9.25") for uid, r in look.reports.items()},
        )
        for look in state.jetstream
    )
    found = attrs.evolve(state, jetstream=older)
    assert restarted(found) == []
    assert "it needs an empty volume" in decision(found).waiting[0]


def test_another_server_that_runs_another_version_than_its_image_says_is_waited_for() -> None:
    pods = tuple(process(index, AFTER if index == 2 else BEFORE) for index in range(1, 4))
    state = state_of(Named(), pods=pods)
    older = attrs.evolve(state.observations["pod-2-0"], version="2.12.15")
    found = attrs.evolve(state, observations={**state.observations, "pod-2-0": older})
    assert decision(found).waiting[0] == "c-2 runs another version"


def counted(monkeypatch: pytest.MonkeyPatch, where: Any, name: str) -> list[str]:
    """Each call of a function from now on."""
    calls, function = list[str](), getattr(where, name)

    def noted(*given: Any) -> Any:
        calls.append(name)
        return function(*given)

    monkeypatch.setattr(where, name, noted)
    return calls


def test_however_many_wait_the_looks_are_sorted_out_and_judged_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All rules of a pass share that: who has many servers and streams keeps nobody waiting."""
    world = Named()
    toy = world.stream(members=world.names)
    toy.seen[world.names[1]] = Replica(world.names[1])
    toy.seen[world.names[2]] = Replica(world.names[2])
    sorted_out = counted(monkeypatch, case, "view")
    judged = counted(monkeypatch, gated, "judge")
    common = counted(monkeypatch, among, "blocks")
    assert restarted(state_of(world)) == []
    assert (len(sorted_out), len(judged), len(common)) == (2, 1, 1)
