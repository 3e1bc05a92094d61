"""The parts of the benchmarks, each to be run inside its testbed's network.

python -m benchmarks.inside fleet RESULT.json [CLUSTERS MANY FOREIGN ROUNDS]
python -m benchmarks.inside kubelet RESULT.json
python -m benchmarks.inside growth RESULT.json CLUSTERS...
python -m benchmarks.inside jetstream RESULT.json CLUSTERS
"""

from __future__ import annotations

import asyncio
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
from benchmarks.beside import CLUSTERS_BESIDE, beside_slow
from benchmarks.fleet import Created, converged, create
from benchmarks.floor import Floor, floor
from benchmarks.growth import growth
from benchmarks.jetstream import jetstream
from benchmarks.memory import create_foreign, settled_rss
from benchmarks.notebook import Notebook
from benchmarks.objects import create_namespace, install_crds, remove_all
from benchmarks.process import Measured, operator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

CALM_SECONDS = 60.0
ClusterMetrics = dict[str, Any]


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


async def on_fake_nodes(kubeconfig: str, notebook: Notebook, scale: Scale) -> None:
    """(a), (b) and (c): floor and natsctl take turns; the last of its turns goes on."""
    folder = notebook.file.parent
    notebook.note(**attrs.asdict(scale))
    async with connect(kubeconfig) as bare, _responder(folder / "responder.log"):
        await install_crds(bare)
        for name in ("floor", "fleet"):
            await create_namespace(bare, name)
        floors, fleets = [], []
        for turn in range(1, scale.rounds + 1):
            floors.append(await _floor(bare, scale))
            async with operator(kubeconfig, folder / "operator.log") as measured:
                notebook.note(rss_idle_mb=await settled_rss(measured))
                fleets.append(await _fleet(bare, measured, scale))
                notebook.note(**_creation(fleets[-1]), **_comparison(floors, fleets))
                if turn == scale.rounds:
                    await _measure(bare, measured, scale, notebook)
            await remove_all(bare, "fleet")


async def _floor(bare: Bare, scale: Scale) -> Floor:
    say(f"the floor: the objects of {scale.clusters} clusters, written by a bare client")
    cost = await floor(bare, "floor", scale.clusters)
    await remove_all(bare, "floor")
    say(f"took {cost.seconds:.1f} s")
    return cost


async def _fleet(bare: Bare, measured: Measured, scale: Scale) -> Created:
    say(f"{scale.clusters} clusters by natsctl")
    cost = await create(bare, measured, "fleet", range(1, scale.clusters + 1))
    say(f"took {cost.seconds:.1f} s")
    return cost


def _comparison(floors: list[Floor], fleets: list[Created]) -> ClusterMetrics:
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


async def _measure(bare: Bare, measured: Measured, scale: Scale, notebook: Notebook) -> None:
    notebook.note(rss_100_mb=await settled_rss(measured))
    say(f"{CALM_SECONDS:.0f} s in which nothing happens")
    calm = await converged(bare, measured, CALM_SECONDS)
    notebook.note(
        converged_requests=calm.requests,
        lease_renewals=calm.renewals,
        converged_cpu_s=calm.cpu_seconds,
    )
    say(f"{scale.many} clusters")
    more = await create(bare, measured, "fleet", range(scale.clusters + 1, scale.many + 1))
    notebook.note(fleet_1000_s=more.seconds)
    alone = await settled_rss(measured)
    notebook.note(rss_1000_mb=alone)
    say(f"{scale.foreign} pods and {scale.foreign} Secrets of others")
    await create_foreign(bare, scale.foreign)
    foreign = await settled_rss(measured)
    notebook.note(rss_foreign_mb=foreign, rss_foreign_growth_mb=foreign - alone)
    notebook.note(rss_peak_mb=measured.peak_mb())
    say(f"{CLUSTERS_BESIDE} clusters whose servers do not answer, and changes of others")
    notebook.note(change_beside_slow_s=await beside_slow(bare, "fleet"))


def _creation(created: Created) -> ClusterMetrics:
    status = sum(v for k, v in created.writes.items() if k.startswith("NatsCluster "))
    return {
        "writes_per_cluster": created.writes_per_cluster,
        "status_writes_per_cluster": status,
        "object_writes_per_cluster": created.writes_per_cluster - status,
        "events_per_cluster": created.events,
        "writes_by_kind": created.writes,
    }


async def growing(kubeconfig: str, notebook: Notebook, counts: Sequence[int]) -> None:
    """(e), on fake nodes."""
    folder = notebook.file.parent
    async with connect(kubeconfig) as bare, _responder(folder / "responder.log"):
        await install_crds(bare)
        await create_namespace(bare, "growth")
        say(f"{', '.join(map(str, counts))} clusters")
        log = folder / "operator.log"
        async for figures in growth(bare, kubeconfig, log, "growth", counts):
            notebook.note(**figures)
            say(", ".join(f"{key}={value:.4g}" for key, value in figures.items()))


async def streaming(kubeconfig: str, notebook: Notebook, count: int) -> None:
    """(f), on fake nodes."""
    folder = notebook.file.parent
    async with connect(kubeconfig) as bare, _responder(folder / "responder.log"):
        await install_crds(bare)
        await create_namespace(bare, "streams")
        say(f"{count} clusters with JetStream")
        log = folder / "operator.log"
        notebook.note(**await jetstream(bare, kubeconfig, log, "streams", count))


async def on_a_kubelet(kubeconfig: str, notebook: Notebook) -> None:
    """(d)."""
    async with connect(kubeconfig) as bare:
        await install_crds(bare)
        async with operator(kubeconfig, notebook.file.parent / "operator.log") as measured:
            notebook.note(start_s=measured.started)
            say(f"{kubelet.ROUNDS} clusters on a real kubelet, one after the other")
            times = await kubelet.times(bare)
    notebook.note(
        ready3_s=statistics.median(times.ready3),
        ready3_max_s=max(times.ready3),
        **times.timeline(),
        replace_s=statistics.median(times.replace),
        replace_max_s=max(times.replace),
    )


def main() -> None:
    """Measure one part; each figure goes to the file named once it is known."""
    part, result, *rest = sys.argv[1:]
    kubeconfig, notebook = os.environ["KUBECONFIG"], Notebook(Path(result))
    numbers = list(map(int, rest))
    match part:
        case "fleet":
            asyncio.run(on_fake_nodes(kubeconfig, notebook, Scale(*numbers)))
        case "growth":
            asyncio.run(growing(kubeconfig, notebook, numbers))
        case "jetstream":
            asyncio.run(streaming(kubeconfig, notebook, *numbers))
        case _:
            asyncio.run(on_a_kubelet(kubeconfig, notebook))


if __name__ == "__main__":
    main()
