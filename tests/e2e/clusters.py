"""One NatsCluster, as its user sees it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs

from natsctl.api.version import ServerVersion
from tests.e2e.history import History
from tests.e2e.kubectl import Json, Kubectl, until, until_same

NEW, NEXT = "2.12.15", "2.14.10"
"""The versions most tests run, and upgrade to."""


def manifest(name: str, **spec: Any) -> Json:
    """A NatsCluster; the image is the one named for a cluster of the user's own, if any."""
    image = os.environ.get("NATSCTL_NATS_IMAGE")
    if image:
        spec = {"serverImage": image} | spec
    return {
        "apiVersion": "nats.io/v1alpha2",
        "kind": "NatsCluster",
        "metadata": {"name": name},
        "spec": spec,
    }


@attrs.frozen
class Cluster:
    """A NatsCluster of this name in kubectl's namespace."""

    kubectl: Kubectl
    name: str

    @property
    def selector(self) -> str:
        """Selects what belongs to it."""
        return f"app=nats,nats_cluster={self.name}"

    def apply(self, **spec: Any) -> Cluster:
        """Create it, or make its spec this one."""
        self.kubectl.apply(manifest(self.name, **spec))
        return self

    def patch(self, **spec: Any) -> None:
        """Change fields of the spec."""
        self.kubectl.patch(f"nats/{self.name}", {"spec": spec})

    def get(self) -> Json:
        """The whole object."""
        return self.kubectl.get("nats", self.name)

    def status(self) -> Json:
        """Its status."""
        status: Json = self.get().get("status") or {}
        return status

    def conditions(self) -> dict[str, Json]:
        """Those of the present generation, by type."""
        found = self.get()
        conditions = (found.get("status") or {}).get("conditions") or []
        generation = found["metadata"]["generation"]
        return {c["type"]: c for c in conditions if c.get("observedGeneration") == generation}

    def condition(self, kind: str) -> Json:
        """One condition of the present generation, or an empty mapping."""
        return self.conditions().get(kind, {})

    def until_condition(
        self, kind: str, status: str, *texts: str, reason: str | None = None, seconds: float = 60.0
    ) -> str:
        """Wait for a condition whose message has all texts; the message."""

        def check() -> Json | None:
            found = self.condition(kind)
            good = found.get("status") == status and reason in (None, found["reason"])
            return found if good and all(t in found["message"] for t in texts) else None

        what = f"{self.name}: {kind}={status} {reason or ''} {texts or ''}"
        message: str = (until(what, check, seconds) or {})["message"]
        return message

    def ready(self, seconds: float = 90.0) -> Cluster:
        """Wait until it is what its spec says, and settled; the status may be that of before."""

        def check() -> bool:
            found = self.conditions()
            states = [found.get(kind, {}).get("status") for kind in ("Ready", "Progressing")]
            return states == ["True", "False"] and all(map(_is_ready, self.pods().values()))

        until(f"{self.name} is ready", check, seconds, 0.4)
        return self

    def pods(self) -> dict[str, Json]:
        """Its pods by name."""
        found = self.kubectl.list("pods", self.selector)
        return {pod["metadata"]["name"]: pod for pod in found}

    def uids(self) -> dict[str, str]:
        """Uids of the pods that stay, by name."""
        return {
            name: pod["metadata"]["uid"]
            for name, pod in self.pods().items()
            if "deletionTimestamp" not in pod["metadata"]
        }

    def until_replaced(self, pod: str, uid: str, seconds: float = 30.0) -> str:
        """Wait until a pod of this name has another uid; that uid."""
        what = f"{pod} is replaced"
        return until(what, lambda: (new := self.uids().get(pod, uid)) != uid and new, seconds) or ""

    def address(self, pod: str) -> str:
        """The pod's IP."""
        return str(self.pods()[pod]["status"]["podIP"])

    def log(self, pod: str, container: str = "nats") -> str:
        """What a container has said until now."""
        return self.kubectl("logs", pod, "--container", container)

    def config(self) -> Json:
        """The content of nats.conf in its Secret."""
        secret = self.kubectl.get("secret", self.name)
        config: Json = json.loads(base64.b64decode(secret["data"]["nats.conf"]))
        return config

    def monitoring(self, pod: str, path: str) -> Json:
        """What a server answers on its monitoring port, asked through the API server."""
        where = f"/api/v1/namespaces/{self.kubectl.namespace}/pods/{pod}:8222/proxy/{path}"
        answer: Json = json.loads(self.kubectl.raw(where))
        return answer

    def reasons(self) -> list[str]:
        """Reasons of the events about it, oldest first."""
        field = f"involvedObject.name={self.name},involvedObject.kind=NatsCluster"
        events = self.kubectl.list("events", fields=field)
        events.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
        return [event["reason"] for event in events]

    def history(self, resource: str = "pods") -> History:
        """Records what happens to its pods, or other objects; a context manager."""
        return History(self.kubectl.command("get", resource, "-l", self.selector))

    def meshed(self, size: int, version: str, tag: str = "") -> None:
        """Every server has the version and all its routes to every other: asked of the servers.

        `tag` is that of the image, where it does not say the version.
        """
        pods = self.pods()
        assert sorted(pods) == sorted(f"{self.name}-{i}" for i in range(1, size + 1))
        for pod in pods:
            assert self.monitoring(pod, "varz")["version"] == version
            assert self.peers(pod) == size - 1
        each = 4 if ServerVersion.parse(version).at_least(2, 10) else 1  # a pool, and $SYS
        for pod in pods:
            complete = partial(self._has_connections, pod, each)
            until(f"{pod} has {each} connections to every other", complete, 20)
        status = self.status()
        assert (status["size"], status["readyReplicas"]) == (size, size)
        assert status["currentVersion"] == (tag or version)

    def peers(self, pod: str) -> int:
        """To how many other servers it has routes."""
        return len(self._connections(pod))

    def until_peers(self, count: int) -> None:
        """Wait until each of its servers has routes to so many others."""
        for pod in self.pods():
            until_same(f"others that {pod} knows", partial(self.peers, pod), count)

    def _connections(self, pod: str) -> Counter[str]:
        """How many connections it has to each other server."""
        routes = self.monitoring(pod, "routez")["routes"] or []
        return Counter(route["remote_id"] for route in routes)

    def _has_connections(self, pod: str, each: int) -> bool:
        return set(self._connections(pod).values()) <= {each}

    def delete(self) -> None:
        """Delete it and wait until nothing with its labels remains."""
        self.kubectl("delete", "nats", self.name)
        until(f"nothing of {self.name} remains", lambda: not self.remains(), 60)

    def remains(self) -> list[str]:
        """What there is with its labels."""
        found = self.kubectl.list("pods,services,secrets,endpoints,endpointslices", self.selector)
        return [f"{item['kind'].lower()}/{item['metadata']['name']}" for item in found]

    @contextmanager
    def logs(self, pod: str) -> Iterator[list[str]]:
        """Follow a server's log from its first line; complete when the context and the pod end."""
        lines: list[str] = []
        command = self.kubectl.command("logs", "--follow", pod)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                lines.append(process.stdout.readline())
                yield lines
                lines += process.stdout.read().splitlines()
            finally:
                process.terminate()


def _is_ready(pod: Json) -> bool:
    """Whether its kubelet says so."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(it["type"] == "Ready" and it["status"] == "True" for it in conditions)
