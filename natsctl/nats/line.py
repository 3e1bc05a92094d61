"""A connection to a server that is kept from one page to the next: to connect costs more than to
ask.

So the end of a page is not that of the connection, but where its head says (RFC 9112, 6). What says
nothing of its end is read until the server closes, as it has to then.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Final

import attrs

HEAD: Final = 16 * 1024
"""Bytes that the head of an answer may have."""
END_OF_HEAD: Final = b"\r\n\r\n"
PIECE: Final = 64 * 1024
"""Bytes that are read at a time."""

_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*(?:\r\n|\Z)")
_CLOSES: Final = re.compile(rb"\r\nconnection:[^\r\n]*\bclose\b")
_CHUNKED: Final = b"\r\ntransfer-encoding:"
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@attrs.define
class Line:
    """A connection to one server, kept as long as the server keeps it, too."""

    _streams: Streams | None = None

    def taken(self) -> Streams | None:
        """The connection, if there is one that is still open; it is the caller's from now on."""
        streams, self._streams = self._streams, None
        if streams is not None and streams[0].at_eof():
            streams[1].transport.abort()
            return None
        return streams

    def keep(self, streams: Streams) -> None:
        """Keep a connection through which all came that was asked for."""
        self._streams = streams

    def keeps(self, streams: Streams) -> bool:
        """Whether it is this one that is kept."""
        return self._streams is streams

    def close(self) -> None:
        """Nothing more is asked."""
        if (streams := self.taken()) is not None:
            streams[1].transport.abort()


@attrs.frozen
class Frame:
    """Where an answer ends: after so many bytes in all, or (None) with its last chunk.

    `closes`: with it, the server closes the connection.
    """

    size: int | None
    closes: bool

    def is_whole(self, told: bytearray) -> bool:
        """Whether all of it is here."""
        return told.endswith(_LAST_CHUNK) if self.size is None else len(told) >= self.size


def frame_of(told: bytearray) -> Frame | None:
    """What the head of an answer says of its end; None as long as it is not here."""
    end = told.find(END_OF_HEAD, 0, HEAD)
    if end < 0:
        return None
    head = bytes(told[:end]).lower()
    closes = not head.startswith(b"http/1.1 ") or _CLOSES.search(head) is not None
    if _CHUNKED in head:
        return Frame(None, closes)
    if (length := _LENGTH.search(head)) is not None:
        return Frame(end + len(END_OF_HEAD) + int(length[1]), closes)
    return Frame(sys.maxsize, closes=True)


async def read_on(
    source: asyncio.StreamReader, told: bytearray, limit: int, *, framed: bool
) -> None:
    """Read on to the end, or until there is more than the limit.

    The end is that of the connection; of an answer that is `framed`, where its head says.
    """
    frame: Frame | None = None
    while len(told) <= limit:
        frame = frame or (frame_of(told) if framed else None)
        if frame is not None and frame.is_whole(told):
            return
        piece = await source.read(PIECE)
        if not piece:
            return
        told += piece


def goes_on(told: bytearray) -> bool:
    """Whether the server waits for another request after this answer."""
    frame = frame_of(told)
    return frame is not None and not frame.closes and frame.is_whole(told)
