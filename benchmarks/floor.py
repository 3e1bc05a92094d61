"""The floor: the same objects, written by a client that does nothing else."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from benchmarks.objects import SIZE, Objects, create_clusters, objects_of, until_ready, write
from natsctl.kube.resources import PODS

if TYPE_CHECKING:
    from benchmarks.bare import Bare


async def floor(bare: Bare, namespace: str, count: int) -> float:
    """Seconds from the first NatsCluster's creation until the pods of all are Ready.

    The NatsClusters are part of it: they are what the user writes, and owners have to exist.
    """
    ready = asyncio.create_task(until_ready(bare, PODS, namespace, count * SIZE))
    started = time.monotonic()
    clusters = await create_clusters(bare, namespace, range(1, count + 1))
    async with asyncio.TaskGroup() as group:
        for cluster in clusters:
            group.create_task(_write(bare, objects_of(cluster)))
    await ready
    return time.monotonic() - started


async def _write(bare: Bare, objects: Objects) -> None:
    """In the operator's order: a pod is of no use before what it mounts."""
    for stage in (objects.standing, objects.pods):
        await asyncio.gather(*(write(bare, manifest) for manifest in stage))
