"""A connection to a server's client port for a few questions, with limits on all that it may send.

A server is as trustworthy as whoever may write pods in its namespace. General clients follow what
a server tells them: other servers to connect to, how long the next message is, whether to
encrypt. This one knows six words of the protocol, and forgets everything at its end.

https://docs.nats.io/reference/reference-protocols/nats-protocol
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import attrs
import msgspec

from natsctl.model.struct_types import known_to_threads
from natsctl.nats.monitoring import Id

if TYPE_CHECKING:
    import ssl

    from natsctl.nats.nkey import Key

LINE, PAYLOAD, LINES = 128 * 1024, 1024 * 1024, 64
"""Bytes of a line and of a message, and how many lines may come before an answer.

The longest line is the first, which lists the addresses of all servers: 62 KB of 999 with IPv6,
for clients and websocket. An answer that refuses a configuration prints what differs in it.
"""

INBOX = "_INBOX.natsctl"
"""Begins where answers are heard, which is all that the operator's user may hear."""

_MESSAGE: Final = re.compile(rb"MSG +\S+ +(\d{1,9}) +(?:\S+ +)?(\d{1,9}) *\Z")
_WITH_HEADERS: Final = re.compile(rb"HMSG +\S+ +(\d{1,9}) +(?:\S+ +)?(\d{1,9}) +(\d{1,9}) *\Z")
_NO_RESPONDERS: Final = b"NATS/1.0 503"
Nonce = Annotated[str, msgspec.Meta(max_length=128, pattern=r"\A[!-~]*\Z")]


class Misbehaviour(Exception):
    """What answers is no nats-server, or one that ought not to be spoken to."""


class Told(Exception):
    """An error in the words of the server."""


class NoResponders(Exception):
    """Nobody there answers to this request."""


class Info(msgspec.Struct):
    """The used part of what a server says first."""

    server_id: Id
    nonce: Nonce = ""
    tls_required: bool = False
    tls_available: bool = False


class _Wire(asyncio.Protocol):
    """Bytes in and out. Reading pauses while more than two lines' worth is waiting."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader(limit=LINE)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.reader.set_transport(transport)

    def data_received(self, data: bytes) -> None:
        self.reader.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            self.reader.set_exception(error)
        self.reader.feed_eof()


class _Link(NamedTuple):
    reader: asyncio.StreamReader
    transport: asyncio.Transport


@attrs.define
class Connection:
    """One connection. `asked` counts its questions."""

    asked: int = 0
    _links: list[_Link] = attrs.field(factory=list)

    async def open(
        self, address: str, port: int, server_id: str, key: Key, tls: ssl.SSLContext | None
    ) -> None:
        """Connect to this very server as the user with this key, encrypted if `tls` is given."""
        loop = asyncio.get_running_loop()
        transport, wire = await loop.create_connection(_Wire, address, port)
        self._links.append(_Link(wire.reader, transport))
        info = await self._greeting()
        if info.server_id != server_id:
            raise Misbehaviour("another server answers, or it was restarted")
        if tls is not None:
            await self._encrypt(info, address, tls)
        elif info.tls_required:
            raise Misbehaviour("it requires TLS, and there is no certificate to verify it with")
        if not info.nonce:
            raise NoResponders  # it knows nobody by a key
        self._send(_connect(key, info.nonce))
        await self.answers()

    async def request(self, subject: str, content: bytes = b"") -> bytes:
        """The first answer to a message. After an exception the connection is not to be used."""
        self.asked += 1
        own, inbox = self.asked, f"{INBOX}.{secrets.token_hex(11)}"
        self._send(
            f"SUB {inbox} {own}".encode(),
            f"UNSUB {own} 1".encode(),
            f"PUB {subject} {inbox} {len(content)}".encode(),
            content,
        )
        line = await self._until(b"MSG ", b"HMSG ")
        if (header := _MESSAGE.match(line)) is not None and int(header[1]) == own:
            return await self._payload(0, int(header[2]))
        if (header := _WITH_HEADERS.match(line)) is not None and int(header[1]) == own:
            return await self._payload(int(header[2]), int(header[3]))
        raise Misbehaviour("its message was not requested")

    async def answers(self) -> None:
        """Wait until the server has read all that was said, and says so."""
        self._send(b"PING")
        await self._until(b"PONG")

    def close(self) -> None:
        """End it, however far it came; nobody is waited for."""
        for link in reversed(self._links):
            link.transport.abort()

    async def _greeting(self) -> Info:
        word, _, text = (await self._line()).partition(b" ")
        if word != b"INFO":
            raise Misbehaviour("it does not speak NATS")
        return msgspec.json.decode(text, type=Info)

    async def _encrypt(self, info: Info, address: str, tls: ssl.SSLContext) -> None:
        """What came before in plain text is forgotten: anybody may have sent it."""
        if not (info.tls_required or info.tls_available):
            raise Misbehaviour("it does not offer TLS, which the cluster uses")
        wire, plain = _Wire(), self._links[-1].transport
        made = await asyncio.get_running_loop().start_tls(plain, wire, tls, server_hostname=address)
        assert made is not None
        wire.connection_made(made)
        self._links.append(_Link(wire.reader, made))

    async def _until(self, *wanted: bytes) -> bytes:
        """The next line that begins with one of these words."""
        for _ in range(LINES):
            line = await self._line()
            if line.startswith(wanted):
                return line
            if line.startswith(b"-ERR"):
                raise Told(line[4:].decode("ascii", "replace").strip("' "))
            if line == b"PING":
                self._send(b"PONG")
        raise Misbehaviour("it sends data that was not requested")

    async def _line(self) -> bytes:
        try:
            return (await self._links[-1].reader.readuntil(b"\r\n"))[:-2]
        except asyncio.LimitOverrunError:
            raise Misbehaviour("it sends a line without an end") from None

    async def _payload(self, headers: int, size: int) -> bytes:
        if not headers <= size <= PAYLOAD:
            raise Misbehaviour("its answer is too long")
        content = await self._links[-1].reader.readexactly(size + 2)
        if content.startswith(_NO_RESPONDERS):
            raise NoResponders
        return content[headers:size]

    def _send(self, *lines: bytes) -> None:
        self._links[-1].transport.write(b"".join(line + b"\r\n" for line in lines))


def _connect(key: Key, nonce: str) -> bytes:
    login = {
        "verbose": False,
        "pedantic": False,
        "name": "natsctl",
        "lang": "python",
        "version": "1",
        "headers": True,
        "no_responders": True,
        "nkey": key.public,
        "sig": base64.urlsafe_b64encode(key.sign(nonce.encode())).rstrip(b"=").decode(),
    }
    return b"CONNECT " + msgspec.json.encode(login)


known_to_threads(Info)
