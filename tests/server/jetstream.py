"""Clusters of real servers with JetStream, each server on an address of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import msgspec

from natsctl.api.parse import parse_spec
from natsctl.api.version import ServerVersion
from natsctl.model.node_tags import tag_prefix
from natsctl.nats.connection import Connection
from natsctl.nats.jetstream_requests import Api
from natsctl.nats.monitoring import Place
from natsctl.nats.nkey import Key
from natsctl.nats.session import Door, Session
from natsctl.render.config.system_account import system_permissions
from natsctl.sidecar.node_tags import TagSettings, start_text, tagged
from tests.server import servers

OPERATOR, USER = Key.of(b"o" * 32), Key.of(b"u" * 32)
ACCOUNT = "APP"
ZONE = "topology.kubernetes.io/zone"
PERMISSIONS = system_permissions(parse_spec({"size": 3, "jetstream": {}}))
"""As they are rendered."""


@attrs.frozen
class Ports:
    """The same on all addresses."""

    clients: int
    monitoring: int
    routes: int


@attrs.frozen
class Server:
    """A running server."""

    name: str
    address: str
    process: subprocess.Popen[bytes]
    monitoring: int

    def ask(self, page: str) -> Any:
        """A JSON answer of the monitoring port."""
        url = f"http://{self.address}:{self.monitoring}{page}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)

    @property
    def id(self) -> str:
        """As in /varz."""
        return str(self.ask("/varz")["server_id"])

    def stop(self) -> None:
        """End it, and wait for that."""
        self.process.terminate()
        self.process.wait(timeout=servers.PATIENCE)


@attrs.frozen
class Cluster:
    """Servers, and how to speak to them as the operator does."""

    servers: tuple[Server, ...]
    ports: Ports

    @property
    def places(self) -> dict[str, Place]:
        """Where each is asked, by its name."""
        return {it.name: Place(it.address, it.name) for it in self.servers}

    def api(self, *through: str) -> Api:
        """Requests that go through one of these servers; by default the first."""
        chosen = [it for it in self.servers if it.name in (through or ("c-1",))]
        doors = tuple(Door(it.address, it.id) for it in chosen)
        return Api(Session(lambda: OPERATOR), lambda: doors)

    def server(self, name: str) -> Server:
        """The one with this name."""
        return next(it for it in self.servers if it.name == name)

    def leader(self) -> str:
        """Whom all that run call the leader of the meta group; empty if they do not agree."""
        told = {
            (it.ask("/jsz").get("meta_cluster") or {}).get("leader", "")
            for it in self.servers
            if it.process.poll() is None
        }
        return told.pop() if len(told) == 1 else ""

    async def members(self, stream: str) -> tuple[str, ...]:
        """Where a stream is, as its leader tells it, that first; none while nobody is."""
        answer = await self.request(f"STREAM.INFO.{stream}")
        cluster = answer.get("cluster") or {}
        if not cluster.get("leader") or cluster.get("desired"):
            return ()
        return (cluster["leader"], *(it["name"] for it in cluster.get("replicas") or ()))

    async def request(self, subject: str, **content: Any) -> Any:
        """The answer of the JetStream API to a user of the account."""
        first, connection = self.servers[0], Connection()
        try:
            async with asyncio.timeout(10):
                await connection.open(first.address, self.ports.clients, first.id, USER, None)
                written = msgspec.json.encode(content) if content else b""
                return json.loads(await connection.request(f"$JS.API.{subject}", written))
        finally:
            connection.close()
            await asyncio.sleep(0)

    async def add(self, stream: str, replicas: int, consumers: int = 1) -> None:
        """Create a stream with some consumers.

        A leader on a busy machine may not have heard of a member for a moment. Until it has, it
        refuses to place anything there (seen with 2.15.3).
        """
        subject, subjects = f"STREAM.CREATE.{stream}", [f"{stream}.>"]
        refusal = ""

        async def is_placed() -> bool:
            nonlocal refusal
            made = await self.request(
                subject, name=stream, subjects=subjects, num_replicas=replicas, storage="file"
            )
            refusal = made.get("error", {}).get("description", "")
            return "peer offline" not in refusal

        await until(is_placed)
        assert not refusal
        for index in range(consumers):
            config = {"durable_name": f"d{index}", "ack_policy": "explicit"}
            made = await self.request(
                f"CONSUMER.DURABLE.CREATE.{stream}.d{index}", stream_name=stream, config=config
            )
            assert "error" not in made, made


@contextmanager
def running(version: str, folder: Path, size: int, zones: Sequence[str] = ()) -> Iterator[Cluster]:
    """A cluster whose servers are all healthy, until the end of the block.

    With `zones`, each is on a node of that zone (empty: of none), and has its tag; replicas of a
    stream are kept in different ones.
    """
    ports = Ports(*_free(3))
    names = [f"c-{index}" for index in range(1, size + 1)]
    started: list[Server] = []
    try:
        for index, name in enumerate(names, 1):
            zone = zones[index - 1] if zones else None
            started.append(_start(version, folder / name, index, size, ports, zone))
        healthy = lambda: all(_healthy(it) for it in started)  # noqa: E731
        assert servers.wait_for(healthy), [(folder / it / "log").read_text() for it in names]
        yield Cluster(tuple(started), ports)
    finally:
        for server in started:
            server.process.terminate()
        for server in started:
            server.process.wait(timeout=servers.PATIENCE)


async def until(condition: Callable[[], Any], seconds: float = servers.PATIENCE) -> bool:
    """Whether a condition, or what it waits for, comes true in time.

    While a group has no leader, nobody answers requests about it.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(TimeoutError):
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return True
        await asyncio.sleep(0.1)
    return False


def _start(
    version: str, folder: Path, index: int, size: int, ports: Ports, zone: str | None
) -> Server:
    folder.mkdir()
    address = _address(index)
    routes = [f"nats://{_address(other)}:{ports.routes}" for other in range(1, size + 1)]
    config = {
        "server_name": f"c-{index}",
        "host": address,
        "port": ports.clients,
        "http": f"{address}:{ports.monitoring}",
        "cluster": {
            "name": "c",
            "host": address,
            "port": ports.routes,
            "routes": routes,
            **_pool(version),
        },
        "jetstream": {
            "store_dir": str(folder),
            "max_file_store": 2**28,
            "max_memory_store": 2**26,
            **({} if zone is None else {"unique_tag": tag_prefix(ZONE)}),
        },
        "accounts": {
            "$SYS": {"users": [{"nkey": OPERATOR.public, "permissions": PERMISSIONS}]},
            ACCOUNT: {"jetstream": True, "users": [{"nkey": USER.public}]},
        },
    }
    file = folder / "nats.conf"
    file.write_text(json.dumps(config, indent=2))
    with (folder / "log").open("w") as output:
        command = [servers.binary(version), "-c", str(_tagged(file, zone) if zone else file)]
        process = subprocess.Popen(command, stderr=output)
    return Server(f"c-{index}", address, process, ports.monitoring)


def _pool(version: str) -> dict[str, int]:
    """One route between two servers.

    With a pool of them, a server of 2.10 that starts while others connect to it may never hear what
    one of them asks in the system account: about once in a hundred starts of four, there was no
    leader within 90 s (votes were sent and not received), or one server never became current.
    """
    return {"pool_size": -1} if ServerVersion.parse(version).at_least(2, 10) else {}


def _tagged(config: Path, zone: str) -> Path:
    """The file that a server in this zone starts with, as the init container writes it."""
    settings = TagSettings((ZONE,), config.with_name("start.conf"), config)
    node = {"metadata": {"labels": {ZONE: zone}}}
    settings.file.write_text(start_text(settings, tagged(node, settings.labels).tags))
    return settings.file


def _address(index: int) -> str:
    return f"127.0.0.{10 + index}"


def _healthy(server: Server) -> bool:
    assert server.process.poll() is None
    try:
        return bool(server.ask("/healthz")["status"] == "ok")
    except OSError:
        return False


def _free(count: int) -> list[int]:
    """Ports that nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [it.getsockname()[1] for it in sockets]
    finally:
        for it in sockets:
            it.close()
