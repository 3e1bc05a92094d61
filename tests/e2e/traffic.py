"""A client that asks without pause and another that answers, both connected all the time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import attrs
import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.e2e.background import background
from tests.e2e.clusters import Cluster
from tests.patience import patient

REPLY_TIMEOUT, PAUSE = 1.0, 0.01


@attrs.define
class Requests:
    """What was asked and answered. A question is asked again until it has its reply."""

    answered: set[int] = attrs.field(factory=set)
    replied: list[int] = attrs.field(factory=list)
    repeated: int = 0
    longest: float = 0.0
    errors: list[Exception] = attrs.field(factory=list)

    def check(self, longest: float) -> None:
        """Every question has its reply, in order, and none took longer than that: seconds."""
        assert self.replied == list(range(1, len(self.replied) + 1))
        assert set(self.replied) <= self.answered
        assert self.longest < patient(longest), self.errors

    async def answer(self, message: Msg) -> None:
        """Reply with what was asked."""
        self.answered.add(int(message.data))
        await message.respond(message.data)

    async def ask(self, client: Client, stop: threading.Event) -> None:
        """Ask one question after the other."""
        while not stop.is_set():
            began = time.monotonic()
            while not await self._ask(client, len(self.replied) + 1):
                self.repeated += 1
                await asyncio.sleep(PAUSE)
            self.longest = max(self.longest, time.monotonic() - began)
            await asyncio.sleep(PAUSE)

    async def _ask(self, client: Client, number: int) -> bool:
        try:
            reply = await client.request("ask", str(number).encode(), timeout=REPLY_TIMEOUT)
        except (nats.errors.Error, TimeoutError, OSError) as error:
            self.errors.append(error)
            return False
        assert int(reply.data) == number
        self.replied.append(number)
        return True

    async def run(self, url: str, stop: threading.Event) -> None:
        """Both clients, until `stop`."""
        async with self._connected(url) as asker, self._connected(url) as answerer:
            await answerer.subscribe("ask", cb=self.answer)
            await answerer.flush()
            await self.ask(asker, stop)

    @asynccontextmanager
    async def _connected(self, url: str) -> AsyncIterator[Client]:
        async def note(error: Exception) -> None:
            self.errors.append(error)

        client = await nats.connect(
            url, error_cb=note, max_reconnect_attempts=-1, reconnect_time_wait=0.1
        )
        try:
            yield client
        finally:
            await client.close()


@contextmanager
def asking(cluster: Cluster) -> Iterator[Requests]:
    """Requests through the cluster's Service while the context lasts, in a thread of their own."""
    address = cluster.kubectl.get("service", cluster.name)["spec"]["clusterIP"]
    requests = Requests()
    work = partial(requests.run, f"nats://{address}:4222")
    with background("asking", work, lambda: bool(requests.replied), requests.errors):
        yield requests
