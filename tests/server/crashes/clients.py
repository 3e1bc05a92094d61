"""Clients of real servers that store messages until these are acknowledged, and read them back.

Each request has a connection of its own, to any server that lets one in: a server that leaves does
not wait for clients.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs

from natsctl.model import names

SECONDS, PAUSE, AT_ONCE = 1.0, 0.2, 50
"""How long an answer is waited for, and between two messages; how many are read at once."""
READ = 10.0
"""Seconds until a message must be read: nothing goes on any more."""
SOME = 20
"""Messages that a stream has at least, or nothing was tried."""
NOT_FOUND = 10059
"""What is said of a stream that is not there: it is told again to one whose answer got lost."""
WORKER = "worker"
"""The consumer of a stream."""
_FAILURES = (OSError, TimeoutError, EOFError, ValueError)


@attrs.define
class Wire:
    """A connection without a login."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    inbox: str = attrs.field(factory=lambda: f"_INBOX.{secrets.token_hex(8)}")

    async def greet(self) -> None:
        """From the first line to the first question."""
        await self.reader.readline()
        hello = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True}
        self.writer.write(f"CONNECT {json.dumps(hello)}\r\nSUB {self.inbox} 1\r\n".encode())

    async def ask(self, subject: str, content: bytes = b"", headers: str = "") -> Any:
        """The answer, which is JSON."""
        self.send(subject, content, headers)
        return await self.hear()

    def send(self, subject: str, content: bytes, headers: str = "") -> None:
        """A message whose answer comes here."""
        begin = f"NATS/1.0\r\n{headers}\r\n\r\n".encode() if headers else b""
        size = f"{len(begin)} {len(begin) + len(content)}" if headers else str(len(content))
        word = "HPUB" if headers else "PUB"
        self.writer.write(f"{word} {subject} {self.inbox} {size}\r\n".encode())
        self.writer.write(begin + content + b"\r\n")

    async def hear(self) -> Any:
        """The next answer."""
        while True:
            line = await self.reader.readline()
            if line.startswith(b"PING"):
                self.writer.write(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                payload = await self.reader.readexactly(int(line.split()[-1]) + 2)
                return json.loads(payload)
            elif not line or line.startswith((b"HMSG", b"-ERR")):
                raise EOFError(line.decode())

    async def receive(self) -> tuple[str, bytes]:
        """The next message, and where it is acknowledged: nowhere, if it is only an answer."""
        while True:
            line = await self.reader.readline()
            words = line.decode().split()
            if line.startswith(b"PING"):
                self.writer.write(b"PONG\r\n")
            elif line.startswith((b"MSG", b"HMSG")):
                headers, least = (int(words[-2]), 5) if words[0] == "HMSG" else (0, 4)
                content = await self.reader.readexactly(int(words[-1]) + 2)
                return words[3] if len(words) > least else "", content[headers:-2]
            elif not line or line.startswith(b"-ERR"):
                raise EOFError(line.decode())


@asynccontextmanager
async def connected(address: str) -> Any:
    """A connection to one server."""
    reader, writer = await asyncio.open_connection(address, names.CLIENT_PORT)
    wire = Wire(reader, writer)
    try:
        await wire.greet()
        yield wire
    finally:
        writer.transport.abort()


@attrs.define
class Wait:
    """How a publisher fares: `longest` is the most seconds between two acknowledgements."""

    last: float = attrs.field(factory=time.monotonic)
    longest: float = 0.0
    refused: int = 0
    """Tries that nobody acknowledged."""

    def acknowledged(self) -> None:
        """A message is stored."""
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now


@attrs.define
class Clients:
    """All that publish to one cluster; `addresses` are those of its servers that run."""

    addresses: Callable[[], Sequence[str]]
    acknowledged: dict[str, int] = attrs.field(factory=dict)
    """How many messages of each stream, which are numbered."""
    worked: dict[str, set[int]] = attrs.field(factory=dict)
    """The numbers of messages of each stream that a consumer has acknowledged."""
    flooded: dict[str, int] = attrs.field(factory=dict)
    """The last sequence that was acknowledged of each stream."""
    waits: dict[str, Wait] = attrs.field(factory=dict)
    """Of publishers, by stream; a test may begin anew."""
    _turns: Any = attrs.field(factory=itertools.count)

    async def create(self, stream: str, replicas: int, **more: Any) -> None:
        """Create a stream on disk."""
        config = {"name": stream, "subjects": [stream.lower()], "num_replicas": replicas, **more}
        created = await self.insist(f"$JS.API.STREAM.CREATE.{stream}", config)
        assert "error" not in created, created
        self.acknowledged[stream] = 0

    async def publish(
        self,
        stream: str,
        subject: Callable[[int], str] | None = None,
        size: int = 0,
        pause: float = PAUSE,
    ) -> None:
        """One message after the other, each until it is acknowledged, while the task lasts.

        A message has at least this size.
        """
        while True:
            number = self.acknowledged[stream]
            header = f"Nats-Msg-Id: {stream}-{number}"
            where = subject(number) if subject else stream.lower()
            wait = self.waits.setdefault(stream, Wait())
            said = await self._try(where, str(number).encode().ljust(size), header)
            if said and said.get("seq"):
                self.acknowledged[stream] = number + 1
                wait.acknowledged()
            else:
                wait.refused += 1
            await asyncio.sleep(pause)

    async def flood(self, stream: str, size: int) -> None:
        """Many messages at once, as fast as they are acknowledged, while the task lasts.

        For a stream that drops its oldest: they have no numbers of their own.
        """
        self.flooded[stream] = 0
        while True:
            with suppress(*_FAILURES):
                async with asyncio.timeout(READ), connected(self._address()) as wire:
                    await self._flood_some(wire, stream, size)
            await asyncio.sleep(PAUSE)

    async def _flood_some(self, wire: Wire, stream: str, size: int) -> None:
        for _ in range(AT_ONCE):
            for _ in range(AT_ONCE):
                wire.send(stream.lower(), bytes(size))
            for _ in range(AT_ONCE):
                said = await wire.hear()
                self.flooded[stream] = max(self.flooded[stream], said.get("seq") or 0)

    async def work(self, stream: str) -> None:
        """Take messages through a consumer, which knows what is done, while the task lasts."""
        config = {"durable_name": WORKER, "ack_policy": "explicit", "ack_wait": 10_000_000_000}
        subject = f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{WORKER}"
        created = await self.insist(subject, {"stream_name": stream, "config": config})
        assert "error" not in created, created
        self.worked[stream] = set()
        while True:
            with suppress(*_FAILURES):
                async with asyncio.timeout(READ), connected(self._address()) as wire:
                    await self._take_some(wire, stream)
            await asyncio.sleep(PAUSE)

    async def _take_some(self, wire: Wire, stream: str) -> None:
        for _ in range(AT_ONCE):
            wire.send(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{WORKER}", b'{"no_wait": true}')
            where, content = await wire.receive()
            if not where:
                return
            wire.send(where, b"+ACK")
            await wire.receive()
            self.worked[stream].add(int(content))

    async def stored(self, stream: str) -> set[int]:
        """The numbers of all messages that can be read."""
        state = (await self.insist(f"$JS.API.STREAM.INFO.{stream}"))["state"]
        found: set[int] = set()
        async with connected(self.addresses()[0]) as wire:
            for first in range(state["first_seq"], state["last_seq"] + 1, AT_ONCE):
                sequences = range(first, min(first + AT_ONCE, state["last_seq"] + 1))
                for sequence in sequences:
                    wire.send(f"$JS.API.STREAM.MSG.GET.{stream}", b'{"seq": %d}' % sequence)
                for _ in sequences:
                    async with asyncio.timeout(READ):
                        found.add(_number(await wire.hear()))
        return found

    async def has_all(self, stream: str) -> None:
        """Each acknowledged message of a stream can be read; and there are some."""
        number = self.acknowledged[stream]
        assert number >= SOME, stream
        assert set(range(number)) <= await self.stored(stream), stream

    async def delete(self, stream: str) -> None:
        """A stream that has all of its messages until then."""
        await self.has_all(stream)
        del self.acknowledged[stream]
        said = await self.insist(f"$JS.API.STREAM.DELETE.{stream}")
        assert said.get("success") or said["error"]["err_code"] == NOT_FOUND, said

    async def insist(self, subject: str, content: Any = None) -> Any:
        """The answer, as soon as anybody gives one."""
        written = json.dumps(content).encode() if content else b""
        while (said := await self._try(subject, written)) is None:  # noqa: ASYNC110 - over there
            await asyncio.sleep(PAUSE)
        return said

    async def _try(self, subject: str, content: bytes, headers: str = "") -> Any:
        with suppress(*_FAILURES):
            async with asyncio.timeout(SECONDS), connected(self._address()) as wire:
                return await wire.ask(subject, content, headers)
        return None

    def _address(self) -> str:
        """One after the other of those that run."""
        addresses = self.addresses()
        if not addresses:
            raise EOFError("no server runs")
        return str(addresses[next(self._turns) % len(addresses)])


def _number(said: Any) -> int:
    assert "message" in said, said
    return int(base64.b64decode(said["message"]["data"]))
