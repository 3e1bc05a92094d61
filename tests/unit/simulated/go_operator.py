"""What the Go operator leaves of a cluster `c` of two servers in namespace `ns`."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
LABELS = {"app": "nats", "nats_cluster": "c"}
CONFIG = """{
  "port": 4222,
  "http_port": 8222,
  "cluster": {
    "port": 6222,
    "routes": [
      "nats://c-1.c-mgmt.ns.svc:6222",
      "nats://c-2.c-mgmt.ns.svc:6222"
    ]
  },
  "logtime": true
}"""


def go_objects(uid: str, version: str = "2.9.25") -> Iterator[Json]:
    """Its objects, of a NatsCluster with this uid."""
    data = {"nats.conf": base64.b64encode(CONFIG.encode()).decode()}
    yield _owned("Secret", "c", uid, data=data)
    for name in ("c", "c-mgmt"):
        ports = [{"name": "client", "port": 4222}] if name == "c" else [{"name": "x", "port": 6222}]
        yield _owned("Service", name, uid, spec={"ports": ports, "selector": LABELS})
    for index in "12":
        pod = _owned("Pod", f"c-{index}", uid, spec=_pod(version))
        pod["metadata"]["labels"] = LABELS | {"nats_version": version}
        pod["metadata"]["annotations"] = {"nats.version": version}
        yield pod


def running_at(address: str) -> Json:
    """The status of a pod whose server is ready."""
    state = {"running": {"startedAt": "2025-12-31T00:00:00Z"}}
    return {
        "phase": "Running",
        "podIP": address,
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "nats", "ready": True, "restartCount": 0, "state": state}],
    }


def _owned(kind: str, name: str, uid: str, **content: Any) -> Json:
    owner = {
        "apiVersion": "nats.io/v1alpha2",
        "kind": "NatsCluster",
        "name": "c",
        "uid": uid,
        "controller": True,
    }
    meta = {"name": name, "namespace": "ns", "labels": LABELS, "ownerReferences": [owner]}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **content}


def _pod(version: str) -> Json:
    command = ["/nats-server", "-c", "/etc/nats-config/nats.conf", "-P", "/var/run/nats/gnatsd.pid"]
    server = {"name": "nats", "image": f"nats:{version}", "command": command}
    mounted = {"name": "nats-config", "mountPath": "/etc/nats-config"}
    volume = {"name": "nats-config", "secret": {"secretName": "c"}}
    return {"containers": [server | {"volumeMounts": [mounted]}], "volumes": [volume]}
