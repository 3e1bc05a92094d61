"""The two halves of the benchmarks, each to be run inside its testbed's network.

python -m benchmarks.inside fleet|kubelet RESULT.json [CLUSTERS MANY FOREIGN ROUNDS]
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from benchmarks import kubelet
from benchmarks.bare import Bare, connect
from benchmarks.fleet import Created, converged, create
from benchmarks.floor import Floor, floor
from benchmarks.memory import create_foreign, settled_rss
from benchmarks.objects import create_namespace, install_crds, remove_all
from benchmarks.process import Measured, operator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CALM_SECONDS = 60.0
Figures = dict[str, Any]


@attrs.frozen
class Scale:
    """How many clusters at first, how many in the end, how many foreign objects, and how
    often floor and natsctl take turns."""

    clusters: int = 100
    many: int = 1000
    foreign: int = 10_000
    rounds: int = 3


def say(text: str) -> None:
    """Progress, apart from the figures."""
    print(f"bench {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


@asynccontextmanager
async def _responder(log: Path) -> AsyncIterator[None]:
    with log.open("w") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.responder", stdout=output, stderr=output
        )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def on_fake_nodes(kubeconfig: str, folder: Path, scale: Scale) -> Figures:
    """(a), (b) and (c): floor and natsctl take turns; the last of its turns goes on."""
    async with connect(kubeconfig) as bare, _responder(folder / "responder.log"):
        await install_crds(bare)
        for name in ("floor", "fleet"):
            await create_namespace(bare, name)
        floors, fleets, figures = [], [], attrs.asdict(scale)
        for turn in range(1, scale.rounds + 1):
            floors.append(await _floor(bare, scale))
            async with operator(kubeconfig, folder / "operator.log") as measured:
                figures["rss_idle_mb"] = await settled_rss(measured)
                fleets.append(await _fleet(bare, measured, scale))
                if turn == scale.rounds:
                    figures |= await _measure(bare, measured, scale)
            await remove_all(bare, "fleet")
    return figures | _creation(fleets[-1]) | _comparison(floors, fleets)


async def _floor(bare: Bare, scale: Scale) -> Floor:
    say(f"the floor: the objects of {scale.clusters} clusters, written by a bare client")
    found = await floor(bare, "floor", scale.clusters)
    await remove_all(bare, "floor")
    say(f"took {found.seconds:.1f} s")
    return found


async def _fleet(bare: Bare, measured: Measured, scale: Scale) -> Created:
    say(f"{scale.clusters} clusters by natsctl")
    found = await create(bare, measured, "fleet", range(1, scale.clusters + 1))
    say(f"took {found.seconds:.1f} s")
    return found


def _comparison(floors: list[Floor], fleets: list[Created]) -> Figures:
    ratios = [n.seconds / f.seconds for f, n in zip(floors, fleets, strict=True)]
    floor_s = statistics.median(f.seconds for f in floors)
    fleet_s = statistics.median(n.seconds for n in fleets)
    return {
        "floor_s": floor_s,
        "fleet_s": fleet_s,
        "floor_ratio": fleet_s / floor_s,
        "floor_ratio_best": min(ratios),
        "floor_ratio_worst": max(ratios),
        "floor_ratio_strict": fleet_s / statistics.median(f.strict for f in floors),
        "cpu_ratio": statistics.median(n.processor for n in fleets)
        / statistics.median(f.processor for f in floors),
        "fleet_cpu_s": statistics.median(n.cpu_seconds for n in fleets),
    }


async def _measure(bare: Bare, measured: Measured, scale: Scale) -> Figures:
    figures: Figures = {"rss_100_mb": await settled_rss(measured)}
    say(f"{CALM_SECONDS:.0f} s in which nothing happens")
    calm = await converged(bare, measured, CALM_SECONDS)
    figures |= {"converged_requests": calm.requests, "lease_renewals": calm.renewals}
    figures |= {"converged_cpu_s": calm.cpu_seconds}
    say(f"{scale.many} clusters")
    more = await create(bare, measured, "fleet", range(scale.clusters + 1, scale.many + 1))
    figures |= {"fleet_1000_s": more.seconds, "rss_1000_mb": await settled_rss(measured)}
    say(f"{scale.foreign} pods and {scale.foreign} Secrets of others")
    await create_foreign(bare, scale.foreign)
    foreign = await settled_rss(measured)
    figures |= {"rss_foreign_mb": foreign, "rss_peak_mb": measured.peak_mb()}
    return figures | {"rss_foreign_growth_mb": foreign - figures["rss_1000_mb"]}


def _creation(created: Created) -> Figures:
    status = sum(v for k, v in created.writes.items() if k.startswith("NatsCluster "))
    return {
        "writes_per_cluster": created.writes_per_cluster,
        "status_writes_per_cluster": status,
        "object_writes_per_cluster": created.writes_per_cluster - status,
        "events_per_cluster": created.events,
        "writes_by_kind": created.writes,
    }


async def on_a_kubelet(kubeconfig: str, folder: Path) -> Figures:
    """(d)."""
    async with connect(kubeconfig) as bare:
        await install_crds(bare)
        async with operator(kubeconfig, folder / "operator.log") as measured:
            say(f"{kubelet.ROUNDS} clusters on a real kubelet, one after the other")
            found = await kubelet.times(bare)
    return {
        "start_s": measured.started,
        "ready3_s": statistics.median(found.ready3),
        "ready3_max_s": max(found.ready3),
        "replace_s": statistics.median(found.replace),
        "replace_max_s": max(found.replace),
    }


def main() -> None:
    """Measure one half; its figures go to the file named."""
    half, result, *numbers = sys.argv[1:]
    kubeconfig, folder = os.environ["KUBECONFIG"], Path(result).parent
    if half == "fleet":
        figures = asyncio.run(on_fake_nodes(kubeconfig, folder, Scale(*map(int, numbers))))
    else:
        figures = asyncio.run(on_a_kubelet(kubeconfig, folder))
    Path(result).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
