"""Many clusters: what it costs to create them, and to keep them."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import attrs

from benchmarks import cpu
from benchmarks.objects import create_clusters, until_ready
from natsctl.kube.resources import CLUSTERS, LEASES

if TYPE_CHECKING:
    from benchmarks.bare import Bare
    from benchmarks.process import Measured, Metrics

CALM = 5.0
"""Seconds after the last change before a fleet counts as converged."""


@attrs.frozen
class Created:
    """Cost of creating clusters. `writes` are per cluster, by kind and verb, events apart.

    Processor seconds: `cpu_seconds` of natsctl, `processor` of it, the testbed and the user.
    """

    seconds: float
    cpu_seconds: float
    processor: float
    writes: dict[str, float]
    events: float

    @property
    def writes_per_cluster(self) -> float:
        """All writes but events."""
        return sum(self.writes.values())


async def create(bare: Bare, operator: Measured, namespace: str, numbers: range) -> Created:
    """Create clusters; seconds run from the first creation until all are Ready in status."""
    before, own = await operator.metrics(), operator.cpu_seconds()
    spent = cpu.of_all([os.getpid(), operator.pid])
    there = numbers.start - 1
    ready = asyncio.create_task(until_ready(bare, CLUSTERS, namespace, there + len(numbers)))
    started = time.monotonic()
    await create_clusters(bare, namespace, numbers)
    await ready
    seconds, own = time.monotonic() - started, operator.cpu_seconds() - own
    spent = cpu.of_all([os.getpid(), operator.pid]) - spent
    await asyncio.sleep(CALM)
    writes = _writes(before, await operator.metrics(), len(numbers))
    events = sum(writes.pop(key) for key in list(writes) if key.startswith("Event "))
    return Created(seconds, own, spent, writes, events)


def _writes(before: Metrics, after: Metrics, count: int) -> dict[str, float]:
    old = before.by("natsctl_writes_total", "kind", "verb")
    new = after.by("natsctl_writes_total", "kind", "verb")
    grown = {" ".join(key): (value - old.get(key, 0.0)) / count for key, value in new.items()}
    return {key: value for key, value in grown.items() if value}


@attrs.frozen
class Converged:
    """What a fleet costs while nothing happens, over `seconds`."""

    seconds: float
    requests: float
    renewals: int
    cpu_seconds: float


async def converged(bare: Bare, operator: Measured, seconds: float) -> Converged:
    """Count the operator's requests besides watches, the lease's renewals apart."""
    renewals = asyncio.create_task(_renewals(bare, seconds))
    before, own = await operator.metrics(), operator.cpu_seconds()
    await asyncio.sleep(seconds)
    after = await operator.metrics()
    name = "rest_client_requests_total"
    requests = after.total(name) - before.total(name)
    return Converged(seconds, requests, await renewals, operator.cpu_seconds() - own)


async def _renewals(bare: Bare, seconds: float) -> int:
    """How often the lease was written: each time its resourceVersion changed."""
    versions = set()
    try:
        async with asyncio.timeout(seconds):
            async for event in bare.watch(LEASES.path("default")):
                if event["object"]["metadata"]["name"] == "nats-operator":
                    versions.add(event["object"]["metadata"]["resourceVersion"])
    except TimeoutError:
        pass
    return len(versions) - 1
