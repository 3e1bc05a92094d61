"""How cost grows with the number of clusters: a restart, memory, and a change of one of them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from benchmarks.beside import add_server
from benchmarks.fleet import CALM, create
from benchmarks.memory import settled_rss
from benchmarks.objects import SIZE
from benchmarks.process import operator
from benchmarks.responder import asked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from benchmarks.bare import Bare
    from benchmarks.process import Measured

CHANGES = 20
PAUSE = 10
"""Between two scrapes, times what the last one took: with 5,000 clusters one costs the process much
of a second, and that is not what is measured. Prometheus pauses longer."""
PAGES, TICK = 2, 0.1
"""Pages that each server is asked for; and seconds between two looks at how many were, by which the
operator is not disturbed."""


async def growth(
    bare: Bare, kubeconfig: str, log: Path, namespace: str, counts: Sequence[int]
) -> AsyncIterator[dict[str, Any]]:
    """Figures for each number of clusters, the smallest first."""
    there = 0
    for count in counts:
        async with operator(kubeconfig, log) as first:
            await create(bare, first, namespace, range(there + 1, count + 1))
        servers = SIZE * count + CHANGES * counts.index(count)
        pages, began = await asked(), time.monotonic()
        async with operator(kubeconfig, log) as again:
            await _asked_for(again, pages + PAGES * servers)
            await _looked_at(again, servers)
            seconds, spent = time.monotonic() - began, again.cpu_seconds()
            memory = await settled_rss(again)
            cost = await _cost_of_a_change(bare, again, namespace, there)
        yield {
            f"looked_at_{count}_s": seconds,
            f"start_{count}_cpu_ms": 1000 * spent / count,
            f"restarted_{count}_mb": memory,
            f"change_{count}_cpu_ms": 1000 * cost,
        }
        there = count


async def _asked_for(measured: Measured, pages: int) -> None:
    """Wait until servers were asked for so many pages in all: then nearly all of them answered."""
    while await asked() < pages:
        measured.cpu_seconds()  # an OSError if it ended
        await asyncio.sleep(TICK)


async def _looked_at(measured: Measured, servers: int) -> None:
    """Wait until the operator has heard of every server that it is well."""
    while True:
        began = time.monotonic()
        if (await measured.metrics()).total("natsctl_cluster_servers_ready") >= servers:
            return
        await asyncio.sleep(PAUSE * (time.monotonic() - began))


async def _cost_of_a_change(bare: Bare, measured: Measured, namespace: str, there: int) -> float:
    """Processor seconds of the operator for one more server, all that follows included."""
    before = measured.cpu_seconds()
    for number in range(there + 1, there + CHANGES + 1):
        await add_server(bare, namespace, f"c{number}")
    await asyncio.sleep(CALM)
    return (measured.cpu_seconds() - before) / CHANGES
