"""A monitoring port in memory that says of JetStream what a test gives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from tests.unit.nats.tricks import Trick, playing
from tests.unit.plan.gates.recorded import situation


def recorded(server: str = "nats-1", name: str = "healthy") -> dict[str, bytes]:
    """What a real server said, by path."""
    answers = situation(name).answers(server)
    (jsz,) = answers.jsz
    return {
        "/varz": answers.varz,
        "/routez": answers.routez,
        "/jsz": jsz,
        "/healthz": answers.healthz,
    }


@attrs.define
class Pages:
    """What is said at each path, and what was asked. `tricks` are played instead."""

    bodies: dict[str, bytes] = attrs.field(factory=recorded)
    code: int = 200
    tricks: dict[str, Trick] = attrs.field(factory=dict)
    asked: list[str] = attrs.field(factory=list)
    at_once: int = 0
    most: int = 0

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            line = await reader.readuntil(b"\r\n")
            path = line.split()[1].decode()
            self.asked.append(path)
            bare = path.partition("?")[0]
            if bare in self.tricks:
                await self.tricks[bare](reader, writer)
                return
            code = self.code if bare == "/healthz" else 200
            writer.write(b"HTTP/1.1 %d X\r\n\r\n" % code + self.bodies[bare])
            await writer.drain()
        finally:
            self.at_once -= 1


@asynccontextmanager
async def listening(pages: Pages) -> AsyncIterator[int]:
    """The port of such a server."""
    async with playing(pages.play) as port:
        yield port
