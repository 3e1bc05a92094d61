"""Publishers that wait until a stream has acknowledged each message, and what it holds in the end.

A message without an acknowledgement is sent again under its id, as an application would do: the
stream stores it once.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import attrs
import nats
import nats.errors
import nats.js.errors
from nats.js.api import StreamConfig
from nats.js.client import JetStreamContext

from demo.tally import Silence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence


T = TypeVar("T")
ACKNOWLEDGED_WITHIN = 2.0
PERIOD, RETRY_PAUSE = 0.01, 0.1
LAST_WORDS = 30.0
"""Seconds that the last messages, and the count of all, may take when everything else is over."""
_FAILURES = (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError)


@attrs.define
class Stream:
    """A stream and its publisher; `stored` is what the servers count in the end.

    A `bucket` is the stream of a key-value store, which takes each message under a key of its own.
    """

    name: str
    replicas: int
    bucket: bool = False
    acknowledged: int = 0
    retried: int = 0
    stored: int | None = None
    silence: Silence = attrs.field(factory=Silence)

    def subject(self, number: int) -> str:
        """That of a message."""
        if self.bucket:
            return f"$KV.{self.name.removeprefix('KV_')}.{number}"
        return f"demo.stream.{self.name.lower()}"

    @property
    def lost(self) -> int:
        """Messages that were acknowledged and are not there."""
        return max(0, self.acknowledged - (self.stored or 0))

    def took(self, tries: int, now: float) -> None:
        """A message was acknowledged after so many tries."""
        self.acknowledged += 1
        self.retried += tries > 1
        self.silence.arrival(now)


def streams() -> tuple[Stream, ...]:
    """One whose only copy is on one server, and one, and a bucket, with copies on three."""
    return Stream("ONE", 1), Stream("THREE", 3), Stream("KV_STATE", 3, bucket=True)


@attrs.define
class Publishers:
    """One for each stream, at work until `stop`."""

    context: JetStreamContext
    streams: tuple[Stream, ...] = attrs.field(factory=streams)
    _stop: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def create(self) -> None:
        """Create the streams."""
        for it in self.streams:
            await insist(partial(self._create, it))

    async def _create(self, it: Stream) -> None:
        if it.bucket:
            bucket = it.name.removeprefix("KV_")
            await self.context.create_key_value(bucket=bucket, replicas=it.replicas)
        else:
            config = StreamConfig(name=it.name, subjects=[it.subject(0)], num_replicas=it.replicas)
            await self.context.add_stream(config)

    async def publish(self, stream: Stream) -> None:
        """One message after the other, each until it is acknowledged."""
        while not self._stop.is_set():
            headers = {"Nats-Msg-Id": str(stream.acknowledged)}
            subject = stream.subject(stream.acknowledged)
            send = partial(self.context.publish, subject, b"order", headers=headers)
            tries, _ = await insist(send)
            stream.took(tries, time.monotonic())
            await asyncio.sleep(PERIOD)

    async def count(self) -> None:
        """Ask the servers what the streams hold."""
        for stream in self.streams:
            _, info = await insist(partial(self.context.stream_info, stream.name))
            stream.stored = info.state.messages

    async def leader(self, name: str) -> str:
        """The name of the server that leads a stream; empty while none does."""
        _, info = await insist(partial(self.context.stream_info, name))
        return (info.cluster.leader if info.cluster else None) or ""

    def stop(self) -> None:
        """Send nothing new; what is under way gets its time."""
        self._stop.set()


async def insist(request: Callable[[], Awaitable[T]]) -> tuple[int, T]:
    """Try until it works; the number of tries, and the answer."""
    tries = 1
    while True:
        try:
            return tries, await request()
        except _FAILURES:
            tries += 1
            await asyncio.sleep(RETRY_PAUSE)


@asynccontextmanager
async def publishing(hosts: Sequence[str]) -> AsyncIterator[Publishers]:
    """Publishers for as long as the context lasts; then the streams are counted."""

    async def silent(_: Exception) -> None:
        """Each lost connection shows in the figures; a traceback would add nothing."""

    client = await nats.connect(
        [f"nats://{host}:4222" for host in hosts],
        name="publishers",
        connect_timeout=2,
        reconnect_time_wait=RETRY_PAUSE,
        max_reconnect_attempts=-1,
        ping_interval=2,
        max_outstanding_pings=2,
        error_cb=silent,
    )
    try:
        publishers = Publishers(client.jetstream(timeout=ACKNOWLEDGED_WITHIN))
        await publishers.create()
        async with asyncio.TaskGroup() as group:
            for stream in publishers.streams:
                group.create_task(publishers.publish(stream))
            try:
                yield publishers
            finally:
                publishers.stop()
        async with asyncio.timeout(LAST_WORDS):
            await publishers.count()
    finally:
        await client.close()
