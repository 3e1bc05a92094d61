"""Pages that are asked for on one connection, as long as the server keeps it."""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress

import attrs
import pytest

from natsctl.nats.fetch import LIMIT, SMALL, Unusable, answer
from natsctl.nats.gate import Gate
from natsctl.nats.line import Line
from tests.unit.nats.tricks import bounded, playing

OK = b"HTTP/1.1 200 OK\r\n"
SHORT = OK + b"Content-Length: 2\r\n\r\n{}"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
LONG = OK + b"content-length: %d\r\n\r\n" % (SMALL + 1) + bytes(SMALL + 1)


@attrs.define
class Server:
    """Gives these answers, one for each request; `closes`: each connection ends with the first."""

    answers: list[bytes]
    closes: bool = False
    connections: int = 0
    heard: list[bytes] = attrs.field(factory=list)

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while self.answers:
            self.heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answers.pop(0))
            await writer.drain()
            if self.closes:
                return
        await reader.read()


async def ask(port: int, line: Line | None, seconds: float = 5.0) -> bytes:
    where = "127.0.0.1", port, "/varz", None
    return (await answer(Gate(), "ns", *where, seconds, ("200",), bytes, LIMIT, line))[1]


async def two(server: Server) -> list[bytes]:
    async with playing(server.play) as port:
        with closing(Line()) as line:
            return [await ask(port, line) for _ in range(2)]


@pytest.mark.parametrize("first", [SHORT, CHUNKED], ids=["length", "chunks"])
async def test_the_next_page_comes_on_the_same_connection(first: bytes) -> None:
    server = Server([first, SHORT])
    assert await two(server) == [b"{}", b"{}"]
    assert server.connections == 1
    assert not any(b"close" in heard for heard in server.heard)


async def test_so_does_a_long_one() -> None:
    server = Server([SHORT, LONG])
    assert await two(server) == [b"{}", bytes(SMALL + 1)]
    assert server.connections == 1


@pytest.mark.parametrize(
    "first",
    [
        OK + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        LONG,
    ],
    ids=["says so", "old", "long"],
)
async def test_a_connection_that_the_server_does_not_keep_is_not_used_again(first: bytes) -> None:
    server = Server([first, SHORT])
    assert (await two(server))[1] == b"{}"
    assert server.connections == 2


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    server = Server([OK + b"\r\n{}", SHORT], closes=True)
    assert await two(server) == [b"{}", b"{}"]
    assert server.connections == 2


async def test_a_connection_that_ended_unannounced_is_made_anew() -> None:
    server = Server([SHORT, SHORT], closes=True)
    async with playing(server.play) as port:
        with closing(Line()) as line:
            await ask(port, line)
            assert line._streams is not None
            async with asyncio.timeout(5):
                while not line._streams[0].at_eof():  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)
            assert await ask(port, line) == b"{}"
    assert server.connections == 2


async def test_a_page_by_itself_has_a_connection_by_itself() -> None:
    server = Server([SHORT], closes=True)
    async with playing(server.play) as port:
        assert await ask(port, None) == b"{}"
    assert b"\r\nConnection: close\r\n" in server.heard[0]


async def test_nothing_is_kept_of_what_was_not_understood() -> None:
    server = Server([b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", SHORT])
    async with playing(server.play) as port:
        with closing(Line()) as line:
            with pytest.raises(Unusable, match="status 404"):
                await ask(port, line)
            assert line.taken() is None


async def test_more_than_was_asked_for_is_no_answer() -> None:
    with pytest.raises(Unusable, match="ends early"):
        await two(Server([SHORT + b"more", SHORT]))


async def test_bytes_one_by_one_cost_little() -> None:
    """Where an answer ends is found out once, however long its head is."""
    head = OK + b"X: " + b"x" * 16_000 + b"\r\n\r\n"

    async def trick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        with suppress(OSError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0)

    async with playing(trick) as port:
        with closing(Line()) as line, bounded(), pytest.raises(TimeoutError):
            await ask(port, line, seconds=0.5)
