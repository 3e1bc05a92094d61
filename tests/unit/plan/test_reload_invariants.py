"""A toy Kubernetes whose servers reload, refuse and wait: what holds whatever happens."""

from __future__ import annotations

from functools import cache
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.api.types.status import ClusterStatus
from natsctl.model import names
from natsctl.model.objects import Pod, Secret
from natsctl.model.observation import Observation
from natsctl.model.slim import slim
from natsctl.plan.actions import (
    Action,
    CreateServer,
    DeleteServer,
    Ensure,
    ReloadServer,
    ReplaceServer,
)
from natsctl.plan.engine import plan
from natsctl.plan.queries import Probe
from natsctl.plan.servers.server import kubelet_ready, run_id
from natsctl.plan.state import ClusterState, Desired, Refusal
from natsctl.plan.status.status import status
from natsctl.render.revision.revision import revision_text, with_previous_config
from tests.unit.examples import examples
from tests.unit.plan.reloading import THREE, desired, goal_of, server
from tests.unit.plan.world import answers, changed, changed_secret, cluster_state, terminating

pytestmark = pytest.mark.unmeasured

VERSION = "2.14.10"
BAD = "bad"
"""Users that no server takes."""
MISSING = "Secret users does not exist: create it"
OLD = "2.9.25"
"""A version that nobody can have reload: there is no sidecar here, and no answer to the asking."""


@cache
def desired_of(
    version: str, size: int, users: str, routes: str, *, debug: bool, waits: bool
) -> Desired:
    """Rendered once for all that look at it."""
    spec = THREE | {"auth": {"clientsAuthSecret": "users"}} | {"version": version, "size": size}
    spec |= {"natsConfig": {"debug": True}} if debug else {}
    goal = goal_of(spec, auth_users=users, routes=routes)
    known = {"users": [{"username": "u", "password": users}]}
    goal = attrs.evolve(goal, inputs=attrs.evolve(goal.inputs, authorization=known))
    return desired(goal, missing=(MISSING,) if waits else ())


@attrs.define
class World:
    """What the API server and the servers have. `tried` are servers that met the Secret's BAD."""

    version: str = VERSION
    size: int = 3
    debug: bool = False
    users: str = "1"
    routes: str = "1"
    waits: bool = False
    secret: Secret | None = None
    content: str = ""
    before: str = ""
    pods: dict[int, Pod] = attrs.field(factory=dict)
    known: dict[str, Observation] = attrs.field(factory=dict)
    refusals: dict[str, Refusal] = attrs.field(factory=dict)
    status: ClusterStatus = attrs.field(factory=ClusterStatus)
    tried: set[str] = attrs.field(factory=set)
    runs: int = 0
    clock: float = 100.0

    def desired(self) -> Desired:
        wanted = self.version, self.size, self.users, self.routes
        return desired_of(*wanted, debug=self.debug, waits=self.waits)

    def look(self) -> ClusterState:
        live = {p.metadata.uid: run_id(p) for p in self.pods.values()}
        self.known = {u: o for u, o in self.known.items() if live.get(u) == o.run_id}
        goal = self.desired()
        spec = {"size": self.size, "version": self.version}
        held = {"c": self.secret} if self.secret else {}
        return cluster_state(
            spec,
            tuple(self.pods.values()),
            self.known,
            desired=goal,
            secrets=held,
            refusals=dict(self.refusals),
            status=self.status,
            now=self.clock,
        )

    def operate(self) -> list[Action]:
        """One pass of the operator, and the invariants of each."""
        self.clock += 30
        decided = plan(self.look())
        if decided.queries:
            self.answer({query for query in decided.queries if isinstance(query, Probe)})
            decided = plan(self.look())
        seen = self.look()
        actions = [a for stage in decided.stages for a in stage]
        self.check(actions, seen)
        for stage in decided.stages:
            self.carry_out(stage, seen)
        self.status = status(self.look())
        return actions

    def check(self, actions: list[Action], seen: ClusterState) -> None:
        for action in actions:
            match action:
                case ReplaceServer():
                    raise AssertionError("nothing here is worth a restart")
                case DeleteServer(name=name):
                    assert int(name.removeprefix("c-")) > self.size
                case Ensure(wanted=made):
                    assert not (made.kind == "Secret" and seen.holding)
                case ReloadServer():
                    assert not seen.holding
        if self.waits:
            assert not any(isinstance(a, ReloadServer) for a in actions)

    def answer(self, queries: set[Probe]) -> None:
        uids = {query.uid for query in queries}
        serving = [
            p for p in self.pods.values() if kubelet_ready(p) and not p.metadata.deletion_timestamp
        ]
        self.known |= {u: o for u, o in answers(*serving, asked=self.clock).items() if u in uids}

    def carry_out(self, stage: tuple[Action, ...], seen: ClusterState) -> None:
        """All actions of a stage at the same time: each reload meets what the Secret holds."""
        asked = [a for a in stage if isinstance(a, ReloadServer)]
        if asked and self.content == BAD:
            self.refuse(asked)
            stage = tuple(a for a in stage if a not in asked)
        for action in stage:
            self.do(action, seen)

    def do(self, action: Action, seen: ClusterState) -> None:
        match action:
            case Ensure(wanted=made) if made.kind == "Secret":
                self.before, self.content = self.content, self.users
                self.secret = slim(msgspec.convert(made.manifest, Secret))
                self.tried.clear()
            case CreateServer(index=index):
                self.create(index, seen, held_back=action.previous_config)
            case DeleteServer(name=name):
                index = int(name.removeprefix("c-"))
                self.pods[index] = terminating(self.pods[index])
            case ReloadServer():
                self.reload(action)

    def create(self, index: int, seen: ClusterState, *, held_back: bool) -> None:
        assert seen.desired is not None
        assert self.secret is not None
        self.runs += 1
        made = server(index, seen.desired.target)
        starting = msgspec.structs.replace(made.status, conditions=())
        made = msgspec.structs.replace(made, status=starting)
        if held_back:
            notes = dict(made.metadata.annotations or {})
            notes[names.REVISION_ANNOTATION] = with_previous_config(
                notes[names.REVISION_ANNOTATION]
            )
            made = changed(made, annotations=notes)
        self.pods[index] = changed(made, uid=f"pod-{index}-{self.runs}")

    def refuse(self, asked: list[ReloadServer]) -> None:
        """As the operator does it: the first refusal takes the configuration back."""
        self.tried |= {a.uid for a in asked}
        assert len(self.tried) == 1
        (action,) = asked
        words = "no such thing"
        self.refusals[action.uid] = Refusal(action.config, words)
        assert self.secret is not None
        note = {names.REFUSED_ANNOTATION: f"{action.config} {words}"}
        self.secret = changed_secret(self.secret, annotations=note)
        self.content = self.before

    def reload(self, action: ReloadServer) -> None:
        index = next(i for i, p in self.pods.items() if p.metadata.uid == action.uid)
        annotations = dict(self.pods[index].metadata.annotations or {})
        annotations[names.REVISION_ANNOTATION] = action.revision
        annotations[names.CONFIG_ANNOTATION] = action.config
        self.pods[index] = changed(self.pods[index], annotations=annotations)

    def kubelet(self, index: int) -> None:
        """The kubelet comes one step further; a server that starts with BAD ends at once."""
        found = self.pods.get(index)
        if found is None:
            return
        if found.metadata.deletion_timestamp:
            del self.pods[index]
        elif self.content != BAD:
            self.become(index, ready=True)

    def become(self, index: int, *, ready: bool) -> None:
        found = self.pods.get(index)
        if found is None or found.metadata.deletion_timestamp:
            return
        told = [{"type": "Ready", "status": "True" if ready else "False"}]
        raw = msgspec.to_builtins(found.status) | {"conditions": told}
        state = msgspec.convert(raw, type(found.status))
        self.pods[index] = msgspec.structs.replace(found, status=state)

    def settle(self) -> None:
        """All machines work, nobody touches anything: let it come to rest."""
        for _ in range(200):
            before = dict(self.pods), self.status, self.secret
            self.operate()
            for index in tuple(self.pods):
                self.kubelet(index)
            if before == (self.pods, self.status, self.secret):
                return
        raise AssertionError("it never comes to rest")


@cache
def _at_rest(version: str) -> World:
    world = World(version)
    world.settle()
    return world


def settled(version: str = VERSION) -> World:
    """Three servers at rest: the same beginning, which is come to once."""
    known = _at_rest(version)
    return attrs.evolve(
        known,
        pods=dict(known.pods),
        known=dict(known.known),
        refusals=dict(known.refusals),
        tried=set(known.tried),
    )


INDEX = st.integers(1, 4)
EVENTS = st.one_of(
    st.just(("operate",)),
    st.just(("operate",)),
    st.tuples(st.just("kubelet"), INDEX),
    st.tuples(st.just("sick"), INDEX),
    st.tuples(st.just("lost"), INDEX),
    st.tuples(st.just("size"), st.integers(0, 4)),
    st.tuples(st.just("debug"), st.booleans()),
    st.tuples(st.just("users"), st.sampled_from(["1", "2", BAD])),
    st.tuples(st.just("routes"), st.sampled_from(["1", "2"])),
    st.tuples(st.just("waits"), st.booleans()),
    st.just(("operator restarts",)),
    st.just(("settle",)),
)


def happen(world: World, event: tuple[Any, ...]) -> None:
    match event:
        case ("operate",):
            world.operate()
        case ("kubelet", index):
            world.kubelet(index)
        case ("sick", index):
            world.become(index, ready=False)
        case ("lost", index):
            world.pods.pop(index, None)
        case ("settle",):
            world.settle()
        case ("operator restarts",):
            world.known, world.refusals = {}, {}
        case (field, value):
            setattr(world, field, value)


@examples(120, search=300)
@given(st.lists(EVENTS, max_size=30))
def test_nothing_that_can_be_reloaded_restarts_anybody_and_all_end_with_it(
    events: list[tuple[Any, ...]],
) -> None:
    """Whatever waited or was refused in between; the world's own checks hold at every step."""
    world = settled()
    for event in events:
        happen(world, event)
    world.waits, world.users = False, "3"
    world.settle()
    assert sorted(world.pods) == list(range(1, world.size + 1))
    assert world.content == "3"
    wanted = revision_text(world.desired().revision)
    found = {p.metadata.annotation(names.REVISION_ANNOTATION) for p in world.pods.values()}
    assert found <= {wanted}
    told = {c.type: c.status for c in world.status.conditions}
    assert (told["Ready"], told["ConfigAccepted"]) == ("True", "True")


@examples(75, search=150)
@given(st.lists(EVENTS, max_size=30))
def test_what_waits_or_was_refused_leaves_the_servers_that_serve_alone(
    events: list[tuple[Any, ...]],
) -> None:
    world = settled()
    for event in events:
        happen(world, event)
    world.settle()
    serving = {p.metadata.uid for p in world.pods.values() if kubelet_ready(p)}
    world.debug, world.waits = not world.debug, True
    world.settle()
    assert serving <= {p.metadata.uid for p in world.pods.values() if kubelet_ready(p)}
    world.waits, world.users = False, BAD
    world.settle()
    assert serving <= {p.metadata.uid for p in world.pods.values() if kubelet_ready(p)}


@examples(50, search=100)
@given(
    st.lists(st.sampled_from([("routes", "1"), ("routes", "2"), ("operate",)]), max_size=20),
    st.sampled_from([OLD, VERSION]),
)
def test_other_routes_restart_nobody_of_any_version(
    events: list[tuple[Any, ...]], version: str
) -> None:
    world = settled(version)
    made = world.runs
    for event in events:
        happen(world, event)
    world.settle()
    assert world.runs == made
    assert world.status.phase == "Running"


def test_a_refusal_survives_a_restart_of_the_operator() -> None:
    world = settled()
    world.users = BAD
    world.settle()
    (tried,) = world.tried
    assert tried == "pod-1-1"
    happen(world, ("operator restarts",))
    world.settle()
    assert world.content == "1"
    told = {c.type: c.reason for c in world.status.conditions}
    assert told["ConfigAccepted"] == "ReloadRefused"


def test_a_cluster_whose_first_configuration_waits_has_no_server() -> None:
    world = World(waits=True)
    world.settle()
    assert (world.pods, world.secret, world.status.phase) == ({}, None, "Waiting")
    world.waits = False
    world.settle()
    assert sorted(world.pods) == [1, 2, 3]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_server_that_was_made_for_what_was_refused_is_no_proof_that_it_works(when: str) -> None:
    """It runs what the others run: the kubelet started it again with what was put back."""
    world = settled()
    if when == "before":
        happen(world, ("lost", 2))
    world.users = BAD
    world.settle()
    if when == "after":
        happen(world, ("lost", 2))
        world.settle()
    world.users = "2"
    world.operate()
    world.users = BAD
    world.settle()
    assert world.content != BAD
