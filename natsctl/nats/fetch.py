"""One page of a server's monitoring port, with a limit on everything that it may send.

A server is as trustworthy as whoever may write pods in its namespace. So the whole of its answer
has a limit in bytes and in seconds, before anything of it is looked at: no redirect is followed,
nothing is decompressed, and the address is an IP. General HTTP clients bound a body at best.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from natsctl.nats.beside import beside
from natsctl.nats.line import HEAD, PIECE, Line, Streams, goes_on, read_on

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection

    from natsctl.nats.gate import Gate

SMALL, LIMIT = 256 * 1024, 4 * 1024 * 1024
"""Bytes of an answer that need no turn, and that an answer may have at all.

Measured: /routez has some 620 bytes for each connection, of which there are four to each other
server from 2.10 on. A server with 998 others says 2.5 MB.
"""
LIGHT: Final = 16 * 1024
"""Bytes that are read in no time; more of them are read in a thread. Of a cluster of a few servers,
each page has fewer."""
_CHUNKS: Final = 4096
_T = TypeVar("_T")


class Unusable(Exception):
    """What answers is no monitoring port of a nats-server, or does not want to be one."""


async def fetch(
    gate: Gate,
    owner: str,
    address: str,
    port: int,
    path: str,
    tls: ssl.SSLContext | None,
    seconds: float,
    read: Callable[[bytes], _T],
    most: int,
    line: Line | None = None,
) -> _T:
    """What `read` makes of an answer with status 200; as `answer`."""
    where, accepted = (owner, address, port, path), ("200",)
    return (await answer(gate, *where, tls, seconds, accepted, read, most, line))[1]


async def answer(
    gate: Gate,
    owner: str,
    address: str,
    port: int,
    path: str,
    tls: ssl.SSLContext | None,
    seconds: float,
    accepted: Collection[str],
    read: Callable[[bytes], _T],
    most: int,
    line: Line | None = None,
) -> tuple[int, _T]:
    """Status of an answer with one of these statuses, and what `read` makes of its body.

    A long one takes a turn of the owner's until it is read, and only what was made of it is kept.
    `most` is how many bytes it may have; if it is SMALL, it needs no such turn. The next page may
    be asked for on the same `line`.

    Raises Unusable, OSError or TimeoutError, and what `read` raises.
    """
    framed, connected = line is not None, _connected(address, port, tls, line)
    async with asyncio.timeout(seconds) as clock, connected as streams:
        source, sink = streams
        sink.write(_request(path, f"{_bracketed(address)}:{port}", close=not framed))
        told = bytearray()
        await read_on(source, told, SMALL, framed=framed)
        if len(told) > SMALL:
            if most <= SMALL:
                raise _too_long(most)
            async with gate.long_answer(owner, clock):
                await read_on(source, told, most, framed=framed)
                if len(told) > most:
                    raise _too_long(most)
                status, body = _body(told, accepted)
                return status, await beside(gate.threads, _to_its_end, read, body)
        status, body = _body(told, accepted)
        if line is not None and goes_on(told):
            line.keep(streams)
    if len(body) <= LIGHT:
        return status, read(body)
    async with gate.reading.turn(owner):
        return status, await beside(gate.threads, _to_its_end, read, body)


def _to_its_end() -> None:
    """Whoever gives up: what has a limit in bytes is read soon."""


def _too_long(most: int) -> Unusable:
    mib = most // 2**20
    return Unusable(f"its answer is longer than {f'{mib} MiB' if mib else f'{most // 1024} KiB'}")


async def pieces(
    address: str, port: int, path: str, tls: ssl.SSLContext | None
) -> AsyncGenerator[bytes]:
    """The body of an answer with status 200, piece by piece; none of it is kept.

    Whoever reads sets the limits in bytes and time. It is asked for with HTTP/1.0, so that it ends
    with the connection, and nothing in it has to be put together. Raises Unusable or OSError.
    """
    async with _connected(address, port, tls) as (source, sink):
        sink.write(_request(path, f"{_bracketed(address)}:{port}", "HTTP/1.0"))
        told = bytearray()
        while (end := told.find(b"\r\n\r\n")) < 0 and (piece := await source.read(PIECE)):
            told += piece
            if len(told) > HEAD + PIECE:
                break
        if "transfer-encoding" in _headers(told, end, ("200",))[1]:
            raise Unusable("its answer is in chunks, which was not requested")
        yield bytes(told[end + 4 :])
        del told
        while piece := await source.read(PIECE):
            yield piece


@asynccontextmanager
async def _connected(
    address: str, port: int, tls: ssl.SSLContext | None, line: Line | None = None
) -> AsyncIterator[Streams]:
    streams = line.taken() if line is not None else None
    if streams is None:
        streams = await asyncio.open_connection(address, port, ssl=tls, limit=PIECE)
    try:
        yield streams
    finally:
        if line is None or not line.keeps(streams):
            streams[1].transport.abort()  # the other side is not waited for


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _request(path: str, host: str, protocol: str = "HTTP/1.1", *, close: bool = True) -> bytes:
    lines = (
        f"GET {path} {protocol}",
        f"Host: {host}",
        "Accept-Encoding: identity",
        "User-Agent: natsctl",
        *(("Connection: close",) if close else ()),
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _body(told: bytearray, accepted: Collection[str]) -> tuple[int, bytes]:
    end = told.find(b"\r\n\r\n", 0, HEAD)
    status, headers = _headers(told, end, accepted)
    body = told[end + 4 :]
    if "transfer-encoding" in headers:
        return status, _joined(body)
    return status, _whole(body, headers.get("content-length"))


def _headers(told: bytearray, end: int, accepted: Collection[str]) -> tuple[int, dict[str, str]]:
    if not 0 <= end <= HEAD:
        raise Unusable("it does not speak HTTP")
    first, *lines = bytes(told[:end]).decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in map(_split, lines)}
    protocol, _, status = first.partition(" ")
    if not protocol.startswith("HTTP/1.") or not status[:3].isdecimal():
        raise Unusable("it does not speak HTTP")
    if status[:3] not in accepted:
        raise Unusable(f"it answers with status {status[:3]}")
    if headers.get("content-encoding", "identity") != "identity":
        raise Unusable("its answer is compressed, which was not requested")
    return int(status[:3]), headers


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def _whole(body: bytearray, length: str | None) -> bytes:
    if length is not None and length != str(len(body)):
        raise Unusable("its answer ends early")
    return bytes(body)


def _joined(body: bytearray) -> bytes:
    """What was sent in chunks (RFC 9112, 7.1); real servers send a few large ones."""
    pieces: list[bytearray] = []
    at = 0
    for _ in range(_CHUNKS):
        end = body.find(b"\r\n", at, at + 64)
        size = _size(bytes(body[at:end])) if end >= 0 else -1
        if size == 0:
            return b"".join(pieces)
        at = end + 2 + size
        if size < 0 or body[at : at + 2] != b"\r\n":
            raise Unusable("its answer ends early, or has invalid chunks")
        pieces.append(body[end + 2 : at])
        at += 2
    raise Unusable("its answer is in too many chunks")


def _size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    plain = 0 < len(digits) <= 8 and digits.isalnum()
    try:
        return int(digits, 16) if plain else -1
    except ValueError:
        return -1
