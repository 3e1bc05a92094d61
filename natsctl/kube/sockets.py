"""Sockets that give up with the request: nothing of a write leaves this machine after its time.

Otherwise the kernel would go on sending a write that timed out here, and deliver it when the
network is back; and a process that stood still between its last look at the lease and the write
would send it when it wakes up. Either may be after somebody else leads.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiohttp

    from natsctl.kube.fence import Permit

UNSENT = 4.0
"""Seconds until bytes of a read that nobody acknowledges are given up."""


@attrs.define
class _Current:
    """What is being sent in this context; `left` is None once that is answered."""

    left: Callable[[], float] | None


_CURRENT: ContextVar[_Current] = ContextVar("sending")


@contextmanager
def sending(permit: Permit | None) -> Iterator[None]:
    """What sockets send within is of one request, and ends with its permit."""
    current = _Current(permit.left if permit else None)
    token = _CURRENT.set(current)
    try:
        yield
        current.left = None  # callbacks of the connection go on in this context
    finally:
        _CURRENT.reset(token)


class Socket(socket.socket):
    """Asks before each piece whether it may still be sent, and has the kernel keep to that."""

    def send(self, *arguments: Any) -> int:
        """As the method of socket; TimeoutError if it is too late."""
        self._limit()
        return super().send(*arguments)

    def sendmsg(self, *arguments: Any) -> int:
        """As the method of socket; TimeoutError if it is too late."""
        self._limit()
        return super().sendmsg(*arguments)

    def _limit(self) -> None:
        current = _CURRENT.get(None)
        left = current.left() if current and current.left else UNSENT
        if left <= 0:
            raise TimeoutError("too late to send a write")
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = max(int(left * 1000), 1)  # 0 would be for ever
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def open_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket for one connection to the API server."""
    family, kind, protocol, *_ = address
    return Socket(family, kind, protocol)
