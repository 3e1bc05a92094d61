"""Times on a real kubelet with real servers."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING

import attrs

from benchmarks.objects import SIZE, is_ready, nats_cluster, write
from natsctl.kube.resources import CLUSTERS, PODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.bare import Bare, Json

NAMESPACE = "default"
ROUNDS = 5


@attrs.frozen
class Times:
    """Seconds, one for each repetition; of the first also on the way, by milestone."""

    ready3: tuple[float, ...]
    replace: tuple[float, ...]
    milestones: tuple[dict[str, float], ...]

    def timeline(self) -> dict[str, float]:
        """When all servers had come to each milestone, medians."""
        return {
            f"ready3_{name}_s": statistics.median(seen[name] for seen in self.milestones)
            for name in MILESTONES
        }


def _runs(pod: Json) -> bool:
    states = pod.get("status", {}).get("containerStatuses") or []
    return bool(states) and all("running" in each["state"] for each in states)


MILESTONES: dict[str, Callable[[Json], bool]] = {
    "created": lambda _: True,
    "scheduled": lambda pod: bool(pod["spec"].get("nodeName")),
    "running": _runs,
    "kubelet": is_ready,
}
"""What is seen of a pod on its way; the last one is the kubelet's readiness probe."""


async def times(bare: Bare) -> Times:
    """Create a cluster of three, replace its pods, several times."""
    ready: list[float] = []
    replace: list[float] = []
    milestones: list[dict[str, float]] = []
    for number in range(1, ROUNDS + 1):
        name = f"c{number}"
        seconds, seen = await _ready(bare, name)
        ready.append(seconds)
        milestones.append(seen)
        replace += [await _replace(bare, name, f"{name}-{index}") for index in (1, 2)]
        await bare.delete(CLUSTERS.path(NAMESPACE, name))
        while (await bare.get(PODS.path(NAMESPACE)))["items"]:  # noqa: ASYNC110 - remote
            await asyncio.sleep(0.5)
    return Times(tuple(ready), tuple(replace), tuple(milestones))


async def _ready(bare: Bare, name: str) -> tuple[float, dict[str, float]]:
    """From the request that creates a NatsCluster to the status that says Ready, and between."""
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_until_ready(bare, name))
        pods = group.create_task(_until_pods_ready(bare, name))
        started = time.monotonic()
        await write(bare, nats_cluster(NAMESPACE, name))
    reached = {milestone: at - started for milestone, at in pods.result().items()}
    return watching.result() - started, reached


async def _until_pods_ready(bare: Bare, cluster: str) -> dict[str, float]:
    """The moment at which the last of its pods came to each milestone."""
    seen: dict[str, dict[str, float]] = {name: {} for name in MILESTONES}
    async for event in bare.watch(PODS.path(NAMESPACE)):
        pod = event["object"]
        if pod["metadata"].get("labels", {}).get("nats_cluster") != cluster:
            continue
        for name, reached in MILESTONES.items():
            if reached(pod):
                seen[name].setdefault(pod["metadata"]["name"], time.monotonic())
        if all(len(pods) == SIZE for pods in seen.values()):
            return {name: max(pods.values()) for name, pods in seen.items()}
    raise RuntimeError("the watch of pods ended")


async def _until_ready(bare: Bare, name: str) -> float:
    async for event in bare.watch(CLUSTERS.path(NAMESPACE)):
        if event["object"]["metadata"]["name"] == name and is_ready(event["object"]):
            return time.monotonic()
    raise RuntimeError("the watch of natsclusters ended")


async def _replace(bare: Bare, cluster: str, pod: str) -> float:
    """From the event that a pod is gone to the event that its successor exists."""
    path = PODS.path(NAMESPACE, pod)
    uid = (await bare.get(path))["metadata"]["uid"]
    seen = asyncio.create_task(_gone_and_back(bare, pod, uid))
    await asyncio.sleep(0.5)
    await bare.delete(path, gracePeriodSeconds=0)
    seconds = await seen
    await _until_ready(bare, cluster)
    while not is_ready(await bare.get(path)):  # noqa: ASYNC110 - remote
        await asyncio.sleep(0.2)
    return seconds


async def _gone_and_back(bare: Bare, pod: str, uid: str) -> float:
    gone = 0.0
    async for event in bare.watch(PODS.path(NAMESPACE)):
        meta = event["object"]["metadata"]
        if meta["name"] != pod:
            continue
        if event["type"] == "DELETED" and meta["uid"] == uid:
            gone = time.monotonic()
        elif event["type"] == "ADDED" and meta["uid"] != uid:
            return time.monotonic() - gone
    raise RuntimeError("the watch of pods ended")
