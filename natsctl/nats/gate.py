"""How much may be going on with servers at the same time, so that none of them costs much."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import attrs

from natsctl.nats.allowance import Allowance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

ALL, OF_ONE, LARGE = 64, 8, 2
"""Servers asked at once: of all clusters, of one; and long answers that are held in memory."""
QUICK = 0.3
"""Seconds after which a server goes on among the slow ones."""
LARGE_SECONDS = 1.0
"""How long a long answer may take from when its turn has come."""


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


@attrs.frozen
class Gate:
    """Shared by all clusters, by namespace. Who waits for it holds nothing else.

    Servers that take long have turns of their own: nobody else waits for these.
    """

    all: Turns = attrs.field(factory=lambda: FirstCome(asyncio.Semaphore(ALL)))
    slow: Turns = attrs.field(factory=lambda: FirstCome(asyncio.Semaphore(ALL)))
    large: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(LARGE))
    allowance: Allowance = attrs.field(factory=Allowance)

    @asynccontextmanager
    async def long_answer(
        self, clock: asyncio.Timeout, seconds: float = LARGE_SECONDS
    ) -> AsyncIterator[None]:
        """A turn for what takes much memory; waiting for it is not held against the server."""
        clock.reschedule(None)
        async with self.large:
            clock.reschedule(asyncio.get_running_loop().time() + seconds)
            yield
