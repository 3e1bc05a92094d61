"""The floor: the same objects, written by a client that does nothing else."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import attrs

from benchmarks import cpu
from benchmarks.objects import SIZE, Objects, create_clusters, objects_of, until_ready, write
from natsctl.kube.resources import PODS

if TYPE_CHECKING:
    from benchmarks.bare import Bare


@attrs.frozen
class Floor:
    """Seconds until all pods are Ready: from the first NatsCluster on, and from the last one on.

    The NatsClusters are what the user writes, and owners have to exist: they belong to both
    sides of the comparison. `strict` leaves them out.
    """

    seconds: float
    strict: float
    processor: float
    """Processor seconds of the whole testbed and the client."""


async def floor(bare: Bare, namespace: str, count: int) -> Floor:
    """Create so many NatsClusters, and all that they need."""
    ready = asyncio.create_task(until_ready(bare, PODS, namespace, count * SIZE))
    started, spent = time.monotonic(), cpu.of_all([os.getpid()])
    clusters = await create_clusters(bare, namespace, range(1, count + 1))
    owned = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for cluster in clusters:
            group.create_task(_write(bare, objects_of(cluster)))
    await ready
    ended = time.monotonic()
    spent = cpu.of_all([os.getpid()]) - spent
    return Floor(ended - started, ended - owned, spent)


async def _write(bare: Bare, objects: Objects) -> None:
    """In the operator's order: a pod is of no use before what it mounts."""
    for stage in (objects.owned, objects.pods):
        await asyncio.gather(*(write(bare, manifest) for manifest in stage))
