"""NatsClusters: apply them, wait for them, check them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import yaml

from demo import servers
from demo.follow import Follower, until
from demo.history import gone, most_down, uids
from demo.kubectl import Kubectl
from demo.teller import DemoFailed, Teller

if TYPE_CHECKING:
    from demo.kubectl import Json

FOLDER = Path(__file__).parent
PATIENCE = 180.0
"""Seconds for any one change; far more than it takes, so that only a real fault ends the demo."""


@attrs.frozen
class Watched:
    """One NatsCluster under observation."""

    name: str
    kubectl: Kubectl
    teller: Teller
    alive: Callable[[], bool]
    clusters: Follower
    pods: Follower

    def pod_names(self, size: int) -> list[str]:
        """The pods of a cluster of this size."""
        return [f"{self.name}-{index}" for index in range(1, size + 1)]

    async def settled(self, size: int, version: str, dead: frozenset[str] = frozenset()) -> str:
        """Wait until status says so, then check that it is so; says what was checked.

        `dead` are ids of servers that were killed.
        """
        await self.until(lambda: self._unsettled(size, version))
        names = self.pod_names(size)
        if sorted(self._mine()) != sorted(names):
            raise DemoFailed(f"expected the pods {names}; found {sorted(self._mine())}")
        return servers.check(await servers.ask(self.kubectl, names), version, dead)

    async def ids(self, *names: str) -> frozenset[str]:
        """The server ids of pods, as they are now."""
        return frozenset(answer.id for answer in await servers.ask(self.kubectl, names))

    async def pod_of_server(self, server: str, size: int) -> str:
        """The pod whose server calls itself so."""
        for pod in self.pod_names(size):
            if (await self.kubectl.monitoring(pod, "varz"))["server_name"] == server:
                return pod
        raise DemoFailed(f"expected one of the servers to be {server}; none is")

    async def until(self, missing: Callable[[], str]) -> None:
        """Wait until nothing is missing."""
        await until([self.clusters, self.pods], missing, self.alive, PATIENCE, self.teller)

    def _mine(self) -> dict[str, str]:
        found = uids(self.pods.sightings)
        return {n: u for n, u in found.items() if n.rpartition("-")[0] == self.name}

    def _unsettled(self, size: int, version: str) -> str:
        cluster = self.clusters.items.get(self.name)
        if cluster is None:
            return f"no NatsCluster {self.name}"
        # The two watches are not in step: a pod may be new and its cluster's status still old.
        starting = [name for name in self._mine() if not is_ready(self.pods.items.get(name, {}))]
        if starting:
            return f"{', '.join(starting)} to be ready"
        return unsettled(cluster, size, version)

    def begin(self) -> Change:
        """Remember how things are before a change."""
        return Change(self, time.monotonic(), len(self.pods.sightings), self._mine())


@attrs.frozen
class Change:
    """What happened to a cluster's pods since `began` (monotonic)."""

    cluster: Watched
    began: float
    first: int
    before: dict[str, str]

    def now(self) -> dict[str, str]:
        """Uids of the cluster's pods, by name."""
        return self.cluster._mine()

    def not_replaced(self, name: str) -> str:
        """What is awaited while a pod is not a new one; nothing once it is."""
        replaced = self.now().get(name, self.before[name]) != self.before[name]
        return "" if replaced else f"{name} to be replaced"

    def expect_kept(self, *names: str) -> None:
        """These pods are the same ones as before."""
        changed = [n for n in names if self.before.get(n) != self.now().get(n)]
        if changed:
            raise DemoFailed(f"expected {names} to be left alone; {changed} changed")

    def expect_gone(self, *names: str) -> None:
        """Exactly these pods were deleted, in this order."""
        if (found := self._gone()) != list(names):
            raise DemoFailed(f"expected these to go, in this order: {names}; found {found}")

    def expect_each_gone(self, *names: str) -> None:
        """Exactly these pods were deleted, each of them once."""
        if sorted(found := self._gone()) != sorted(names):
            raise DemoFailed(f"expected each of these to go once: {names}; found {found}")

    def _gone(self) -> list[str]:
        found = gone(self.cluster.pods.sightings[self.first :])
        return [name for name in found if name.rpartition("-")[0] == self.cluster.name]

    def expect_one_at_a_time(self, *names: str) -> None:
        """Of these servers, at most one was down at any time."""
        down = most_down(self.cluster.pods.sightings, names, self.began)
        if len(down) > 1:
            raise DemoFailed(f"expected at most one server down at a time; found {down}")


def is_ready(pod: Json) -> bool:
    """Whether the kubelet says so."""
    conditions = pod.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def unsettled(cluster: Json, size: int, version: str) -> str:
    """What a NatsCluster's status lacks to be a settled cluster of this size and version."""
    status = cluster.get("status") or {}
    generation = cluster["metadata"]["generation"]
    conditions = {c["type"]: c for c in status.get("conditions") or []}
    if status.get("observedGeneration") != generation:
        return "the operator to see the change"
    for type_, wanted in (("Ready", "True"), ("Progressing", "False"), ("Degraded", "False")):
        found = conditions.get(type_, {})
        if found.get("status") != wanted:
            others = [c.get("message", "") for c in conditions.values() if c["status"] == "True"]
            said = "; ".join(filter(None, [found.get("message", ""), *others]))
            return f"condition {type_} to be {wanted} ({said})"
    facts = {k: status.get(k) for k in ("size", "readyReplicas", "currentVersion", "phase")}
    expected = {"size": size, "readyReplicas": size, "currentVersion": version, "phase": "Running"}
    return "" if facts == expected else f"status {expected}; it is {facts}"


def manifest(file: str) -> Json:
    """A manifest of this folder, with the image that NATSCTL_NATS_IMAGE names, if it does."""
    loaded: Json = yaml.safe_load((FOLDER / file).read_text())
    image = os.environ.get("NATSCTL_NATS_IMAGE")
    if image:
        loaded["spec"]["serverImage"] = image
    return loaded


async def apply(kubectl: Kubectl, document: Json) -> str:
    """kubectl apply; what it printed."""
    return (await kubectl.run("apply", "-f", "-", stdin=json.dumps(document))).strip()
