"""What clusters with JetStream cost while nothing happens: natsctl looks at them once a minute."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from benchmarks.memory import settled_rss
from benchmarks.objects import create_clusters, until_ready
from benchmarks.process import operator
from benchmarks.responder import asked
from benchmarks.streams import STREAMS
from natsctl.kube.resources import CLUSTERS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bare import Bare

SETTLED = 120.0
"""Seconds after the last cluster is Ready; looks are more frequent for 40 s after a change."""
MINUTES = 3
AT_ONCE = 100
"""Clusters that are created before the next ones; volumes are made one after the other."""


async def jetstream(
    bare: Bare, kubeconfig: str, log: Path, namespace: str, count: int
) -> dict[str, Any]:
    """Figures for so many clusters of three, with ten streams of three replicas each."""
    gates = ("ClusterScoped", "JetStream")
    async with operator(kubeconfig, log, gates=gates) as measured:
        for first in range(1, count + 1, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, count + 1))
            await create_clusters(bare, namespace, numbers, jetstream={})
            await until_ready(bare, CLUSTERS, namespace, numbers.stop - 1)
        await asyncio.sleep(SETTLED)
        memory = await settled_rss(measured)
        requests, spent, pages = await _now(measured)
        await asyncio.sleep(60 * MINUTES)
        later = await _now(measured)
        return {
            "jetstream_clusters": count,
            "jetstream_streams": STREAMS * count,
            "jetstream_mb": memory,
            "jetstream_pages_per_minute": (later[2] - pages) / MINUTES,
            "jetstream_requests_per_minute": (later[0] - requests) / MINUTES,
            "jetstream_cpu_percent": 100 * (later[1] - spent) / (60 * MINUTES),
        }


async def _now(measured: Any) -> tuple[float, float, int]:
    """Requests to the API server, processor seconds, and pages of servers, so far."""
    requests = (await measured.metrics()).total("rest_client_requests_total")
    return requests, measured.cpu_seconds(), await asked()
