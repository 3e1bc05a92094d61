"""A toy Kubernetes that carries out plans: what holds whatever happens, and where it ends."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.api.problems import Problem
from natsctl.api.types.status import ClusterStatus
from natsctl.model.objects import Pod
from natsctl.model.observation import Observation
from natsctl.plan.actions import CreateServer, DeleteServer, Plan, ReplaceServer
from natsctl.plan.engine import plan
from natsctl.plan.queries import Probe
from natsctl.plan.servers.server import kubelet_ready, run_id
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.examples import examples
from tests.unit.plan.world import answers, cluster_state, pod, terminating

pytestmark = pytest.mark.unmeasured

GOOD = ("2.12.15", "2.14.10")
BROKEN = "9.9.9"
"""A version whose image cannot be pulled."""


@attrs.define
class World:
    """Pods by index, with the spec each was made from, and what the operator knows of them."""

    spec: dict[str, Any]
    pods: dict[int, Pod] = attrs.field(factory=dict)
    known: dict[str, Observation] = attrs.field(factory=dict)
    status: ClusterStatus = attrs.field(factory=ClusterStatus)
    runs: int = 0
    clock: float = 100.0
    broken: bool = False
    """Somebody wrote a spec that nobody can understand."""

    def look(self) -> ClusterState:
        live = {p.metadata.uid: run_id(p) for p in self.pods.values()}
        self.known = {u: o for u, o in self.known.items() if live.get(u) == o.run_id}
        pods = tuple(self.pods.values())
        seen = cluster_state(self.spec, pods, self.known, status=self.status, now=self.clock)
        if not self.broken:
            return seen
        return attrs.evolve(seen, desired=None, problems=(Problem("spec", "?", "no"),))

    def operate(self) -> Plan:
        """One pass of the operator, and the invariants of each."""
        self.clock += 30
        decided = plan(self.look())
        if decided.queries:
            self.answer({query for query in decided.queries if isinstance(query, Probe)})
            decided = plan(self.look())
        actions = [a for stage in decided.stages for a in stage]
        disruptive = [
            a
            for a in actions
            if isinstance(a, ReplaceServer) or (isinstance(a, DeleteServer) and a.grace is None)
        ]
        assert not (actions and (self.broken or self.spec.get("paused")))
        self.check(disruptive)
        for action in actions:
            self.do(action)
        self.status = status(self.look())
        return decided

    def check(self, disruptive: list[Any]) -> None:
        """One at a time, the highest first, a serving one only while all others serve."""
        leaving = [p for p in self.pods.values() if p.metadata.deletion_timestamp]
        assert len(disruptive) + len(leaving) * bool(disruptive) <= 1
        for action in disruptive:
            target = next(p for p in self.pods.values() if p.metadata.uid == action.uid)
            if isinstance(action, ReplaceServer) and kubelet_ready(target):
                assert len(self.pods) == self.spec["size"]
                assert all(kubelet_ready(p) for p in self.pods.values())
            if isinstance(action, DeleteServer):
                assert action.name == f"c-{max(self.pods)}"

    def answer(self, queries: set[Probe]) -> None:
        uids = {query.uid for query in queries}
        serving = [
            p for p in self.pods.values() if kubelet_ready(p) and not p.metadata.deletion_timestamp
        ]
        told = answers(*serving, asked=self.clock)
        self.known |= {u: o for u, o in told.items() if u in uids}

    def do(self, action: object) -> None:
        match action:
            case CreateServer(index=index):
                assert index not in self.pods
                self.runs += 1
                self.pods[index] = pod(index, self.spec, ready=False, run=self.runs)
            case DeleteServer(uid=uid) | ReplaceServer(uid=uid):
                index = next(i for i, p in self.pods.items() if p.metadata.uid == uid)
                self.pods[index] = terminating(self.pods[index])

    def kubelet(self, index: int) -> None:
        """The kubelet comes one step further with one pod."""
        found = self.pods.get(index)
        if found is None:
            return
        if found.metadata.deletion_timestamp:
            del self.pods[index]
        elif found.metadata.label("nats_version") != BROKEN:
            self.set_ready(index, True)

    def set_ready(self, index: int, ready: bool) -> None:
        found = self.pods.get(index)
        if found is None or found.metadata.deletion_timestamp:
            return
        assert found.status.conditions is not None
        (made, *_) = found.status.conditions
        condition = msgspec.structs.replace(made, status="True" if ready else "False")
        changed = msgspec.structs.replace(found.status, conditions=(condition,))
        self.pods[index] = msgspec.structs.replace(found, status=changed)

    def restart(self, index: int) -> None:
        """Its process ended and was started again, faster than anybody looked."""
        found = self.pods.get(index)
        if found is None or found.metadata.deletion_timestamp:
            return
        statuses = found.status.container_statuses or ()
        again = tuple(
            msgspec.structs.replace(s, restart_count=s.restart_count + 1) for s in statuses
        )
        changed = msgspec.structs.replace(found.status, container_statuses=again)
        self.pods[index] = msgspec.structs.replace(found, status=changed)

    def settle_when_woken(self) -> None:
        """Like `settle`, but the operator looks only when something changed or it wanted to."""
        awake = True
        for _ in range(200):
            before = dict(self.pods), self.status
            again = self.operate().again if awake else None
            for index in tuple(self.pods):
                self.kubelet(index)
            awake = again is not None or before != (self.pods, self.status)
            if not awake:
                return
        raise AssertionError("it never comes to rest")

    def settle(self) -> None:
        """All machines work, nobody touches anything: let it come to rest."""
        idle = 0
        while idle < 3:
            before = dict(self.pods), self.status
            self.operate()
            for index in tuple(self.pods):
                self.kubelet(index)
            idle = idle + 1 if before == (self.pods, self.status) else 0


INDEX = st.integers(1, 5)
EVENTS = st.one_of(
    st.just(("operate",)),
    st.tuples(st.just("kubelet"), INDEX),
    st.tuples(st.just("sick"), INDEX),
    st.tuples(st.just("lost"), INDEX),
    st.tuples(st.just("restarted"), INDEX),
    st.tuples(st.just("size"), st.integers(0, 5)),
    st.tuples(st.just("version"), st.sampled_from((*GOOD, BROKEN))),
    st.tuples(st.just("debug"), st.booleans()),
    st.tuples(st.just("paused"), st.booleans()),
    st.tuples(st.just("broken"), st.booleans()),
    st.tuples(st.just("routes"), st.booleans()),
    st.just(("operator restarts",)),
)


def happen(world: World, event: tuple[Any, ...]) -> None:
    match event:
        case ("operate",):
            world.operate()
        case ("kubelet", index):
            world.kubelet(index)
        case ("sick", index):
            world.set_ready(index, False)
        case ("lost", index):
            world.pods.pop(index, None)
        case ("restarted", index):
            world.restart(index)
        case ("debug", value):
            world.spec = world.spec | {"natsConfig": {"debug": value}}
        case ("routes", value):
            routes = [{"route": "nats://elsewhere:6222"}] if value else []
            world.spec = world.spec | {"extraRoutes": routes}
        case ("broken", value):
            world.broken = value
        case (("size" | "version" | "paused") as field, value):
            world.spec = world.spec | {field: value}
        case _:
            world.known = {}


@examples(150, search=400)
@given(st.lists(EVENTS, max_size=40), st.integers(0, 5), st.sampled_from(GOOD))
def test_whatever_happened_a_good_spec_and_healthy_machines_lead_to_ready(
    events: list[tuple[Any, ...]], size: int, version: str
) -> None:
    """Also a spec that was broken for a while: reverting it always unblocks."""
    world = World({"size": 3, "version": GOOD[0]})
    for event in events:
        happen(world, event)
    world.spec = world.spec | {"size": size, "version": version, "paused": False}
    world.broken = False
    world.settle()
    assert sorted(world.pods) == list(range(1, size + 1))
    assert {c.type: c.status for c in world.status.conditions}["Ready"] == "True"
    assert world.status.phase == "Running"
    assert world.status.current_version == version


@examples(120, search=300)
@given(st.lists(EVENTS, max_size=30))
def test_nobody_has_to_be_woken_by_chance(events: list[tuple[Any, ...]]) -> None:
    """Changes and the plan's own `again` are enough: what is left to do is never slept upon."""
    world = World({"size": 3, "version": GOOD[0]})
    for event in events:
        happen(world, event)
    world.spec = world.spec | {"version": GOOD[1], "paused": False}
    world.broken = False
    world.settle_when_woken()
    assert world.status.phase == "Running"
    assert world.status.ready_replicas == world.spec["size"]


@examples(80, search=200)
@given(st.lists(EVENTS, max_size=20))
def test_a_cluster_at_rest_costs_nothing(events: list[tuple[Any, ...]]) -> None:
    world = World({"size": 3, "version": GOOD[0]})
    for event in events:
        happen(world, event)
    world.spec = world.spec | {"version": GOOD[1], "paused": False}
    world.broken = False
    world.settle()
    before = world.status
    assert plan(world.look()) == Plan()
    assert status(world.look()) == before


def test_a_roll_stops_at_the_first_server_that_does_not_come_back() -> None:
    world = World({"size": 3, "version": GOOD[0]})
    world.settle()
    world.spec = world.spec | {"version": BROKEN}
    world.settle()
    assert [kubelet_ready(world.pods[i]) for i in (1, 2, 3)] == [True, True, False]
    assert next(s.message for s in world.status.servers).startswith(
        "waiting to restart: spec.version"
    )
    world.spec = world.spec | {"version": GOOD[0]}
    survivors = {i: world.pods[i].metadata.uid for i in (1, 2)}
    world.settle()
    assert {i: world.pods[i].metadata.uid for i in (1, 2)} == survivors
    assert world.status.phase == "Running"


def test_other_routes_restart_nobody() -> None:
    world = World({"size": 3, "version": GOOD[0]})
    world.settle()
    made = world.runs
    happen(world, ("routes", True))
    world.settle()
    assert world.runs == made
    assert world.status.phase == "Running"


def test_a_broken_or_paused_spec_stops_a_roll_where_it_is_and_lets_it_finish_later() -> None:
    world = World({"size": 3, "version": GOOD[0]})
    world.settle()
    made = world.runs
    world.spec = world.spec | {"version": GOOD[1]}
    world.operate()
    for event in (("broken", True), ("paused", True)):
        happen(world, event)
        world.settle()
        assert world.runs == made
        assert len(world.pods) == 2
        happen(world, (event[0], False))
    world.settle()
    assert world.runs == made + 3
    assert world.status.phase == "Running"


def test_a_scale_down_in_the_middle_of_a_scale_up_ends_where_the_spec_says() -> None:
    world = World({"size": 1, "version": GOOD[0]})
    world.settle()
    for size in (5, 2, 4):
        world.spec = world.spec | {"size": size}
        world.operate()
    world.settle()
    assert sorted(world.pods) == [1, 2, 3, 4]


def test_a_restart_of_the_operator_repeats_no_step() -> None:
    world = World({"size": 3, "version": GOOD[0]})
    world.settle()
    made = world.runs
    world.spec = world.spec | {"version": GOOD[1]}
    for _ in range(30):
        world.known = {}
        world.operate()
        for index in tuple(world.pods):
            world.kubelet(index)
    assert world.runs == made + 3
