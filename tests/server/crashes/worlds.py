"""Where the steps of a story are told: with simulated servers, or with real ones and deaths."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import attrs
import looptime

from tests.server.crashes.addresses import free_network
from tests.server.crashes.clients import SOME, Clients
from tests.server.crashes.deaths import Deaths, Operator
from tests.server.crashes.kubelet import Kubelet
from tests.server.crashes.stories import End, Step
from tests.unit.simulated.clock import go_back_to
from tests.unit.simulated.crashes import CLUSTER, at_rest, one_by_one, running
from tests.unit.simulated.process import installed, virtual_clock, writes
from tests.unit.simulated.requests import Request

LONGEST, QUIET, REST = 300.0, 2.5, 10.0
"""Seconds until a step has to come to its end, in which nothing is written once it has, and in
which nothing may be written after the last one."""


def usual_ends(steps: Iterable[Step]) -> list[End]:
    """What comes of steps where nobody dies, servers are simulated and time is virtual."""
    loop = looptime.new_event_loop(noop_cycles=1)
    with virtual_clock(), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(_usual(steps))


async def _usual(steps: Iterable[Step]) -> list[End]:
    api, ends = installed(), []
    async with running(api) as process:
        for step in steps:
            api.deletions.clear()
            step.act(api)
            await at_rest(api, process, step.is_done)
            ends.append(End.of(api))
    return ends


@attrs.define
class World:
    """An API server in memory, real servers, an operator that dies, and clients."""

    kubelet: Kubelet
    operator: Operator
    living: asyncio.Task[None]
    clients: Clients
    longest: float = LONGEST
    publishers: list[asyncio.Task[None]] = attrs.field(factory=list)

    async def tell(self, step: Step) -> End:
        """From what the user does to its end."""
        api = self.kubelet.api
        for name in step.deleted:
            await self._delete(name)
        for name, replicas in step.streams.items():
            await self.clients.create(name, replicas)
            self.publishers.append(asyncio.create_task(self.clients.publish(name), name=name))
        self.kubelet.observe_from_now()
        api.deletions.clear()
        step.act(api)
        await self.at_rest(step)
        return End.of(api)

    async def _delete(self, stream: str) -> None:
        """The user needs it no longer; until then, all of it is there."""
        await self._some(stream)
        for task in (it for it in self.publishers if it.get_name() == stream):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self.clients.delete(stream)

    async def everything_is_there(self) -> None:
        """Each acknowledged message can be read; and there are some of each stream."""
        for stream in dict(self.clients.acknowledged):
            await self._some(stream)
            await self.clients.has_all(stream)

    async def _some(self, stream: str) -> None:
        """Wait until a stream has enough messages to tell anything."""
        async with asyncio.timeout(self.longest):
            while self.clients.acknowledged[stream] < SOME:  # noqa: ASYNC110 - over there
                await asyncio.sleep(0.2)

    async def late(self) -> list[Request]:
        """What is written when everything is done."""
        done = len(writes(self.kubelet.api))
        await asyncio.sleep(REST)
        return writes(self.kubelet.api)[done:]

    async def at_rest(self, step: Step) -> None:
        """Wait until somebody leads, all is done, and nothing was written for a while."""
        try:
            async with asyncio.timeout(self.longest):
                await self._quiet(step)
        except TimeoutError:
            told = (self.kubelet.api.objects.get(CLUSTER) or {}).get("status")
            raise AssertionError((step.name, self.operator.deaths.died, told)) from None

    async def _quiet(self, step: Step) -> None:
        api = self.kubelet.api
        known, since = -1, time.monotonic()
        while time.monotonic() - since < QUIET:
            await asyncio.sleep(0.2)
            if self.living.done():
                await self.living
            assert not self.kubelet.accidents, self.kubelet.accidents
            quiet = known == len(writes(api)) and self.operator.process.leads()
            if not quiet or not step.is_done(api):
                known, since = len(writes(api)), time.monotonic()


@asynccontextmanager
async def world(
    folder: Path,
    deaths: Deaths,
    kubelets: Callable[..., Kubelet] = Kubelet,
    longest: float = LONGEST,
) -> AsyncIterator[World]:
    """All of it, until the end of the context."""
    random.seed(1)
    go_back_to(datetime.now(UTC))
    api = installed()
    api.plan = one_by_one()
    with free_network() as network, network.routed():
        kubelet = kubelets(api, network=network, folder=folder)
        operator = Operator(kubelet, deaths)
        clients = Clients(lambda: [network.reached(it) for it in kubelet.processes])
        living = asyncio.create_task(operator.live())
        made = World(kubelet, operator, living, clients, longest)
        try:
            yield made
        finally:
            for task in (*made.publishers, living):
                task.cancel()
            await asyncio.gather(*made.publishers, living, return_exceptions=True)
            await kubelet.end()
