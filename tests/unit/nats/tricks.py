"""A server that plays tricks on whoever asks it, and what may come of that: little."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from tests.unit.pace import allowed, unserved

MEMORY, SECONDS, BLOCK = 24, 4.0, 0.1
"""MiB and seconds that a trick may cost, and how long nobody else gets a turn meanwhile."""
TICK = 0.005

Trick = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def playing(trick: Trick) -> AsyncIterator[int]:
    """A port of 127.0.0.1 at which a trick is played on everybody."""
    running = set[asyncio.Task[None] | None]()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await trick(reader, writer)
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(play, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        left = [task for task in running if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left)


def says(*pieces: bytes, ever: bytes = b"", pause: float = 0.0, unasked: bool = False) -> Trick:
    """Says these, and then the same for ever; or, with a pause, nothing more.

    A request is read first: without that, closing would lose what was said.
    """

    async def trick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not unasked:
            await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        while ever:
            writer.write(ever)
            await writer.drain()
            await asyncio.sleep(pause)
        if pause or unasked:
            await reader.read()

    return trick


@contextmanager
def bounded() -> Iterator[None]:
    """What happens in here takes little memory and time."""
    tracemalloc.start()
    began = time.monotonic()
    try:
        yield
        assert time.monotonic() - began < allowed(SECONDS)
        assert tracemalloc.get_traced_memory()[1] < MEMORY * 1024 * 1024
    finally:
        tracemalloc.stop()


@asynccontextmanager
async def watched() -> AsyncIterator[list[float]]:
    """How long others waited for their turn; the server of the test is one of them.

    A wait of the whole process for a processor is nobody's fault in here.
    """
    waits: list[float] = []

    async def tick() -> None:
        while True:
            began, starved = time.monotonic(), unserved()
            await asyncio.sleep(TICK)
            waits.append(time.monotonic() - began - TICK - (unserved() - starved))

    task = asyncio.create_task(tick())
    try:
        yield waits
    finally:
        task.cancel()
