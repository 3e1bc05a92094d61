"""What a client that stays connected notices of an upgrade."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.e2e.clusters import NEW, NEXT, Cluster

Apply = Callable[..., Cluster]
pytestmark = pytest.mark.usefixtures("reaches_pods")


@attrs.define
class Requests:
    """A client that asks all the time, and another that answers; both count."""

    answered: set[int] = attrs.field(factory=set)
    replied: list[int] = attrs.field(factory=list)
    longest: float = 0.0

    async def answer(self, message: Msg) -> None:
        """Reply with what was asked."""
        self.answered.add(int(message.data))
        await message.respond(message.data)

    async def ask(self, client: Client, stop: asyncio.Event) -> None:
        """Ask one question after the other, each until it has its reply."""
        number = 0
        while not stop.is_set():
            number += 1
            began = time.monotonic()
            while not await self._ask(client, number):  # noqa: ASYNC110 - each is a question
                await asyncio.sleep(0.1)
            self.longest = max(self.longest, time.monotonic() - began)
            await asyncio.sleep(0.01)

    async def _ask(self, client: Client, number: int) -> bool:
        try:
            reply = await client.request("ask", str(number).encode(), timeout=1)
        except (nats.errors.Error, TimeoutError, OSError):
            return False
        assert int(reply.data) == number
        self.replied.append(number)
        return True


@asynccontextmanager
async def connected(servers: list[str], errors: list[Exception]) -> AsyncIterator[Client]:
    """A client that reconnects for ever; what it is told of errors goes into `errors`."""

    async def note(error: Exception) -> None:
        errors.append(error)

    client = await nats.connect(
        servers, error_cb=note, max_reconnect_attempts=-1, reconnect_time_wait=0.1
    )
    try:
        yield client
    finally:
        await client.close()


async def test_an_upgrade_loses_no_acknowledged_request(cluster: Apply) -> None:
    """Every question gets its reply while all three servers are replaced, one by one."""
    found = cluster("a", size=3, version=NEW, lameDuckDurationSeconds=30).ready()
    before = found.uids()
    service = found.kubectl.json("get", "service", "a")["spec"]["clusterIP"]
    errors: list[Exception] = []
    requests, stop = Requests(), asyncio.Event()
    url = [f"nats://{service}:4222"]
    async with connected(url, errors) as asker, connected(url, errors) as answerer:
        await answerer.subscribe("ask", cb=requests.answer)
        await answerer.flush()
        async with asyncio.TaskGroup() as group:
            group.create_task(requests.ask(asker, stop))
            found.patch(version=NEXT)
            await asyncio.to_thread(found.ready, 280)
            stop.set()
    found.meshed(3, NEXT)
    assert not set(before.items()) & set(found.uids().items())
    assert requests.replied == list(range(1, len(requests.replied) + 1))
    assert len(requests.replied) > 100
    assert set(requests.replied) <= requests.answered
    assert requests.longest < 10
