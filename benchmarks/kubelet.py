"""Times on a real kubelet with real servers."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import attrs

from benchmarks.objects import is_ready, nats_cluster, write
from natsctl.kube.resources import CLUSTERS, PODS

if TYPE_CHECKING:
    from benchmarks.bare import Bare

NAMESPACE = "default"
ROUNDS = 5


@attrs.frozen
class Times:
    """Seconds, one for each repetition."""

    ready3: tuple[float, ...]
    replace: tuple[float, ...]


async def times(bare: Bare) -> Times:
    """Create a cluster of three, replace its pods, several times."""
    ready: list[float] = []
    replace: list[float] = []
    for number in range(1, ROUNDS + 1):
        name = f"c{number}"
        ready.append(await _ready(bare, name))
        replace += [await _replace(bare, name, f"{name}-{index}") for index in (1, 2)]
        await bare.delete(CLUSTERS.path(NAMESPACE, name))
        while (await bare.get(PODS.path(NAMESPACE)))["items"]:  # noqa: ASYNC110 - remote
            await asyncio.sleep(0.5)
    return Times(tuple(ready), tuple(replace))


async def _ready(bare: Bare, name: str) -> float:
    """From the request that creates a NatsCluster to the status that says Ready."""
    watching = asyncio.create_task(_until_ready(bare, name))
    started = time.monotonic()
    await write(bare, nats_cluster(NAMESPACE, name))
    return await watching - started


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
