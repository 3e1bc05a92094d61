"""Pods of the Go operator stay as they are until the user asks for something that restarts them."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.problems import Problem
from natsctl.api.types.status import parse_status
from natsctl.model import names
from natsctl.model.objects import Cluster, Meta, Pod
from natsctl.plan.actions import (
    AdoptServer,
    CreateServer,
    DeleteServer,
    PodAction,
    ReloadServer,
    ReplaceServer,
)
from natsctl.plan.adoption.go_operator import is_taken_over
from natsctl.plan.desired import desired_of, parse_cluster
from natsctl.plan.engine import plan
from natsctl.plan.references import References
from natsctl.plan.state import ClusterState, Desired
from natsctl.plan.status.status import status
from natsctl.render.config.conf import own_name
from natsctl.render.config.system_account import has_system
from natsctl.render.inputs import Images
from natsctl.render.pod.pod import pod as render_pod
from tests.unit.api.jwts import operator_jwt
from tests.unit.plan.references import secret
from tests.unit.plan.world import NAME, NAMESPACE, UID, answers, changed, cluster_state, pod

OLD: dict[str, Any] = {"size": 3, "version": "2.9.25"}
BIGGER = OLD | {"natsConfig": {"maxPending": 2**20}}
SOURCES = References(system="U" + "A" * 55, pepper=b"pepper")


def old_pod(index: int, spec: dict[str, Any] = OLD, **meta: Any) -> Pod:
    """A pod as the Go operator makes it."""
    labels = {
        names.LABEL_APP: names.APP,
        names.LABEL_CLUSTER: NAME,
        names.LABEL_VERSION: spec["version"],
    }
    told = {"name": f"{NAME}-{index:x}", "labels": labels, "annotations": None}
    return changed(pod(index, spec), **(told | meta))


def old_pods(spec: dict[str, Any] = OLD) -> tuple[Pod, ...]:
    return tuple(old_pod(i, spec) for i in range(1, spec["size"] + 1))


def desired(spec: dict[str, Any], pods: tuple[Pod, ...]) -> Desired:
    cluster = Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1), spec=spec)
    understood = parse_cluster(cluster, parse_status(None), pods)
    found = desired_of(cluster, understood, pods, SOURCES, Images())
    assert found is not None
    return found


def seen(spec: dict[str, Any], pods: tuple[Pod, ...]) -> ClusterState:
    """The pods, healthy, in a cluster with this spec."""
    return cluster_state(spec, pods, answers(*pods), desired=desired(spec, pods))


def servers_actions(found: ClusterState) -> list[PodAction]:
    kinds = (AdoptServer, CreateServer, DeleteServer, ReloadServer, ReplaceServer)
    return [a for stage in plan(found).stages for a in stage if isinstance(a, kinds)]


def taken_over(spec: dict[str, Any] = OLD, pods: tuple[Pod, ...] | None = None) -> tuple[Pod, ...]:
    """The pods after natsctl saw them for the first time."""
    pods = old_pods(spec) if pods is None else pods
    told = {
        a.name: a.revision for a in servers_actions(seen(spec, pods)) if isinstance(a, AdoptServer)
    }
    return tuple(
        changed(p, annotations={names.REVISION_ANNOTATION: told[p.metadata.name]}) for p in pods
    )


def renewed(index: int, spec: dict[str, Any], pods: tuple[Pod, ...]) -> Pod:
    """The successor of one of the pods."""
    manifest = render_pod(desired(spec, pods).target, index)
    manifest["metadata"] |= {"uid": f"new-{index}", "resourceVersion": "1"}
    made = pod(index, spec, run=1)
    meta = msgspec.convert(manifest["metadata"], Meta)
    return msgspec.structs.replace(made, metadata=meta)


def test_they_are_noted_and_nothing_else_happens_to_them() -> None:
    pods = old_pods()
    assert [(type(a), a.name) for a in servers_actions(seen(OLD, pods))] == [
        (AdoptServer, "c-1"),
        (AdoptServer, "c-2"),
        (AdoptServer, "c-3"),
    ]
    assert servers_actions(seen(OLD, taken_over())) == []


def test_a_paused_cluster_is_not_even_noted() -> None:
    assert servers_actions(attrs.evolve(seen(OLD, old_pods()), paused=True)) == []


def test_nothing_is_noted_while_the_configuration_waits() -> None:
    spec = OLD | {"auth": {"clientsAuthSecret": "missing"}}
    assert servers_actions(seen(spec, old_pods())) == []


def test_one_that_is_shutting_down_is_not_noted() -> None:
    pods = (*old_pods()[:2], old_pod(3, deletion_timestamp="2026-01-01T00:00:00Z"))
    found = servers_actions(seen(OLD, pods))
    assert [a.name for a in found] == ["c-1", "c-2"]


def test_their_configuration_stays_one_that_they_can_reload() -> None:
    target = desired(OLD, taken_over()).target
    assert (has_system(target), own_name(target)) == (False, False)


def test_what_the_user_asks_for_next_brings_the_rest_along() -> None:
    pods = taken_over()
    target = desired(BIGGER, pods).target
    assert (has_system(target), own_name(target)) == (True, True)
    [replaced] = servers_actions(seen(BIGGER, pods))
    assert isinstance(replaced, ReplaceServer)
    assert replaced.name == "c-3"


def test_an_upgrade_that_the_go_operator_had_begun_goes_on() -> None:
    newer = OLD | {"version": "2.10.29"}
    found = servers_actions(seen(newer, taken_over(newer, old_pods())))
    assert [type(a) for a in found] == [ReplaceServer]


def test_a_roll_goes_through_even_if_the_change_is_taken_back() -> None:
    """Servers with a name and a system account, and servers without, would not stay together."""
    pods = taken_over()
    mixed = (*pods[:2], renewed(3, BIGGER, pods))
    found = seen(OLD, mixed)
    assert isinstance(servers_actions(found)[0], ReplaceServer)
    told = {s.name: s.message for s in status(found).servers}
    assert "the pod as created by the Go operator changed" in told["c-1"]


def test_a_server_that_joins_them_is_like_them() -> None:
    four = OLD | {"size": 4}
    pods = taken_over()
    assert servers_actions(seen(four, pods)) == [CreateServer(4, "c-4")]
    joined = (*pods, renewed(4, four, pods))
    target = desired(four, joined).target
    assert (has_system(target), own_name(target)) == (False, False)
    assert own_name(desired(four | {"natsConfig": {"maxPending": 2**20}}, joined).target)


def test_the_old_reloader_has_them_reload_and_they_stay_what_they_are() -> None:
    users = OLD | {"version": "2.12.15", "natsConfig": {"debug": True}}
    pods = taken_over(users, old_pods(users))
    pods = tuple(
        msgspec.structs.replace(
            p,
            status=msgspec.convert(
                msgspec.to_builtins(p.status)
                | {"containerStatuses": [{"name": "nats"}, {"name": "reloader"}]},
                type(p.status),
            ),
        )
        for p in pods
    )
    found = servers_actions(seen(users | {"natsConfig": {"trace": True}}, pods))
    assert [a.name for a in found] == ["c-1", "c-2", "c-3"]
    for action in found:
        assert isinstance(action, ReloadServer)
        assert (action.asks, action.digest) == (False, None)
        after = changed(pods[0], annotations={names.REVISION_ANNOTATION: action.revision})
        assert is_taken_over(after)


TWELVE = OLD | {"size": 12}


def test_they_count_in_hexadecimal_and_keep_their_names() -> None:
    pods = taken_over(TWELVE)
    assert servers_actions(seen(TWELVE, pods)) == []
    routes = desired(TWELVE, pods).target.kept
    assert (routes[9], routes[10], routes[12]) == ("c-9", "c-a", "c-c")


def test_a_smaller_size_takes_the_highest_away() -> None:
    found = servers_actions(seen(OLD | {"size": 10}, taken_over(TWELVE)))
    assert [a.name for a in found] == ["c-c"]


def test_a_new_server_has_a_decimal_name() -> None:
    found = servers_actions(seen(OLD | {"size": 13}, taken_over(TWELVE)))
    assert found == [CreateServer(13, "c-13")]


def test_two_pods_of_one_index_never_both_exist() -> None:
    pods = taken_over(TWELVE)
    going = changed(pods[9], deletion_timestamp="2026-01-01T00:00:00Z")
    assert servers_actions(seen(TWELVE, (*pods[:9], going, *pods[10:]))) == []
    gone = servers_actions(seen(TWELVE, (*pods[:9], *pods[10:])))
    assert gone == [CreateServer(10, "c-10")]


def test_a_name_that_another_pod_has_is_waited_for() -> None:
    """The Go operator's `-10` is its sixteenth."""
    sixteen = OLD | {"size": 16}
    pods = taken_over(sixteen)
    assert pods[15].metadata.name == "c-10"
    assert servers_actions(seen(sixteen, (*pods[:9], *pods[10:]))) == []


def test_a_lost_label_makes_none_of_our_pods_the_go_operators() -> None:
    ours = pod(1, OLD)
    labels = {k: v for k, v in (ours.metadata.labels or {}).items() if "kubernetes.io" not in k}
    assert not is_taken_over(changed(ours, labels=labels))


def told(found: ClusterState) -> list[str]:
    return [s.message for s in status(found).servers]


@pytest.mark.parametrize(
    ("spec", "brings"),
    [
        (OLD, "a server name, the cluster name c, a system account"),
        (OLD | {"extraRoutes": [{"cluster": "x"}]}, "a server name, a system account"),
        (OLD | {"clusterName": "main"}, "a server name, a system account"),
        (OLD | {"version": "2.1.9"}, "a server name"),
        (OLD | {"version": "2.0.0"}, ""),
    ],
)
def test_the_status_says_what_the_next_restart_brings(spec: dict[str, Any], brings: str) -> None:
    [message, *_] = told(seen(spec, taken_over(spec, old_pods(spec))))
    expected = "a readiness probe, a lame duck period on shutdown" + (", " if brings else "")
    assert message.endswith(f"its next restart adds {expected}{brings}")


def test_the_status_says_what_a_pod_will_be_called() -> None:
    messages = told(seen(TWELVE, taken_over(TWELVE)))
    assert messages[9].endswith(", the pod name c-10")
    assert "pod name" not in messages[8]


def test_the_status_says_nothing_of_it_while_the_spec_is_invalid() -> None:
    found = seen(OLD, taken_over())
    problem = Problem("spec.size", "three", "use a number")
    assert set(told(attrs.evolve(found, desired=None, problems=(problem,)))) == {""}


def test_what_an_earlier_natsctl_did_not_write_is_noted() -> None:
    spec = {"size": 1, "version": "2.12.15", "operatorConfig": {"secret": "o"}}
    found = References(pepper=b"p", secrets={"o": secret("o", {"op.jwt": operator_jwt()})})

    def acts(*pods: Pod) -> list[PodAction]:
        cluster = Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1), spec=spec)
        known = parse_cluster(cluster, parse_status(None), pods)
        made = desired_of(cluster, known, pods, found, Images())
        assert made is not None
        return servers_actions(cluster_state(spec, pods, answers(*pods), desired=made))

    before = pod(1, spec)
    (note,) = acts(before)
    assert isinstance(note, AdoptServer)
    assert not note.taken_over
    assert "operatorConfig.jwt" in note.revision
    after = changed(before, annotations={names.REVISION_ANNOTATION: note.revision})
    assert acts(after) == []
