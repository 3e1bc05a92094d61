"""What is kept of objects is bounded, and yet enough to see what is wrong with them."""

from __future__ import annotations

import tracemalloc
from typing import Any

import msgspec
import pytest

from natsctl.model import names
from natsctl.model.objects import (
    Cluster,
    ContainerState,
    Meta,
    NetworkPolicy,
    Object,
    PersistentVolumeClaim,
    Pod,
    PodDisruptionBudget,
    Secret,
    Service,
    cluster_key,
)
from natsctl.model.slim import TEXT, slim
from natsctl.plan.rules.owned_objects import differs
from natsctl.plan.servers.server import problem_of
from natsctl.plan.upgrade_path import is_running
from natsctl.render.objects.owned_objects import owned_kind
from tests.unit.plan.world import NAME, NAMESPACE, NOW, UID, desired, pod, running

FEW_KILOBYTES = 32 * 1024
STREAMS: dict[str, Any] = {"size": 3, "version": "2.14.10", "jetstream": {}}
LONG = STREAMS | {
    "jetstream": {
        "domain": "hub",
        "syncInterval": "always",
        "limits": {"maxAckPending": 5000, "maxHaAssets": 400, "duplicateWindow": "5m"},
    }
}
"""Of which more text comes than is kept of most."""
POLICY: dict[str, Any] = {"size": 2, "networkPolicy": {"clientsFrom": [{"podSelector": {}}] * 60}}
SERVICE: dict[str, Any] = {
    "size": 2,
    "servicePolicy": {
        "labels": {f"label-{i}": "x" for i in range(40)},
        "annotations": {f"note-{i}": "y" * 20 * i for i in range(40)},
    },
}


def size(item: Object) -> int:
    return len(msgspec.json.encode(item))


def flooded(manifest: dict[str, Any]) -> dict[str, Any]:
    """The object with as much as an API server stores, and more."""
    texts = {f"{i}-{'k' * 200}": "v" * 60 for i in range(4000)}
    owner = {"kind": "k" * 9000, "name": "n" * 9000, "uid": "u" * 9000}
    ours = {"kind": names.KIND_CLUSTER, "name": NAME, "uid": UID, "controller": True}
    own = {names.REVISION_ANNOTATION: "r" * 100_000, names.APPLIED_ANNOTATION: "a"}
    meta = {
        **manifest["metadata"],
        "labels": texts | manifest["metadata"].get("labels", {}),
        "annotations": texts | own | {"last": "l" * 100_000},
        "ownerReferences": [*[owner] * 50, ours],
    }
    return {**manifest, "metadata": meta}


HUGE: dict[str, tuple[type[Object], dict[str, Any]]] = {
    "Secret": (Secret, {"data": {f"key{i}": "A" * 30_000 for i in range(40)}}),
    "a token": (Secret, {"data": {"token": "A" * 900_000, "else": "B" * 900_000}}),
    "Service": (
        Service,
        {
            "spec": {
                "ports": [{"name": "x", "port": 1}] * 9000,
                "selector": {f"{i}": "x" * 60 for i in range(9000)},
            }
        },
    ),
    "PersistentVolumeClaim": (
        PersistentVolumeClaim,
        {
            "spec": {
                "resources": {"requests": {"storage": "1" * 90_000, "else": "2" * 90_000}},
                "storageClassName": "s" * 90_000,
                "volumeName": "v" * 90_000,
                "selector": {"matchLabels": {"a": "x" * 90_000}},
            },
            "status": {
                "phase": "p" * 90_000,
                "capacity": {"storage": "1" * 90_000},
                "allocatedResourceStatuses": {"storage": "c" * 90_000},
                "conditions": [{"type": "t" * 900, "message": "m" * 9000}] * 9000,
            },
        },
    ),
    "PodDisruptionBudget": (
        PodDisruptionBudget,
        {
            "spec": {
                "selector": {"matchLabels": {"a": "x" * 90_000}},
                "maxUnavailable": "1" * 90_000,
            }
        },
    ),
    "NetworkPolicy": (NetworkPolicy, {"spec": {"ingress": [{}] * 90_000, "e": {"x": "y" * 300}}}),
    "Pod": (
        Pod,
        {
            "spec": {"nodeName": "n" * 9000},
            "status": {
                "message": "m" * 90_000,
                "conditions": [{"type": "t" * 900, "message": "m" * 9000}] * 500,
                "containerStatuses": [
                    {
                        "name": "n" * 900,
                        "state": {"running": {"a": "x" * 9000}, "waiting": {"message": "w" * 9000}},
                        "lastState": {"terminated": {"message": "t" * 9000}},
                    }
                ]
                * 50,
            },
        },
    ),
}


@pytest.mark.parametrize(("kind", "content"), HUGE.values(), ids=HUGE)
def test_nothing_of_a_stranger_is_large(kind: type[Object], content: dict[str, Any]) -> None:
    meta = {"name": "worker-c-bound-token", "namespace": NAMESPACE, "resourceVersion": "5"}
    kept = slim(msgspec.convert(flooded({"metadata": meta, **content}), kind))
    limit = 4 * FEW_KILOBYTES if kind in (Pod, PersistentVolumeClaim) else FEW_KILOBYTES
    assert size(kept) < limit
    assert slim(kept) == kept
    assert kept.key == (NAMESPACE, meta["name"])
    assert cluster_key(kept) == (NAMESPACE, NAME)


@pytest.mark.parametrize(
    "spec",
    [{"size": 2}, POLICY, SERVICE, STREAMS],
    ids=["plain", "policy", "service", "streams"],
)
class TestStanding:
    def test_what_is_as_it_should_be_stays_so(self, spec: dict[str, Any]) -> None:
        for wanted in desired(spec).objects:
            live = slim(msgspec.convert(wanted.manifest, owned_kind(wanted.kind).projection))
            assert not differs(wanted, live)

    def test_strangers_cannot_have_it_written_again_and_again(self, spec: dict[str, Any]) -> None:
        """Thousands of their labels beside ours: those that are left of ours are right."""
        for wanted in desired(spec).objects:
            manifest = flooded(dict(wanted.manifest))
            notes = manifest["metadata"]["annotations"]
            notes |= wanted.manifest["metadata"].get("annotations", {})
            live = slim(msgspec.convert(manifest, owned_kind(wanted.kind).projection))
            assert live.metadata.cut
            assert not differs(wanted, live)

    def test_every_change_is_seen(self, spec: dict[str, Any]) -> None:
        for wanted in desired(spec).objects:
            for path in paths(wanted.manifest):
                kind = owned_kind(wanted.kind).projection
                live = slim(msgspec.convert(changed(wanted.manifest, path), kind))
                assert differs(wanted, live), path


def paths(manifest: Any) -> list[tuple[str, ...]]:
    """Where texts stand in an object, those apart that make it another one."""
    found: list[tuple[str, ...]] = []
    for place in ("labels", "annotations"):
        found += [("metadata", place, key) for key in manifest["metadata"].get(place, {})]
    found += [("data", key) for key in manifest.get("data", {})]
    return found


def changed(manifest: Any, path: tuple[str, ...]) -> Any:
    first, *rest = path
    inner = changed(manifest[first], tuple(rest)) if rest else f"{manifest[first]}x"
    return {**manifest, first: inner}


def test_a_policy_that_somebody_opened_differs() -> None:
    [wanted] = [s for s in desired(POLICY).objects if s.kind == "NetworkPolicy"]
    spec = {**wanted.manifest["spec"], "ingress": [*wanted.manifest["spec"]["ingress"], {}]}
    assert differs(wanted, slim(msgspec.convert({**wanted.manifest, "spec": spec}, NetworkPolicy)))
    assert differs(wanted, slim(msgspec.convert({**wanted.manifest, "spec": 7}, NetworkPolicy)))


def test_tokens_are_kept_whole() -> None:
    data = {"token": "dG9rZW4=" * 500, "username": "dQ=="}
    meta = {"name": "r-c-bound-token", "namespace": "ns"}
    assert slim(msgspec.convert({"metadata": meta, "data": data}, Secret)).data == data
    assert slim(msgspec.convert({"metadata": meta}, Secret)).data is None


def test_what_servers_start_jetstream_with_is_kept_whole() -> None:
    """Limits and the key of what is stored are read from there."""
    (wanted,) = (each for each in desired(LONG).objects if each.kind == "Secret")
    live = slim(msgspec.convert(wanted.manifest, Secret))
    block = wanted.manifest["data"]["jetstream.json"]
    assert len(block) > TEXT
    assert (live.data or {})["jetstream.json"] == block
    assert not differs(wanted, live)
    flood = {**wanted.manifest, "data": {"jetstream.json": "A" * 30_000}}
    assert size(slim(msgspec.convert(flood, Secret))) < FEW_KILOBYTES


def test_of_many_containers_and_conditions_ours_are_kept() -> None:
    found = pod(1, {"size": 1})
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "x" * 9000}}
    others = [{"name": f"other-{i}"} for i in range(99)]
    ours = {"name": "nats", "restartCount": 7, "state": waiting, "lastState": {"terminated": {}}}
    status = {
        "containerStatuses": [*others, ours],
        "conditions": [*[{"type": "x"}] * 99, {"type": "Ready", "status": "True"}],
    }
    whole = msgspec.json.decode(msgspec.json.encode(found))
    kept = slim(msgspec.convert({**whole, "status": status}, Pod))
    statuses, conditions = kept.status.container_statuses, kept.status.conditions
    assert statuses is not None
    assert conditions is not None
    assert (statuses[0].name, statuses[0].restart_count) == ("nats", 7)
    assert conditions[0].type == "Ready"
    assert problem_of(kept) is not None
    assert statuses[1].state is None
    assert isinstance(statuses[0].last_state, ContainerState)


@pytest.mark.parametrize("state", ["running", "waiting", "terminated"])
def test_whether_a_server_runs_stays_known(state: str) -> None:
    """One that is not ready but runs is one that others may need."""
    status = {"name": "nats", "state": {state: {"startedAt": NOW}}}
    unready = pod(1, {"size": 1}, ready=False, containerStatuses=[status])
    assert is_running(slim(unready)) == is_running(unready) == (state == "running")


def test_a_cluster_at_rest_is_kept_as_it_is() -> None:
    snapshot = running({"size": 2})
    cluster = msgspec.structs.replace(snapshot.cluster, spec={"size": 2})
    assert slim(cluster) == cluster
    assert isinstance(cluster, Cluster)
    for found in snapshot.pods:
        assert slim(found) == found


class TestThousandsOfThem:
    """The pods of a fleet differ in names, ids and addresses, and hardly in anything else."""

    def kept(self, number: int) -> Pod:
        """Each as it comes from the API server: nothing of it is anybody else's."""
        found = pod(1, {"size": 1}, podIP=f"10.0.0.{number}")
        meta = msgspec.structs.replace(found.metadata, name=f"c-{number}", uid=f"uid-{number}")
        raw = msgspec.json.encode(msgspec.structs.replace(found, metadata=meta))
        return slim(msgspec.json.decode(raw, type=Pod))

    def test_what_is_equal_is_kept_once(self) -> None:
        one, two = self.kept(1).metadata, self.kept(2).metadata
        assert one.owner_references is not None
        assert two.owner_references is not None
        assert one.owner_references[0] is two.owner_references[0]
        assert one.label(names.LABEL_VERSION) is two.label(names.LABEL_VERSION)

    def test_each_costs_little(self) -> None:
        held = [self.kept(0)]
        tracemalloc.start()
        held.extend(self.kept(number) for number in range(1, 201))
        each = tracemalloc.get_traced_memory()[0] / 200
        tracemalloc.stop()
        assert each < 2300

    def test_a_status_in_which_all_say_the_same(self) -> None:
        status = {"a": [{"b": "c d", "e": 1}]}
        raw = msgspec.json.encode({"metadata": {"name": "c"}, "status": status})
        one, two = (slim(msgspec.json.decode(raw, type=Cluster)) for _ in range(2))
        assert one.status == status
        assert one.status["a"][0]["b"] is two.status["a"][0]["b"]


def test_of_a_claim_only_two_notes_may_be_long() -> None:
    notes = {key: "x" * 20_000 for key in (names.CLAIMS_ANNOTATION, names.REVISION_ANNOTATION)}
    data = {names.DATA_ANNOTATION: "x" * 4_000}
    made = PersistentVolumeClaim(Meta(name="js-c-1", annotations=notes | data))
    kept = slim(made).metadata.annotations or {}
    assert {key: len(text) for key, text in kept.items()} == {
        names.CLAIMS_ANNOTATION: 20_000,
        names.DATA_ANNOTATION: 4_000,
        names.REVISION_ANNOTATION: len("sha256:") + 64,
    }
    assert slim(slim(made)) == slim(made)
