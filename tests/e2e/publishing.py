"""Publishers that count what was acknowledged, and whether it is still there afterwards."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

import attrs
import nats
import nats.errors
from nats.aio.client import Client
from nats.js.api import StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import Error as JetStreamError

from tests.e2e.background import background
from tests.e2e.clusters import Cluster

T = TypeVar("T")
STREAMS = (
    StreamConfig(name="ONE", subjects=["one"], num_replicas=1),
    StreamConfig(name="THREE", subjects=["three"], num_replicas=3),
    StreamConfig(name="MEMORY", subjects=["memory"], num_replicas=3, storage=StorageType.MEMORY),
    StreamConfig(
        name="KV_BUCKET", subjects=["$KV.BUCKET.>"], num_replicas=3, max_msgs_per_subject=1
    ),
)
"""The last one is what servers make of a bucket of keys and values, with a key for each message."""
ACKNOWLEDGED_WITHIN, READ_WITHIN, PAUSE = 2.0, 10.0, 0.02
_FAILURES = (nats.errors.Error, JetStreamError, TimeoutError, OSError)


@attrs.define
class Published:
    """What servers acknowledged, by stream. A message is sent again until it is, under its id.

    Measured with 2.10.29 and 2.11.17: a message whose first attempt was not answered, because its
    stream moved, may be called a duplicate with sequence 0 and be nowhere. That acknowledges
    nothing. It is sent under another id, so it is there twice where the first was only late.
    """

    acknowledged: dict[str, int] = attrs.field(factory=dict)
    longest: dict[str, float] = attrs.field(factory=dict)
    stored: dict[str, list[int]] = attrs.field(factory=dict)
    """The numbers of all messages that a consumer got in the end."""
    errors: list[Exception] = attrs.field(factory=list)
    sent_anew: dict[str, set[int]] = attrs.field(factory=dict)
    """Numbers of messages that were sent under more than one id."""

    def check(self, least: int = 100) -> None:
        """Nothing that was acknowledged is missing, there twice, or out of order."""
        differ = {
            name: f"{len(self.stored.get(name, []))} stored, {count} acknowledged, differing at "
            f"{self._odd(name)[:9]}"
            for name, count in self.acknowledged.items()
            if self._expected(name) != list(range(count))
        }
        assert not differ, (differ, self.sent_anew, self.errors)
        assert min(self.acknowledged.values()) >= least

    def _expected(self, name: str) -> list[int]:
        """What is stored, but for the second one of what was sent under two ids."""
        stored, anew = self.stored.get(name, []), self.sent_anew.get(name, set())
        return [it for at, it in enumerate(stored) if not (it in anew and it in stored[:at])]

    def _odd(self, name: str) -> list[int]:
        """Where something else is stored than was acknowledged."""
        return [it for at, it in enumerate(self._expected(name)) if it != at]

    async def run(self, url: str, streams: tuple[StreamConfig, ...], stop: threading.Event) -> None:
        """Make the streams, publish to all of them until `stop`, and read what they hold."""
        client = await _connected(url, self.errors)
        try:
            context = client.jetstream(timeout=ACKNOWLEDGED_WITHIN)
            for stream in streams:
                await self._insist(partial(context.add_stream, stream))
            async with asyncio.TaskGroup() as group:
                for stream in streams:
                    group.create_task(self._publish(context, stream, stop))
            for stream in streams:
                await self._insist(partial(self._read, context, stream.name or ""))
        finally:
            await client.close()

    async def _publish(
        self, context: JetStreamContext, stream: StreamConfig, stop: threading.Event
    ) -> None:
        name, (subject,) = stream.name or "", stream.subjects or [""]
        self.acknowledged[name], last = 0, time.monotonic()
        false = 0
        while not stop.is_set():
            number = self.acknowledged[name]
            headers = {"Nats-Msg-Id": f"{name}-{number}-{false}"}
            written, body = subject.replace(">", str(number)), f"{number}".encode().ljust(100)
            said = await self._insist(partial(context.publish, written, body, headers=headers))
            if not said.seq:
                false += 1
                self.sent_anew.setdefault(name, set()).add(number)
                continue
            now = time.monotonic()
            self.longest[name] = max(self.longest.get(name, 0.0), now - last)
            self.acknowledged[name], last = number + 1, now
            await asyncio.sleep(PAUSE)

    async def _read(self, context: JetStreamContext, name: str) -> None:
        info = await context.stream_info(name)
        everything = await context.subscribe(">", stream=name, ordered_consumer=True)
        try:
            found = [await everything.next_msg(READ_WITHIN) for _ in range(info.state.messages)]
        finally:
            await everything.unsubscribe()
        self.stored[name] = [int(message.data) for message in found]

    async def _insist(self, request: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await request()
            except _FAILURES as error:
                self.errors.append(error)
            await asyncio.sleep(PAUSE)


async def _connected(url: str, errors: list[Exception]) -> Client:
    async def note(error: Exception) -> None:
        errors.append(error)

    return await nats.connect(
        url, error_cb=note, max_reconnect_attempts=-1, reconnect_time_wait=0.1, connect_timeout=1
    )


@contextmanager
def publishing(
    cluster: Cluster, streams: tuple[StreamConfig, ...] = STREAMS
) -> Iterator[Published]:
    """Publish through the cluster's Service while the context lasts, in a thread of its own."""
    address = cluster.kubectl.get("service", cluster.name)["spec"]["clusterIP"]
    published = Published()
    work = partial(published.run, f"nats://{address}:4222", streams)
    begun = partial(_begun, published, streams)
    with background("publishing to all streams", work, begun, published.errors):
        yield published


def _begun(published: Published, streams: tuple[StreamConfig, ...]) -> bool:
    return len(published.acknowledged) == len(streams) and all(published.acknowledged.values())


def messages(cluster: Cluster, stream: str) -> dict[str, int]:
    """How many messages each server's own copy of a stream has, by pod."""
    found: dict[str, int] = {}
    for pod in cluster.pods():
        accounts = cluster.monitoring(pod, "jsz?accounts=1&streams=1").get("account_details") or []
        for account in accounts:
            for detail in account.get("stream_detail") or []:
                with suppress(KeyError):
                    if detail["name"] == stream:
                        found[pod] = detail["state"]["messages"]
    return found
