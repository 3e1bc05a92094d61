"""How much may be going on with servers at the same time, so that none of them costs much.

A turn is always of an owner, the namespace whose servers are asked. With `natsctl.kube.turns`,
owners are let in one after the other, and nobody who holds none waits for one who holds several.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

import attrs

from natsctl.nats.allowance import Allowance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

ALL, OF_ONE, LARGE, LARGE_SLOW = 64, 8, 2, 4
"""Servers asked at once: of all clusters, of one; and long answers that are held in memory: quick
ones, and slow ones, which have turns of their own."""
READING = 2
"""Threads that read answers which are not long, in turns; each long one has a thread besides."""
HEAVY, HEAVY_PARTS = 2**20, 1
"""Bytes from which a part of a long answer is heavy, since it takes much memory while it is read,
and how many of those are read at the same time. They belong among the slow ones."""
READERS = LARGE + LARGE_SLOW + READING
"""Threads that read what servers say: who has a turn finds one free."""
QUICK = 0.3
"""Seconds after which a server goes on among the slow ones."""
LARGE_SECONDS = 1.0
"""How long a long answer may take from when its turn has come."""
LARGE_QUICK = 1.0
"""The same of /jsz, before it is asked for again among the slow ones. Measured: 0.15 s for 1,000
streams of three replicas, 1.2 s for 10,000."""
LARGE_WAIT = 30.0
"""Seconds that a long answer waits for its turn. What comes later than that is of no use: two looks
have to be close together. And who waits holds a turn of the slow ones."""
LATE = 300.0
"""Seconds for which an owner is among the slow ones after a long answer that was slow."""

_TICK = 0.01
"""Seconds by which a timer may be early."""

_T = TypeVar("_T")


class Turns(Protocol):
    """A bound on what goes on at the same time, shared between owners."""

    def turn(self, owner: str) -> AbstractAsyncContextManager[object]:
        """Wait for a turn, and hold it."""
        ...


@attrs.frozen
class FirstCome:
    """So many at a time, whoever comes first."""

    places: asyncio.Semaphore

    @asynccontextmanager
    async def turn(self, owner: str) -> AsyncIterator[None]:
        """Wait for a turn, and hold it."""
        async with self.places:
            yield


def _first_come(count: int) -> Callable[[], Turns]:
    return lambda: FirstCome(asyncio.Semaphore(count))


@attrs.frozen
class Gate:
    """Shared by all clusters, by namespace. Who waits for it holds nothing but a turn of `slow`.

    Servers that take long have turns of their own: nobody else waits for these. `large` and
    `large_slow` are for what takes much memory, and `reading` for what takes a while to read;
    `threads` do that for who has a turn of these (None: those of the event loop). `heavy` is for
    what takes most, for who has a turn of `large_slow`. `late` are owners whose long answers are
    slow, and when the last one was.
    """

    all: Turns = attrs.field(factory=_first_come(ALL))
    slow: Turns = attrs.field(factory=_first_come(ALL))
    large: Turns = attrs.field(factory=_first_come(LARGE))
    large_slow: Turns = attrs.field(factory=_first_come(LARGE_SLOW))
    reading: Turns = attrs.field(factory=_first_come(READING))
    heavy: Turns = attrs.field(factory=_first_come(HEAVY_PARTS))
    threads: Executor | None = None
    allowance: Allowance = attrs.field(factory=Allowance)
    late: dict[str, float] = attrs.field(factory=dict)

    @asynccontextmanager
    async def long_answer(self, owner: str, clock: asyncio.Timeout) -> AsyncIterator[None]:
        """A turn for a page that takes much memory; waiting is not held against the server.

        Raises TimeoutError, by the clock, if the turn does not come or is over.
        """
        async with _turn(self.large, owner, clock, LARGE_SECONDS):
            yield

    @asynccontextmanager
    async def longest_answer(
        self, owner: str, clock: asyncio.Timeout, seconds: float, *, slow: bool
    ) -> AsyncIterator[None]:
        """The same for /jsz: a quick or a slow one. Raises TimeoutError for a quick one of an owner
        who became late while it waited."""
        loop = asyncio.get_running_loop()
        async with _turn(self.large_slow if slow else self.large, owner, clock, seconds):
            if not slow and self.is_late(owner):
                raise TimeoutError
            began = loop.time()
            try:
                yield
            finally:
                if loop.time() - began > LARGE_QUICK - _TICK:
                    self.note_late(owner)

    @asynccontextmanager
    async def part(self, owner: str, size: int) -> AsyncIterator[None]:
        """A turn to read so many bytes of a long answer, if they need one.

        Who reads has others wait for as long as its thread takes, and for nothing that a server
        does. Owners have turns one after the other: each part waits for two of each other at most.
        """
        if size <= HEAVY:
            yield
            return
        async with self.heavy.turn(owner):
            yield

    def leave_to_slow(self, owner: str, size: int) -> None:
        """Raise TimeoutError if so much is held of an answer that was to be quick."""
        if size > HEAVY:
            self.note_late(owner)
            raise TimeoutError

    async def quickly_or_slowly(self, owner: str, read: Callable[[bool], Awaitable[_T]]) -> _T:
        """What `read` gives, which may take a `longest_answer`: a slow one, if it is told so.

        An owner is late at once, so that a slow server costs others LARGE_QUICK seconds, and not as
        much for each server of this owner.
        """
        if not self.is_late(owner):
            try:
                return await read(False)
            except TimeoutError:
                if not self.is_late(owner):
                    raise
        return await read(True)

    def is_late(self, owner: str) -> bool:
        """Whether its long answers belong among the slow ones."""
        at = self.late.get(owner)
        return at is not None and asyncio.get_running_loop().time() - at < LATE

    def note_late(self, owner: str) -> None:
        """A long answer of this owner was slow just now."""
        self.late[owner] = asyncio.get_running_loop().time()
        for name in [name for name in self.late if not self.is_late(name)]:
            del self.late[name]


@asynccontextmanager
async def _turn(
    turns: Turns, owner: str, clock: asyncio.Timeout, seconds: float
) -> AsyncIterator[None]:
    """A turn that has to come in LARGE_WAIT seconds, and is over after so many."""
    loop = asyncio.get_running_loop()
    clock.reschedule(loop.time() + LARGE_WAIT)
    async with turns.turn(owner):
        clock.reschedule(loop.time() + seconds)
        yield
