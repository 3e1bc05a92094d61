"""What is read of a cluster, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from natsctl.cli.status.describe import view
from natsctl.cli.status.models import Answer, Happening, LeaseRecord, Sight
from natsctl.cli.status.view import ClusterView
from natsctl.model.objects import Cluster, Object, Pod, Secret

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SINCE = "2026-11-23T11:00:00Z"
Json = dict[str, Any]


def cluster(spec: Json | None = None, status: Json | None = None, generation: int = 1) -> Cluster:
    """NatsCluster `ns/x`, made an hour ago."""
    meta = {"name": "x", "namespace": "ns", "uid": "u", "generation": generation}
    meta |= {"creationTimestamp": SINCE}
    given = {"size": 2, "version": "2.14.5"} if spec is None else spec
    return msgspec.convert({"metadata": meta, "spec": given, "status": status}, Cluster)


def status(**changes: Any) -> Json:
    """Of a cluster of two that is well, as its operator writes it."""
    condition = {"lastTransitionTime": SINCE, "observedGeneration": 1}
    well = {
        "phase": "Running",
        "size": 2,
        "readyReplicas": 2,
        "currentVersion": "2.14.5",
        "observedGeneration": 1,
        "operator": "nats/nats-operator",
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "AllServersReady", "message": "all ready"}
            | condition,
            {"type": "Degraded", "status": "False", "reason": "AsExpected"} | condition,
        ],
        "servers": [server("x-1"), server("x-2")],
    }
    return well | changes


def server(name: str, message: str = "", ready: bool = True) -> Json:
    """One of `status.servers`."""
    return {"name": name, "version": "2.14.5", "ready": ready, "message": message}


def pod(name: str, *, old: bool = False, **more: Any) -> Pod:
    """A pod of cluster `x`; an old one is the Go operator's."""
    labels = {"app": "nats", "nats_cluster": "x", "nats_version": "2.14.5"}
    if not old:
        labels |= {"app.kubernetes.io/managed-by": "natsctl"}
    owner = {"kind": "NatsCluster", "name": "x", "uid": "u", "controller": True}
    meta = {"name": name, "namespace": "ns", "uid": f"uid-{name}", "labels": labels}
    meta |= {"creationTimestamp": SINCE, "ownerReferences": [owner]} | more.pop("metadata", {})
    running = {
        "phase": "Running",
        "podIP": f"10.0.0.{len(name)}",
        "containerStatuses": [{"name": "nats", "restartCount": 1}],
    }
    state = running | more.pop("status", {})
    return msgspec.convert({"metadata": meta, "spec": {"nodeName": "n1"}, "status": state}, Pod)


def event(reason: str, message: str, time: str = SINCE, **more: Any) -> Happening:
    """An Event of the cluster."""
    given = {
        "metadata": {"name": reason, "resourceVersion": "5"},
        "involvedObject": {"kind": "NatsCluster", "name": "x"},
        "reason": reason,
        "message": message,
        "lastTimestamp": time,
    }
    return msgspec.convert(given | more, Happening)


def lease(holder: str = "one", renewed: str = "2026-11-23T11:59:58.5Z") -> LeaseRecord:
    """The lease of `nats/nats-operator`."""
    spec = {"holderIdentity": holder, "renewTime": renewed}
    return msgspec.convert({"metadata": {"name": "nats-operator"}, "spec": spec}, LeaseRecord)


def secret(name: str, **data: str) -> Secret:
    """A Secret with data in base64."""
    return msgspec.convert({"metadata": {"name": name}, "data": data}, Secret)


def held(name: str, **annotations: str) -> Object:
    """The metadata of a Secret that belongs to the cluster."""
    given = {k.replace("_", "/").replace("9", "-"): v for k, v in annotations.items()}
    return msgspec.convert({"metadata": {"name": name, "annotations": given}}, Object)


def answers(*peers: int, connections: int = 0) -> dict[str, Answer]:
    """Of `x-1`, `x-2`, ...: to how many of the others each has a route."""
    ids = [f"id{number}" for number in range(1, len(peers) + 1)]
    return {
        f"uid-x-{n}": Answer(
            server_id=f"id{n}",
            connections=connections,
            route_peers=frozenset([i for i in ids if i != f"id{n}"][:count]),
        )
        for n, count in enumerate(peers, 1)
    }


def seen(**parts: Any) -> ClusterView:
    """The view of a cluster of two that is well, but for these parts."""
    whole: dict[str, Any] = {
        "cluster": cluster(status=status()),
        "pods": (pod("x-1"), pod("x-2")),
        "answers": answers(1, 1),
        "lease": lease(),
    }
    return view(Sight(**(whole | parts)), NOW)
