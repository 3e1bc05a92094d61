"""aiohttp as it was when it was read."""

from __future__ import annotations

import socket

import aiohttp
from aiohttp import web

from natsctl.compat import aiohttp_sockets
from natsctl.compat.aiohttp_sockets import use_sockets
from tests.unit.compat.canary import changed


def test_a_connector_keeps_its_socket_factory_where_it_is_replaced() -> None:
    source = aiohttp.TCPConnector.__init__.__code__
    kept = "_socket_factory" in source.co_names and "socket_factory" in source.co_varnames
    assert kept, changed(aiohttp_sockets, "where a connector keeps its socket factory")


async def test_connections_are_made_of_the_sockets_that_are_given() -> None:
    """If they are not, writes go out after the lease that permitted them, and nobody is told."""
    opened = []

    def open_socket(address: aiohttp.AddrInfoType) -> socket.socket:
        opened.append(socket.socket(*address[:3]))
        return opened[-1]

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response()

    server = web.ServerRunner(web.Server(answer))
    await server.setup()
    site = web.TCPSite(server, "127.0.0.1", 0)
    await site.start()
    try:
        async with aiohttp.ClientSession() as session:
            use_sockets(session, open_socket)
            (host, port) = server.addresses[0][:2]
            async with session.get(f"http://{host}:{port}/"):
                pass
    finally:
        await server.cleanup()
    assert len(opened) == 1, changed(aiohttp_sockets, "connections have sockets of their own")
