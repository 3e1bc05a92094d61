"""A change of one cluster beside many whose servers never answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from benchmarks.bare import Refused
from benchmarks.objects import SIZE, create_clusters, create_namespace
from benchmarks.responder import SLOW
from natsctl.kube.resources import CLUSTERS, PODS

if TYPE_CHECKING:
    from benchmarks.bare import Bare

CLUSTERS_BESIDE, CHANGES = 200, 10
PAUSE = 3.0
"""Seconds between changes, so that they meet the others in whatever these do."""


async def beside_slow(bare: Bare, namespace: str) -> float:
    """Seconds from a larger size to the pod, the slowest of some clusters."""
    await create_namespace(bare, SLOW)
    await create_clusters(bare, SLOW, range(1, CLUSTERS_BESIDE + 1))
    while await _pods(bare) < SIZE * CLUSTERS_BESIDE:  # noqa: ASYNC110 - remote
        await asyncio.sleep(1)
    found = []
    for number in range(1, CHANGES + 1):
        await asyncio.sleep(PAUSE)
        found.append(await add_server(bare, namespace, f"c{number}"))
    return max(found)


async def _pods(bare: Bare) -> int:
    return len((await bare.get(PODS.path(SLOW)))["items"])


async def add_server(bare: Bare, namespace: str, name: str) -> float:
    """Seconds from a larger size in a spec to the pod."""
    path = CLUSTERS.path(namespace, name)
    cluster = await bare.get(path)
    cluster["spec"]["size"] = SIZE + 1
    started = time.monotonic()
    await bare.replace(path, cluster)
    pod = PODS.path(namespace, f"{name}-{SIZE + 1}")
    while not await _exists(bare, pod):  # noqa: ASYNC110 - remote
        await asyncio.sleep(0.01)
    return time.monotonic() - started


async def _exists(bare: Bare, path: str) -> bool:
    try:
        await bare.get(path)
    except Refused as error:
        if error.status != 404:
            raise
        return False
    return True
