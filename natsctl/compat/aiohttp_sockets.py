"""Sockets of our own in a session of aiohttp that somebody else made.

A connector takes a socket factory when it is made. kubernetes_asyncio makes the connector, and no
option of it leads there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    import aiohttp

READ_FROM: Final = "aiohttp 3.14.5"


def use_sockets(
    session: aiohttp.ClientSession, opened: Callable[[aiohttp.AddrInfoType], socket]
) -> None:
    """Have all later connections of a session use sockets that `opened` makes."""
    connector: Any = session.connector
    connector._socket_factory = opened
