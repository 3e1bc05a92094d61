"""A connection by nats-py that gives up at once, prints nothing and leaves nothing behind.

It is a module of its own because nats-py is imported late: it costs 2 MiB, and only an operator
that reloads servers needs it.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs
from nats.aio.client import Client
from nats.aio.transport import TcpTransport

if TYPE_CHECKING:
    import ssl

    from natsctl.servers.nkey import Key

CLOSING = 0.5
"""Seconds that nats-py may take to end what it has begun."""


class _Transport(TcpTransport):
    """TCP that becomes TLS by asyncio's own means, and whose end waits for nobody.

    That of nats-py logs a warning at the end of each TLS connection, and waits for ever for the
    end of one whose handshake failed.
    """

    async def connect_tls(self, uri: Any, ssl_context: ssl.SSLContext, *_: int, **__: int) -> None:
        assert self._io_writer
        host = uri if isinstance(uri, str) else uri.hostname
        await self._io_writer.start_tls(ssl_context, server_hostname=host)

    def __bool__(self) -> bool:
        return True  # or nats-py takes one of its own

    def close(self) -> None:
        if self._io_writer:
            self._io_writer.transport.abort()

    async def wait_closed(self) -> None:
        await asyncio.sleep(0)  # the loop closes the socket in its next round


@attrs.define
class Connection:
    """One connection; `heard` is the first error that nats-py told nobody but its callback."""

    heard: Exception | None = None
    _client: Client = attrs.field(factory=Client)
    _closed: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def open(self, url: str, key: Key, tls: ssl.SSLContext | None) -> None:
        """Connect as the user with this key; `tls` is used if the server asks for it."""
        self._client._transport = _Transport()  # type: ignore[no-untyped-call]  # of nats-py
        # There is no other way to tell it but along with a seed, for which it needs PyNaCl.
        self._client._public_nkey = key.public
        await self._client.connect(
            url,
            signature_cb=lambda nonce: _base64url(key.sign(nonce.encode())),
            tls=tls,
            name="natsctl",
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            error_cb=self._hear,
            closed_cb=self._note_end,
        )

    async def request(self, subject: str, seconds: float) -> bytes:
        """The first answer to an empty message."""
        return (await self._client.request(subject, timeout=seconds)).data

    async def close(self) -> None:
        """End it, however far it came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self._client.close()
                await self._closed.wait()

    async def _hear(self, error: Exception) -> None:
        self.heard = self.heard or error

    async def _note_end(self) -> None:
        self._closed.set()


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
