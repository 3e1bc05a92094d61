"""The port of a server for clients: each request gets the answer that the test gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import msgspec

from tests.unit.nats.tricks import playing

NONCE = "n"
ID = "N" + "A" * 55
Reply = Callable[[str, bytes], bytes | None]
"""Subject and content of a request to the bytes of its answer; None: the server falls silent."""


def told(**content: Any) -> bytes:
    """An answer of the JetStream API."""
    return msgspec.json.encode(content)


def nobody() -> bytes:
    """What a server says where nobody listens: see `Wire.play`."""
    return b"NATS/1.0 503"


@attrs.define
class Wire:
    """What was heard at the port. `down`: whoever connects is sent away."""

    reply: Reply
    requests: list[tuple[str, bytes]] = attrs.field(factory=list)
    logins: int = 0
    open: int = 0
    down: bool = False
    inboxes: list[str] = attrs.field(factory=list)

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak the protocol, one line at a time."""
        if self.down:
            return
        self.open += 1
        try:
            info = {"server_id": ID, "nonce": NONCE}
            writer.write(b"INFO " + msgspec.json.encode(info) + b"\r\n")
            while line := await reader.readline():
                await self._hear(line.split(), reader, writer)
        finally:
            self.open -= 1

    async def _hear(
        self, words: list[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        match words:
            case [b"CONNECT", *_]:
                self.logins += 1
            case [b"PING"]:
                writer.write(b"PONG\r\n")
            case [b"SUB", inbox, sid]:
                self.inboxes.append(f"{inbox.decode()} {sid.decode()}")
            case [b"PUB", subject, _, size]:
                content = (await reader.readexactly(int(size) + 2))[:-2]
                self.requests.append((subject.decode(), content))
                self._answer(writer, self.reply(subject.decode(), content))

    def _answer(self, writer: asyncio.StreamWriter, answer: bytes | None) -> None:
        inbox, sid = self.inboxes[-1].encode().split()
        if answer is None:
            return
        if answer.startswith((b"-ERR", b"MSG")):
            writer.write(answer + b"\r\n")
        elif answer == b"bye":
            writer.close()
        elif answer == nobody():
            head = b"HMSG %s %s 16 16\r\nNATS/1.0 503\r\n\r\n\r\n" % (inbox, sid)
            writer.write(head)
        else:
            writer.write(b"MSG %s %s %d\r\n%s\r\n" % (inbox, sid, len(answer), answer))


@asynccontextmanager
async def listening(reply: Reply) -> AsyncIterator[tuple[Wire, int]]:
    """A server that answers so, and its port."""
    wire = Wire(reply)
    async with playing(wire.play) as port:
        yield wire, port
