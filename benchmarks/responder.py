"""Monitoring answers for pods that only pretend to run.

kwok's pods have addresses and nothing behind them. A local route leads all those addresses here,
to one server, which knows by the address it was called on which pod it is to be, and by a watch
which pods belong to the same cluster. So the operator asks exactly as it always does. It also
keeps the fake node alive.

Run inside the testbed's network: python -m benchmarks.responder
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess

import aiohttp
import attrs
import msgspec

from benchmarks import heartbeat
from benchmarks.bare import Bare, Json, connect
from benchmarks.streams import jsz
from natsctl.model import names
from natsctl.model.objects import Pod
from natsctl.model.server_identity import server_name_of

POD_RANGE = "10.245.0.0/16"
SELECTOR = f"{names.LABEL_APP}={names.APP},{names.LABEL_CLUSTER}"
ASKED = "/asked"
"""Not a page of nats-server: how many pages were asked for so far."""
STARTED = "2026-01-01T00:00:00Z"
SLOW = "slow"
"""The namespace whose servers take every question, and never answer."""
NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@attrs.frozen
class Server:
    """One pretended nats-server."""

    id: str
    cluster: tuple[str, str]
    version: str
    name: str


@attrs.define
class Roster:
    """Which server is at which address, and which are in the same cluster."""

    by_address: dict[str, Server] = attrs.field(factory=dict)
    by_cluster: dict[tuple[str, str], dict[str, str]] = attrs.field(factory=dict)
    """Their names by id."""
    _addresses: dict[str, str] = attrs.field(factory=dict)

    def learn(self, type_: str, pod: Json) -> None:
        """Take note of a watch event."""
        meta, address = pod["metadata"], (pod.get("status") or {}).get("podIP")
        self._forget(meta["uid"])
        if type_ == "DELETED" or not address:
            return
        labels = meta["labels"]
        cluster = (meta["namespace"], labels[names.LABEL_CLUSTER])
        self._addresses[meta["uid"]] = address
        name = server_name_of(msgspec.convert(pod, Pod)) or meta["name"]
        server = Server(meta["uid"], cluster, labels[names.LABEL_VERSION], name)
        self.by_address[address] = server
        self.by_cluster.setdefault(cluster, {})[server.id] = name

    def _forget(self, uid: str) -> None:
        address = self._addresses.pop(uid, None)
        server = self.by_address.get(address) if address else None
        if server is not None and server.id == uid:
            self.by_cluster[server.cluster].pop(uid, None)
            del self.by_address[str(address)]

    def answer(self, address: str, path: str) -> Json | None:
        """What the server at this address says at this path."""
        server = self.by_address.get(address)
        if server is None:
            return None
        others = {k: v for k, v in self.by_cluster[server.cluster].items() if k != server.id}
        match path.partition("?")[0]:
            case "/varz":
                known = {"server_id": server.id, "version": server.version}
                return {**known, "server_name": server.name, "start": STARTED}
            case "/routez":
                routes = [{"remote_id": k, "remote_name": v} for k, v in others.items()]
                return {"server_id": server.id, "routes": routes}
            case "/jsz":
                return jsz(server.id, server.name, sorted([server.name, *others.values()]))
            case "/" | "/healthz":
                return {"status": "ok"}
        return None


@attrs.define
class Count:
    """Pages that were asked for."""

    pages: int = 0


@attrs.define
class Answering(asyncio.Protocol):
    """One connection: an answer to each request, and one more in the count of all.

    It stays open, as a server keeps it, unless the request says that it is the last one.
    """

    roster: Roster
    count: Count = attrs.field(factory=Count)
    transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer at once: the requests are short enough to come in one piece."""
        assert self.transport is not None
        address = self.transport.get_extra_info("sockname")[0]
        path = data.split(b" ", 2)[1].decode()
        server = self.roster.by_address.get(address)
        if server is not None and server.cluster[0] == SLOW:
            return
        if path == ASKED:
            page: Json | None = {"pages": self.count.pages}
        else:
            self.count.pages += 1
            page = self.roster.answer(address, path)
        self.transport.write(NOTHING if page is None else _response(page))
        if b"Connection: close" in data:
            self.transport.close()


def _response(page: Json) -> bytes:
    body = json.dumps(page).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def asked() -> int:
    """How many pages were asked for so far, of the responder that runs."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{names.MONITORING_PORT}{ASKED}") as reply,
    ):
        return int((await reply.json())["pages"])


async def _both(bare: Bare, roster: Roster) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(heartbeat.keep(bare))
        group.create_task(_follow(bare, roster))


async def _follow(bare: Bare, roster: Roster) -> None:
    while True:
        async for event in bare.watch("/api/v1/pods", labelSelector=SELECTOR):
            roster.learn(event["type"], event["object"])


async def serve(kubeconfig: str) -> None:
    """Answer for all pods until the process ends."""
    roster, count = Roster(), Count()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Answering(roster, count), "0.0.0.0", names.MONITORING_PORT, backlog=1024
    )
    async with server, connect(kubeconfig) as bare:
        await _both(bare, roster)


if __name__ == "__main__":
    subprocess.run(["ip", "route", "replace", "local", POD_RANGE, "dev", "lo"], check=True)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(os.environ["KUBECONFIG"]))
