"""No server that stores streams comes back under another name."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model.objects import Pod
from natsctl.model.slim import slim
from natsctl.plan.actions import DeleteServer, Ensure
from natsctl.plan.restarts.kept_names import next_name, other_names
from natsctl.plan.rules.disruption_budget import ensure_budget
from natsctl.plan.rules.ended_pods import remove_ended
from natsctl.plan.rules.rolling_update import replace_outdated
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.claims.volumes import EARLIER, SPEC
from tests.unit.plan.gates.world import World
from tests.unit.plan.looks import Named
from tests.unit.plan.restarts.test_gated import (
    AFTER,
    BEFORE,
    WAITING,
    process,
    restarted,
    state_of,
)
from tests.unit.plan.world import NAME, UID, cluster_state, context, decided, pod, target

OWN = f"{NAME}-3-{UID[:8]}"


def container(found: Pod, **changes: Any) -> Pod:
    """As an admission webhook may leave it: the server's container is changed."""
    (server,) = found.spec.containers or ()
    changed = msgspec.structs.replace(server, **changes)
    spec = msgspec.structs.replace(found.spec, containers=(changed,))
    return slim(msgspec.structs.replace(found, spec=spec))


def renamed(found: Pod, name: str | None) -> Pod:
    """The pod of a server with another name, or with one that the pod does not tell."""
    if name is None:
        return container(found, args=("-n", "x"))
    (server,) = found.spec.containers or ()
    env = [
        msgspec.structs.replace(each, value=name) if each.name == "SERVER_NAME" else each
        for each in server.env or ()
    ]
    return container(found, env=tuple(env))


def of_three(third: Pod, world: World | None = None, spec: Any = AFTER) -> ClusterState:
    return state_of(world or Named(), spec, pods=(process(1), process(2), third))


OTHERS = ["c-3", f"c-3-{EARLIER[:8]}", f"c-1-{UID[:8]}", None]


@pytest.mark.parametrize("name", OTHERS)
def test_a_server_with_another_name_than_its_next_pod_gives_it_restarts_nobody(
    name: str | None,
) -> None:
    state = of_three(renamed(process(3), name))
    assert restarted(state) == []
    (why,) = replace_outdated(context(state)).waiting
    assert why.startswith("c-3: it")
    assert why.endswith("or delete the pod yourself if the others have all of it")


def test_which_names_differ_is_told_by_the_condition() -> None:
    state = of_three(renamed(process(3), "x-3"))
    told = {c.type: c.message for c in status(state).conditions}
    assert f"c-3: it calls itself x-3, and would be {OWN} in its next pod" in told["Progressing"]


@pytest.mark.parametrize("name", OTHERS)
def test_one_that_is_away_is_not_replaced_either(name: str | None) -> None:
    away = renamed(process(3, ready=False, state=WAITING), name)
    assert restarted(attrs.evolve(of_three(away), jetstream=())) == []
    own = process(3, ready=False, state=WAITING)
    assert restarted(attrs.evolve(of_three(own), jetstream=())) == ["c-3"]


@pytest.mark.parametrize("name", OTHERS)
def test_nor_is_one_whose_pod_ended(name: str | None) -> None:
    ended = pod(3, BEFORE, ready=False, phase="Failed")
    state = of_three(renamed(ended, name), spec=BEFORE)
    assert decided(remove_ended, state) == ()
    told = {c.type: c.message for c in status(state).conditions}
    assert told["Progressing"].startswith("replacing c-3; waiting: c-3: it")
    (removed,) = decided(remove_ended, of_three(ended, spec=BEFORE))
    assert isinstance(removed, DeleteServer)


def test_others_may_not_evict_one_either() -> None:
    def allowed(third: Pod) -> int:
        state = of_three(third, spec=BEFORE)
        unwritten = attrs.evolve(state, owned={**state.owned, "PodDisruptionBudget": {}})
        (written,) = decided(ensure_budget, unwritten, Ensure)
        return int(written.wanted.manifest["spec"]["maxUnavailable"])

    assert allowed(process(3)) == 1
    assert allowed(renamed(process(3), "x-3")) == 0


def test_none_is_removed() -> None:
    state = of_three(renamed(process(3), "x-3"), spec=BEFORE | {"size": 2})
    assert scale_down(context(state)).waiting[0].startswith("c-3: it calls itself x-3")


def test_a_server_that_was_named_by_an_earlier_cluster_keeps_that_name() -> None:
    before = attrs.evolve(target(BEFORE), origins={3: EARLIER[:8]})
    assert next_name(before, 3) == f"c-3-{EARLIER[:8]}"


@pytest.mark.parametrize("value", [1, {"a": "b"}])
def test_a_spec_that_does_not_tell_the_next_name_restarts_nobody(value: Any) -> None:
    odd = {"spec": {"containers": [{"env": [{"name": "A", "value": value}]}]}}
    spec = AFTER | {"template": odd}
    assert next_name(target(spec), 1) is None
    assert other_names(context(of_three(process(3), spec=spec)))["c-3"] == (
        "c-3: the spec does not tell what its next pod would call the server"
    )


def test_servers_without_streams_may_have_any_name() -> None:
    plain = {"size": 1, "version": "2.14.10"}
    state = cluster_state(plain, (renamed(pod(1, plain), "x"),))
    assert other_names(context(state)) == {}


def test_arguments_that_leave_the_name_alone_hold_nobody_up() -> None:
    debugging = {"spec": {"containers": [{"name": "nats", "args": ["-D"]}]}}
    spec = SPEC | {"version": "2.12.15", "template": debugging}
    pods = tuple(process(index, spec) for index in (1, 2, 3))
    assert restarted(state_of(Named(), spec | {"version": "2.14.10"}, pods)) == ["c-3"]
