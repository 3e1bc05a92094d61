"""Two clients that never stop: one asks and tells, the other answers and listens.

They are on different servers all the time. A request that gets no reply is sent again until it
gets one, as an application would do; a one-way message is sent once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
import nats
import nats.errors

from demo.tally import Tally

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg

ASK, TELL = "demo.ask", "demo.tell"
ASK_PERIOD, TELL_PERIOD = 0.02, 0.01
REPLY_TIMEOUT = 1.0
RETRY_PAUSE = 0.1
LAST_WORDS = 10.0
"""Seconds that unanswered requests get when everything else is over."""


@attrs.define
class Seats:
    """Which client is (or is about to be) on which server: never two on one.

    Of the hosts, the first `present` exist now.
    """

    hosts: Sequence[str]
    present: int
    taken: dict[str, str] = attrs.field(factory=dict)
    moves: list[tuple[float, str, str]] = attrs.field(factory=list)
    _turn: int = 0

    def choose(self, client: str) -> str:
        """The next server in turn that the other client is not on."""
        others = {host for name, host in self.taken.items() if name != client}
        free = [host for host in self.hosts[: self.present] if host not in others]
        self._turn += 1
        self.taken[client] = free[self._turn % len(free)]
        return self.taken[client]

    def chooser(self, client: str) -> Callable[[list[Any], dict[str, Any]], tuple[Any, float]]:
        """For nats-py, which asks for a server from its pool and seconds to wait before."""

        def choose(pool: list[Any], _: dict[str, Any]) -> tuple[Any, float]:
            host = self.choose(client)
            return next(server for server in pool if server.uri.hostname == host), RETRY_PAUSE

        return choose

    def pod(self, client: str) -> str:
        """The pod that a client is connected to."""
        return self.taken[client].partition(".")[0]

    def note(self, client: str) -> None:
        """A client is connected, after it was not."""
        self.moves.append((time.monotonic(), client, self.pod(client)))


@attrs.define
class Traffic:
    """The clients at work; `tally` counts."""

    seats: Seats
    tally: Tally = attrs.field(factory=Tally)
    _stop: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def ask(self, client: Client) -> None:
        """Send requests on time, however long the replies take."""
        async with asyncio.TaskGroup() as group:
            while not self._stop.is_set():
                number = self.tally.ask()
                group.create_task(self._ask_one(client, number))
                await asyncio.sleep(ASK_PERIOD)

    async def _ask_one(self, client: Client, number: int) -> None:
        tries, deadline = 0, float("inf")
        while time.monotonic() < deadline:
            tries += 1
            try:
                reply = await client.request(ASK, str(number).encode(), timeout=REPLY_TIMEOUT)
            except (nats.errors.Error, TimeoutError, OSError) as error:
                self.tally.unanswered(error)
                await asyncio.sleep(RETRY_PAUSE)
            else:
                return self.tally.replied(int(reply.data), tries, time.monotonic())
            if self._stop.is_set():
                deadline = min(deadline, time.monotonic() + LAST_WORDS)

    async def tell(self, client: Client) -> None:
        """Publish one-way messages on time."""
        while not self._stop.is_set():
            try:
                await client.publish(TELL, str(self.tally.tell()).encode())
            except (nats.errors.Error, OSError) as error:
                self.tally.unanswered(error)
            await asyncio.sleep(TELL_PERIOD)

    async def answer(self, message: Msg) -> None:
        """Reply to a request with what it holds."""
        self.tally.served.add(int(message.data))
        await message.respond(message.data)

    async def listen(self, message: Msg) -> None:
        """Take note of a one-way message."""
        self.tally.heard_one(int(message.data), time.monotonic())

    def stop(self) -> None:
        """Send nothing new; what is under way gets its time."""
        self._stop.set()


async def _connect(seats: Seats, name: str) -> Client:
    async def silent(_: Exception) -> None:
        """Each lost connection shows in the figures; a traceback would add nothing."""

    async def reconnected() -> None:
        seats.note(name)

    client = await nats.connect(
        [f"nats://{host}:4222" for host in (seats.choose(name), *seats.hosts)],
        name=name,
        dont_randomize=True,
        connect_timeout=2,
        reconnect_time_wait=RETRY_PAUSE,
        max_reconnect_attempts=-1,
        ping_interval=2,
        max_outstanding_pings=2,
        error_cb=silent,
        reconnected_cb=reconnected,
        reconnect_to_server_handler=seats.chooser(name),
    )
    seats.note(name)
    return client


@asynccontextmanager
async def flowing(hosts: Sequence[str], present: int) -> AsyncIterator[Traffic]:
    """Traffic between two clients for as long as the context lasts."""
    traffic = Traffic(Seats(hosts, present))
    answering = await _connect(traffic.seats, "answering")
    asking = await _connect(traffic.seats, "asking")
    try:
        await answering.subscribe(ASK, cb=traffic.answer)
        await answering.subscribe(TELL, cb=traffic.listen)
        await answering.flush()
        async with asyncio.TaskGroup() as group:
            group.create_task(traffic.tell(asking))
            group.create_task(traffic.ask(asking))
            try:
                yield traffic
            finally:
                traffic.stop()
        await asyncio.sleep(RETRY_PAUSE)
        await asking.flush()
        await answering.flush()
    finally:
        await asking.close()
        await answering.close()
