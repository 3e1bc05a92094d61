"""Answers that are read on the way, and those whose status is part of what they say."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from natsctl.nats.fetch import LIMIT, Unusable, answer, pieces
from natsctl.nats.gate import Gate
from tests.unit.nats.tricks import Trick, bounded, playing, says

HEAD = b"HTTP/1.0 200 OK\r\n"
HEALTH = ("200", "500", "503")


async def read(trick: Trick, limit: int = 1024) -> bytes:
    """The beginning of what is said."""
    found = bytearray()
    async with (
        playing(trick) as port,
        aclosing(pieces("127.0.0.1", port, "/jsz", None)) as source,
    ):
        async for piece in source:
            found += piece
            if len(found) > limit:
                break
    return bytes(found)


class TestPieces:
    async def test_come_one_after_the_other_to_the_end(self) -> None:
        assert await read(says(HEAD + b"\r\nabc", b"def", b"ghi")) == b"abcdefghi"

    async def test_are_asked_for_in_a_way_that_needs_no_chunks(self) -> None:
        heard = bytearray()

        async def trick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.extend(await reader.readuntil(b"\r\n\r\n"))
            writer.write(HEAD + b"\r\n{}")

        assert await read(trick) == b"{}"
        assert heard.startswith(b"GET /jsz HTTP/1.0\r\nHost: 127.0.0.1:")

    async def test_are_not_kept(self) -> None:
        mib = bytes(1024 * 1024)
        with bounded():
            found = await read(says(HEAD + b"\r\n", ever=mib), 2 * len(mib))
        assert len(found) < 3 * len(mib)

    @pytest.mark.parametrize(
        ("trick", "told"),
        [
            (says(HEAD, ever=b"X: " + b"x" * 65536 + b"\r\n"), "does not speak HTTP"),
            (says(b"INFO {}\r\n"), "does not speak HTTP"),
            (says(b""), "does not speak HTTP"),
            (says(b"HTTP/1.0 404 Not Found\r\n\r\n"), "status 404"),
            (says(HEAD + b"Content-Encoding: gzip\r\n\r\n"), "is compressed"),
            (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "is in chunks"),
        ],
    )
    async def test_of_something_else_are_a_problem(self, trick: Trick, told: str) -> None:
        with bounded(), pytest.raises(Unusable, match=told):
            await read(trick)


@pytest.mark.parametrize("status", [200, 503])
async def test_a_status_may_be_part_of_the_answer(status: int) -> None:
    async with playing(says(b"HTTP/1.1 %d X\r\n\r\n{}" % status)) as port:
        found = await answer(
            Gate(), "ns", "127.0.0.1", port, "/healthz", None, 1.0, HEALTH, bytes, LIMIT
        )
    assert found == (status, b"{}")


async def test_another_status_is_a_problem() -> None:
    async with playing(says(b"HTTP/1.1 404 X\r\n\r\n{}")) as port:
        with pytest.raises(Unusable, match="status 404"):
            await answer(
                Gate(), "ns", "127.0.0.1", port, "/healthz", None, 1.0, HEALTH, bytes, LIMIT
            )
