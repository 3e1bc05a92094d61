"""Pods on loopback: an address for each, and configurations that use these addresses."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import attrs

from natsctl.model import names
from natsctl.render.config import jetstream
from natsctl.render.digest import config_digest

PORTS = (names.CLIENT_PORT, names.CLUSTER_PORT, names.MONITORING_PORT)
KEEPER = 254
"""The address that shows others that a network is taken."""
_HOST = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?-(?P<index>\d+)\.[-a-z0-9]+\.[-a-z0-9]+\.svc")


@attrs.frozen
class Network:
    """Addresses of which nobody uses any: servers have them on loopback, pods tell others."""

    number: int

    def address(self, index: int) -> str:
        """Of the server with this index, each time that it starts."""
        return f"127.77.{self.number}.{index}"

    def of_pod(self, index: int) -> str:
        """What its pod tells: natsctl connects to no address on loopback."""
        return f"10.77.{self.number}.{index}"

    def reached(self, address: str) -> str:
        """Where the server of a pod is."""
        return address.replace("10.", "127.", 1) if address.startswith("10.77.") else address

    @contextmanager
    def routed(self) -> Iterator[None]:
        """Who connects to a pod gets to its server."""
        loop = asyncio.get_running_loop()
        connect = loop.create_connection

        async def create_connection(protocol: Any, host: str, port: int, **more: Any) -> Any:
            return await connect(protocol, self.reached(host), port, **more)

        with patch.object(loop, "create_connection", create_connection):
            yield

    def moved(self, text: str) -> str:
        """The same with addresses instead of the names that DNS knows."""
        return _HOST.sub(lambda found: self.address(int(found["index"])), text)


@contextmanager
def free_network() -> Iterator[Network]:
    """One of many, for as long as the context lasts: several runs may go on at the same time."""
    for number in range(1, 255):
        network = Network(number)
        with ExitStack() as held:
            try:
                for port in PORTS:
                    _take(held.enter_context(socket.socket()), network.address(KEEPER), port)
            except OSError:
                continue
            yield network
            return
    raise AssertionError(f"something listens on all addresses, at one of the ports {PORTS}")


def _take(place: socket.socket, address: str, port: int) -> None:
    place.bind((address, port))
    place.listen()


def configuration(network: Network, text: str, address: str) -> str:
    """A nats.conf for one address: pods have a loopback of their own, and these do not."""
    config: dict[str, Any] = json.loads(network.moved(text)) | {"host": address}
    if "cluster" in config:
        config["cluster"]["host"] = address
    return json.dumps(config, ensure_ascii=False)


def digest(files: dict[str, str], name: str, store: str) -> str:
    """What a server says that has loaded these files."""
    loaded = {"server_name": name, **json.loads(files[names.CONFIG_KEY])}
    if jetstream.FILE in files:
        loaded[jetstream.BLOCK] = {**json.loads(files[jetstream.FILE]), "store_dir": store}
    return config_digest(loaded)


def decoded(files: dict[str, str]) -> dict[str, str]:
    """The texts of a Secret."""
    return {key: base64.b64decode(content).decode() for key, content in files.items()}
