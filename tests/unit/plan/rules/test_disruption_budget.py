"""Others may evict a server while each could go, and none while any could not."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.problems import Problem
from natsctl.model import names
from natsctl.model.objects import Object, PodDisruptionBudget
from natsctl.model.slim import slim
from natsctl.plan.actions import DeleteObject, Ensure, ReplaceServer
from natsctl.plan.engine import plan
from natsctl.plan.queries import JetStreamLook, Probe
from natsctl.plan.rules.disruption_budget import ensure_budget
from natsctl.plan.rules.owned_objects import delete_unwanted
from natsctl.plan.rules.rule import Decision
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from natsctl.render.objects.owned_objects import budget_kind
from tests.unit.plan.gates.world import World
from tests.unit.plan.looks import Named
from tests.unit.plan.restarts.test_gated import AFTER, BEFORE, process, state_of
from tests.unit.plan.world import all_of, context, desired, planned, running, terminating

KIND = budget_kind().kind
IDLE = JetStreamLook().freshness


def held(state: ClusterState, live: dict[str, Object] | None = None) -> ClusterState:
    """The same once it is known which budgets there are."""
    return attrs.evolve(state, owned={**state.owned, KIND: live or {}})


def cluster(world: World | None = None, spec: Any = BEFORE, **changes: Any) -> ClusterState:
    """Servers that are what the spec says, looked at a moment ago; without a budget."""
    return held(state_of(world or Named(), spec, **changes))


def decision(state: ClusterState) -> Decision:
    return ensure_budget(context(state))


def written(state: ClusterState) -> dict[str, Any] | None:
    """The budget that is to be written; None if it stays."""
    actions = decision(state).actions
    if not actions:
        return None
    (action,) = actions
    assert isinstance(action, Ensure)
    return dict(action.wanted.manifest)


def allowed(state: ClusterState) -> int | None:
    made = written(state)
    return None if made is None else int(made["spec"]["maxUnavailable"])


def stored(state: ClusterState, **spec: Any) -> ClusterState:
    """Once that was written; `spec` is what somebody changed since."""
    made = written(state)
    assert made is not None
    live = slim(msgspec.convert(made, budget_kind().projection))
    assert isinstance(live, PodDisruptionBudget)
    return held(state, {"c": msgspec.structs.replace(live, spec={**live.spec, **spec})})


def broken() -> World:
    """A stream that has no leader."""
    world = Named()
    world.stream(members=world.names, leader="")
    return world


def test_one_may_go_while_each_could() -> None:
    world = Named()
    world.stream(members=world.names)
    assert allowed(cluster(world)) == 1


def test_none_may_while_a_group_could_not_bear_it() -> None:
    assert allowed(cluster(broken())) == 0


@pytest.mark.parametrize("world", [Named(), broken()], ids=["healthy", "broken"])
def test_what_was_decided_is_written_once(world: World) -> None:
    state = cluster(world)
    assert allowed(stored(state)) is None
    assert decision(state).queries == decision(stored(state)).queries != frozenset()


def test_it_follows_what_servers_say() -> None:
    well, ill = cluster(Named()), cluster(broken())
    found = attrs.evolve(ill, owned=stored(well).owned)
    assert allowed(found) == 0
    assert decision(found).actions[0].subject == "PodDisruptionBudget c"
    assert allowed(attrs.evolve(well, owned=stored(ill).owned)) == 1


def test_what_somebody_edited_is_put_right() -> None:
    state = cluster()
    assert allowed(stored(state, maxUnavailable=2)) == 1
    assert allowed(stored(state, selector={"matchLabels": {"app": "nats"}})) == 1


def test_kubernetes_may_not_know_how_broken_pods_are_evicted() -> None:
    """1.26 drops the field: the budget is not written again for that."""
    state = stored(cluster())
    (live,) = state.owned[KIND].values()
    spec = dict(getattr(live, "spec"))  # noqa: B009 - only some kinds have one
    assert spec.pop("unhealthyPodEvictionPolicy") == "AlwaysAllow"
    assert allowed(held(state, {"c": msgspec.structs.replace(live, spec=spec)})) is None
    other = {**spec, "unhealthyPodEvictionPolicy": "IfHealthyBudget"}
    assert allowed(held(state, {"c": msgspec.structs.replace(live, spec=other)})) == 1


class TestDisturbed:
    """A server is away, or soon will be: nobody may take another one, and nothing is asked."""

    def none(self, state: ClusterState) -> None:
        assert allowed(state) == 0
        assert decision(state).queries == frozenset()

    def test_before_there_are_servers(self) -> None:
        self.none(attrs.evolve(cluster(), pods=(), jetstream=()))

    def test_while_one_is_missing_or_beyond_the_size(self) -> None:
        found = cluster()
        self.none(attrs.evolve(found, pods=found.pods[:2]))
        smaller = desired(BEFORE | {"size": 2})
        self.none(attrs.evolve(found, desired=smaller))

    def test_while_one_is_not_ready(self) -> None:
        found = cluster()
        starting = attrs.evolve(found, pods=(*found.pods[:2], process(3, ready=False)))
        self.none(starting)
        self.none(attrs.evolve(starting, observations={}))

    def test_while_one_shuts_down(self) -> None:
        found = cluster()
        leaving = attrs.evolve(found, pods=(*found.pods[:2], terminating(found.pods[2])))
        self.none(leaving)
        self.none(attrs.evolve(leaving, observations={}))

    def test_while_one_does_not_answer(self) -> None:
        found = cluster()
        last = found.pods[2].metadata.uid
        silent = attrs.evolve(found.observations[last], problem="nobody there")
        self.none(attrs.evolve(found, observations={**found.observations, last: silent}))

    def test_while_servers_restart_for_the_spec(self) -> None:
        self.none(cluster(spec=AFTER))

    def test_while_a_volume_is_in_trouble(self) -> None:
        """A server whose claim is about to go loses its data with its pod."""
        found = cluster()
        claims = dict(found.owned["PersistentVolumeClaim"])
        del claims["js-c-2"]
        self.none(attrs.evolve(found, owned={**found.owned, "PersistentVolumeClaim": claims}))


def test_restarts_that_are_paused_hold_up_nobody() -> None:
    assert allowed(cluster(spec=AFTER | {"rollout": {"paused": True}})) == 1


class TestPaused:
    """Nothing is done for the spec, and still nobody may take a server that others need."""

    def stands(self, budget: ClusterState, world: World, **changes: Any) -> ClusterState:
        """A paused cluster with the budget that was written for another state."""
        spec = changes.pop("spec", BEFORE) | {"paused": True}
        found = attrs.evolve(cluster(world, spec), paused=True, **changes)
        return attrs.evolve(found, owned={**found.owned, KIND: budget.owned[KIND]})

    def done(self, state: ClusterState) -> list[int]:
        budgets = [action.wanted for action in all_of(Ensure, planned(state))]
        assert all(budget.kind == KIND for budget in budgets)
        return [int(budget.manifest["spec"]["maxUnavailable"]) for budget in budgets]

    def test_an_open_budget_is_closed(self) -> None:
        assert self.done(self.stands(stored(cluster()), broken())) == [0]

    def test_so_it_is_while_a_server_is_away(self) -> None:
        state = self.stands(stored(cluster()), Named())
        assert self.done(attrs.evolve(state, pods=state.pods[:2])) == [0]

    def test_a_closed_one_is_not_opened(self) -> None:
        assert self.done(self.stands(stored(cluster(broken())), Named())) == []

    def test_it_stays_as_it_is_while_all_is_well(self) -> None:
        assert self.done(self.stands(stored(cluster()), Named())) == []
        assert self.done(self.stands(stored(cluster()), Named(), spec=AFTER)) == []

    def test_what_somebody_removed_or_edited_stays_so(self) -> None:
        state = self.stands(stored(cluster()), broken())
        assert self.done(held(state)) == []
        closed = stored(cluster(broken()), selector={"matchLabels": {"app": "nats"}})
        assert self.done(self.stands(closed, broken())) == []
        other = stored(cluster(), maxUnavailable="50%")
        assert self.done(self.stands(other, broken())) == [0]

    def test_it_rests_on_answers_and_asks_for_them(self) -> None:
        state = self.stands(stored(cluster()), broken(), jetstream=(), observations={})
        assert self.done(state) == []
        assert {type(query) for query in plan(state).queries} == {JetStreamLook, Probe}

    def test_it_is_closed_although_the_spec_cannot_be_read(self) -> None:
        """It is the budget of the last spec that could be acted on."""
        state = self.stands(stored(cluster()), broken())
        problem = Problem("spec.size", "three", "use a number")
        assert self.done(attrs.evolve(state, problems=(problem,))) == [0]


def test_nothing_changes_before_all_servers_were_asked() -> None:
    found = stored(cluster(broken()))
    for unknown in (
        attrs.evolve(found, jetstream=()),
        attrs.evolve(found, jetstream=found.jetstream[:1]),
        attrs.evolve(found, observations={}),
        attrs.evolve(found, now=found.jetstream[-1].began + IDLE),
    ):
        assert decision(unknown).actions == ()
        queries = decision(unknown).queries
        assert queries == {JetStreamLook(), *(Probe(pod.metadata.uid) for pod in found.pods)}
        actions = [action for stage in plan(unknown).stages for action in stage]
        assert not [action for action in actions if isinstance(action, Ensure)]


def test_an_answer_counts_until_it_is_asked_for_again() -> None:
    """A minute: the budget does not change because time passes."""
    found = stored(cluster())
    assert allowed(attrs.evolve(found, now=found.jetstream[-1].began + IDLE - 1)) is None


def test_it_is_closed_before_natsctl_stops_a_server_itself() -> None:
    world = Named()
    before = stored(cluster(world)).owned[KIND]
    stages = plan(held(state_of(world, AFTER), dict(before))).stages
    (closed,), (stopped,) = stages
    assert isinstance(closed, Ensure)
    assert closed.wanted.manifest["spec"]["maxUnavailable"] == 0
    assert isinstance(stopped, ReplaceServer)


def test_none_is_made_where_it_is_not_known_which_there_are() -> None:
    state = cluster()
    unknown = attrs.evolve(
        state, owned={kind: own for kind, own in state.owned.items() if kind != KIND}
    )
    assert decision(unknown) == Decision()
    told = {c.type: c for c in status(unknown).conditions}["Degraded"]
    assert (told.status, told.reason) == ("True", "BudgetNotRead")
    assert "rbac.podDisruptionBudgets" in told.message
    assert {c.type: c.status for c in status(stored(state)).conditions}["Degraded"] == "False"


def test_a_cluster_without_streams_has_none_and_asks_nothing() -> None:
    plain = running({"size": 3})
    assert decision(plain) == Decision()
    without = {kind: own for kind, own in plain.owned.items() if kind != KIND}
    assert {c.type: c.status for c in status(attrs.evolve(plain, owned=without)).conditions}[
        "Degraded"
    ] == "False"


def test_it_goes_with_the_streams() -> None:
    (live,) = stored(cluster()).owned[KIND].values()
    meta = msgspec.structs.replace(live.metadata, uid="uid-of-budget")
    left = held(running({"size": 3}), {"c": msgspec.structs.replace(live, metadata=meta)})
    assert delete_unwanted(context(left)).actions == (DeleteObject(KIND, "c", "uid-of-budget"),)


def test_each_number_has_its_own_digest() -> None:
    """The digest is what tells an edited object from an outdated one."""
    states = cluster(Named()), cluster(broken())
    made = [decision(state).actions[0] for state in states]
    digests = {action.wanted.digest for action in made if isinstance(action, Ensure)}
    noted = {
        action.wanted.manifest["metadata"]["annotations"][names.APPLIED_ANNOTATION]
        for action in made
        if isinstance(action, Ensure)
    }
    assert digests == noted
    assert len(digests) == 2
