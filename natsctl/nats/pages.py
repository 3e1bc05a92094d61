"""Cut an answer of /jsz that is too long to hold into pages: each is a whole answer with a part of
the streams.

Servers page by accounts only, and one account may have all streams. They indent what they say:
https://github.com/nats-io/nats-server/blob/v2.15.3/server/monitor.go (HandleJsz). A line break
cannot stand within a text of JSON, so a line with nothing but a closing brace, as deep as streams
or accounts are, is the end of one. Whoever indents otherwise ends up with pages that are not JSON.
"""

from __future__ import annotations

from typing import Final

import attrs

from natsctl.nats.fetch import Unusable

PAGE, LONGEST, HEAD = 512 * 1024, 8 * 1024 * 1024, 256 * 1024
"""Bytes after which a page ends with its stream, that it may have at most, and of what each page
repeats: what is said of the server and of the account."""

_ACCOUNTS: Final = b'\n  "account_details": [\n'
_ACCOUNT: Final = b"\n    {\n"
_STREAMS: Final = b'\n      "stream_detail": [\n'
_END_OF_ACCOUNT, _END_OF_STREAM = b"\n    },\n", b"\n        },\n"
_OVERLAP: Final = max(map(len, (_ACCOUNTS, _END_OF_ACCOUNT, _END_OF_STREAM))) - 1
"""Bytes at the end of what was searched in which a mark may have begun."""
_REST_OF_ACCOUNTS, _REST_OF_STREAMS = b"\n  ]\n}", b"\n      ]\n    }\n  ]\n}"


@attrs.define
class Cutter:
    """Takes pieces, gives pages.

    `_head` is what the next page begins with, `_top` how much of it is about the server. Before
    `_searched`, what is held has no whole mark: each byte is searched a few times at most, however
    small the pieces are.
    """

    _head: bytes = b""
    _top: int = 0
    _held: bytearray = attrs.field(factory=bytearray)
    _searched: int = 0

    def feed(self, piece: bytes) -> bytes | None:
        """The next page, if this piece completes one. Raises Unusable."""
        self._held += piece
        if len(self._held) < PAGE:
            return None
        page = self._cut()
        if len(self._held) > LONGEST:
            raise Unusable(f"one of its streams takes more than {LONGEST // 1024 // 1024} MiB")
        return page

    @property
    def held(self) -> int:
        """Bytes that are held."""
        return len(self._held)

    def end(self) -> bytes:
        """The last page, which ends as the whole does. Nothing is held any more."""
        text = b"".join((self._head, self._held))
        self._held.clear()
        return text

    def _cut(self) -> bytes | None:
        """End a page after the last stream or account that is whole."""
        held = self._held
        if not self._top:
            self._top = _after(held, _ACCOUNTS, self._searched)
        begin = max(self._searched, 0 if self._head else self._top)
        self._searched = max(begin, len(held) - _OVERLAP)
        of_stream, of_account = self._ends(begin) if self._top else (-1, -1)
        if max(of_stream, of_account) < 0:
            return None
        if of_stream > of_account:
            text = self._taken(of_stream + len(_END_OF_STREAM), _REST_OF_STREAMS)
            self._head = self._reopened(text)
            return text
        text = self._taken(of_account + len(_END_OF_ACCOUNT), _REST_OF_ACCOUNTS)
        self._head = _bounded(text[: self._top])
        return text

    def _ends(self, begin: int) -> tuple[int, int]:
        """Where the last stream and the last account end."""
        return self._held.rfind(_END_OF_STREAM, begin), self._held.rfind(_END_OF_ACCOUNT, begin)

    def _taken(self, end: int, rest: bytes) -> bytes:
        """What is held up to the end of an ending, without its comma, and a rest; copied once."""
        with memoryview(self._held) as held:
            text = b"".join((self._head, held[: end - 2], rest))
        del self._held[:end]
        self._searched = 0
        return text

    def _reopened(self, text: bytes) -> bytes:
        """What comes before the first stream of the account that is being told of."""
        end = text.rfind(_STREAMS) + len(_STREAMS)
        begin = text.rfind(_ACCOUNT, self._top - 1, end) + 1
        return _bounded(text[: self._top] + text[begin:end] if begin else b"")


def _after(text: bytearray, mark: bytes, begin: int) -> int:
    """Where it goes on after a mark; 0 if there is none from `begin` on."""
    at = text.find(mark, begin)
    return at + len(mark) if at >= 0 else 0


def _bounded(head: bytes) -> bytes:
    if not 0 < len(head) <= HEAD:
        raise Unusable("its answer has an unknown form")
    return head
