"""What a start beside clusters at rest costs the processor, without a network and without root.

The whole operator runs in this process, beside an API server in memory whose answers cost little;
servers answer at once. So what is measured is what natsctl computes, and reading what the API
server has. Run it in two trees in turns to compare them: one run differs from the next by a tenth.

Run: python -m benchmarks.starts [CLUSTERS] [STARTS]
"""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import patch

import attrs

from benchmarks.objects import SIZE, is_ready, nats_cluster
from benchmarks.responder import Roster
from natsctl.cli.run.operator import GARBAGE
from natsctl.controllers import supervisor
from natsctl.controllers.fleet import Fleet
from natsctl.controllers.runtime import metrics
from natsctl.controllers.settings import Settings
from natsctl.nats.monitoring import Monitor, Place
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clock import stamp
from tests.unit.simulated.process import Line, Process, installed, virtual_clock
from tests.unit.simulated.requests import Fate

if TYPE_CHECKING:
    from tests.unit.simulated.process import Patches
    from tests.unit.simulated.watches import Change

T = TypeVar("T")
FIRST = ipaddress.IPv4Address("10.245.0.1")
SETTINGS = Settings(namespace="ns", cluster_scoped=True)
AT_ONCE = Fate(there=0, back=0)
KIND = "NatsCluster"
PAUSE = 0.05


@attrs.define
class World:
    """An API server whose pods run at once, and the servers in them."""

    api: ApiServer = attrs.field(factory=installed)
    roster: Roster = attrs.field(factory=Roster)
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)

    def beside(self, api: ApiServer) -> ApiServer:
        """Have the pods of an API server run."""
        api.plan, api.pods_run = (lambda _: AT_ONCE), self._running
        api.listeners.append(self._hear)
        return api

    def _running(self, _: object) -> dict[str, Any]:
        container = {"ready": True, "restartCount": 0, "state": {"running": {"startedAt": stamp()}}}
        return {
            "phase": "Running",
            "podIP": str(FIRST + next(self._numbers)),
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": name, **container} for name in ("nats", "reloader")],
        }

    def _hear(self, change: Change) -> None:
        if change.where[0] == "Pod":
            gone = change.after is None
            self.roster.learn(
                "DELETED" if gone else "MODIFIED", change.after or change.before or {}
            )


@attrs.frozen
class Asking(Monitor):
    """Has each page at once."""

    roster: Roster = attrs.field(factory=Roster)

    async def _get(
        self,
        place: Place,
        path: str,
        tls: object,
        read: Callable[[bytes], T],
        most: int,
        line: object,
    ) -> T:
        await asyncio.sleep(0)
        return read(json.dumps(self.roster.answer(place.address, path)).encode())


@attrs.frozen
class Start:
    """Milliseconds of the processor for each cluster, and passes."""

    milliseconds: float
    passes: float


async def started(world: World, api: ApiServer, count: int) -> Start:
    """Start an operator, wait until it has heard from all servers, and stop it."""

    def servers(_: object) -> Patches:
        yield patch.object(supervisor, "Monitor", partial(Asking, roster=world.roster))

    fleet = Fleet()
    nobody: Any = None
    process = Process(Line(api), nobody, settings=SETTINGS, servers=servers)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    passes, began = _passes(), time.process_time()
    with patch.object(supervisor, "Fleet", lambda **_: fleet):
        process.start()
        while _ready(fleet) < SIZE * count or not all(map(is_ready, api.of_kind(KIND))):  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(PAUSE)
    spent = time.process_time() - began
    start = Start(1000 * spent / count, (_passes() - passes) / count)
    await process.stop()
    return start


def _ready(fleet: Fleet) -> int:
    shown = (actor.reconciler.actor_metrics.cluster for actor in fleet.actors.values())
    return sum(server.ready for cluster in shown if cluster for server in cluster.servers)


def _passes() -> float:
    samples = (sample for metric in metrics.RECONCILES.collect() for sample in metric.samples)
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))


async def main(count: int, starts: int) -> None:
    """Print what each start costs."""
    world = World()
    api = world.beside(world.api)
    for number in range(count):
        api.add(nats_cluster("starts", f"c{number}"))
    await started(world, api, count)
    measured = []
    for _ in range(starts):
        measured.append(await started(world, world.beside(api.copy()), count))
        print(
            f"{measured[-1].milliseconds:.2f} ms, {measured[-1].passes:.2f} passes for each cluster"
        )
    print(f"median {statistics.median(start.milliseconds for start in measured):.2f} ms")


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    with virtual_clock():
        asyncio.run(main(*given, *(100, 5)[len(given) :]))
