"""Websocket clients: encrypted or not, compressed or not."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable

import aiohttp
import nats
import pytest
from nats.aio.msg import Msg

from tests.e2e.certificates import Authority
from tests.e2e.client import user
from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.kubectl import Json, Kubectl

Apply = Callable[..., Cluster]
PORT = 8080
DEFLATE = 15
pytestmark = [
    pytest.mark.usefixtures("reaches_pods"),
    # nats-py 2.16 tells aiohttp its time limit the old way.
    pytest.mark.filterwarnings("ignore:parameter 'timeout' of type:DeprecationWarning"),
]
VERSIONS = pytest.mark.parametrize("version", ["2.2.6", "2.9.25", NEXT])


def service(cluster: Cluster) -> str:
    """The address of the clients' Service."""
    return user(cluster).address


def answers(url: str, tls: ssl.SSLContext | None = None) -> bool:
    """Whether one websocket client gets its own answer to its own question."""

    async def ask() -> bool:
        async def fail(error: Exception) -> None:
            raise error

        async def reply(message: Msg) -> None:
            await message.respond(message.data)

        client = await nats.connect(url, tls=tls, error_cb=fail, allow_reconnect=False)
        try:
            await client.subscribe("ask", cb=reply)
            return (await client.request("ask", b"x", timeout=5)).data == b"x"
        finally:
            await client.close()

    return asyncio.run(asyncio.wait_for(ask(), 15))


def compressed(url: str, tls: ssl.SSLContext | None = None) -> bool:
    """Whether the server takes up the offer of compression."""

    async def offer() -> bool:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, compress=DEFLATE, ssl=tls or True) as opened,
        ):
            assert (await opened.receive_bytes()).startswith(b"INFO")
            return bool(opened.compress)

    return asyncio.run(offer())


@VERSIONS
def test_without_encryption(cluster: Apply, version: str) -> None:
    """Where the spec says so, through the Service; the node does not open the port."""
    config: Json = {"port": PORT, "no_tls": True}
    found = cluster("a", size=1, version=version, websocketConfig=config).ready()
    assert answers(f"ws://{service(found)}:{PORT}")
    assert not compressed(f"ws://{service(found)}:{PORT}")
    ports = found.pods()["a-1"]["spec"]["containers"][0]["ports"]
    assert {"name": "websocket", "containerPort": PORT, "protocol": "TCP"} in ports


@VERSIONS
def test_with_encryption(cluster: Apply, namespace: Kubectl, version: str) -> None:
    """Beside clients of the usual port, who need none."""
    ca, where = Authority(), namespace.namespace
    namespace.apply(ca.secret("websocket-tls", f"a.{where}.svc"))
    found = cluster(
        "a",
        size=1,
        version=version,
        websocketConfig={"port": PORT, "compression": True},
        tls={"websocketSecret": "websocket-tls", "websocketTLSTimeout": 5},
    ).ready()
    assert answers(f"wss://{service(found)}:{PORT}", ca.context())
    assert compressed(f"wss://{service(found)}:{PORT}", ca.context())
    with pytest.raises(aiohttp.ClientSSLError):
        compressed(f"wss://{service(found)}:{PORT}", Authority().context())
    with pytest.raises(aiohttp.ClientError):
        compressed(f"ws://{service(found)}:{PORT}")
    assert user(found).gets_in()


def test_compression_and_the_time_of_a_handshake(cluster: Apply) -> None:
    """A client that says nothing has the time that the spec gives it, more than servers do."""
    config = {"port": PORT, "no_tls": True, "compression": True, "handshakeTimeout": "5s"}
    found = cluster("a", size=1, version=NEXT, websocketConfig=config).ready()
    assert compressed(f"ws://{service(found)}:{PORT}")
    began = time.monotonic()
    with socket.create_connection((service(found), PORT), 60) as silent:
        assert silent.recv(1) == b""
    assert time.monotonic() - began > 4
