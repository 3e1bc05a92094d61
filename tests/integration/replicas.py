"""Replicas of the operator as processes, each behind a proxy of its own, and pods that pretend.

The control plane has no kubelet, no controllers and no servers. `Pretender` is a toy of them: it
makes pods ready and answers their monitoring ports, so that a cluster can be rolled, and collects
pods that were left half deleted.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import msgspec

from benchmarks.responder import POD_RANGE, Answering, Roster
from natsctl.kube.client import Client
from natsctl.kube.errors import ApiError
from natsctl.kube.resources import PODS
from natsctl.model import names
from tests.integration.proxy import Proxy, Write
from tests.integration.wall_clock import WallClock

GONE = "DELETED"
POLL = 0.1


@attrs.define
class Pretender:
    """Makes the pods of one namespace ready; notes who came and who went, in order."""

    client: Client
    namespace: str
    roster: Roster = attrs.field(factory=Roster)
    deleted: list[str] = attrs.field(factory=list)
    created: list[str] = attrs.field(factory=list)
    _known: dict[str, dict[str, Any]] = attrs.field(factory=dict)

    async def run(self) -> None:
        """Look at the pods again and again; survives an API server that is away."""
        loop = asyncio.get_running_loop()
        # Within the network of the testbed, all addresses of pods are answered here.
        route = ("ip", "route", "replace", "local", POD_RANGE, "dev", "lo")
        assert await (await asyncio.create_subprocess_exec(*route)).wait() == 0
        answering = await loop.create_server(
            lambda: Answering(self.roster), "0.0.0.0", names.MONITORING_PORT, reuse_address=True
        )
        async with answering:
            while True:
                with suppress(ApiError):
                    await self._look()
                await asyncio.sleep(POLL)

    async def _look(self) -> None:
        reply = await self.client.transport.request("GET", PODS.path(self.namespace))
        found = {p["metadata"]["uid"]: p for p in msgspec.json.decode(reply.body)["items"]}
        await self._collect(found)
        for uid in self._known.keys() - found.keys():
            pod = self._known.pop(uid)
            self.deleted.append(pod["metadata"]["name"])
            self.roster.learn(GONE, pod)
        for uid in found.keys() - self._known.keys():
            self.created.append(found[uid]["metadata"]["name"])
            self._known[uid] = await self._start(found[uid])
            self.roster.learn("ADDED", self._known[uid])

    async def _collect(self, found: dict[str, dict[str, Any]]) -> None:
        """Delete what is leaving and has no node, as the garbage collector of pods does.

        The API server marks a pod first and deletes it then. Who asked for that may have ended, and
        the request with it, between the two.
        """
        for uid, pod in found.items():
            if "deletionTimestamp" in pod["metadata"]:
                await self.client.delete(PODS, self.namespace, pod["metadata"]["name"], uid, 0)

    async def _start(self, pod: dict[str, Any]) -> dict[str, Any]:
        address = f"10.245.77.{len(self.created)}"
        status = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        name = pod["metadata"]["name"]
        await self.client.patch_status(PODS, self.namespace, name, {"status": status})
        return {**pod, "status": status}


@attrs.define
class Replica:
    """One operator process, which knows the API server only through its proxy."""

    proxy: Proxy
    process: asyncio.subprocess.Process
    log: Path
    clock: WallClock

    @property
    def name(self) -> str:
        """That of its pod, as in the lease."""
        return self.log.stem

    @property
    def writes(self) -> list[Write]:
        """What it did as a leader."""
        return [write for write in self.proxy.journal if write.of_a_leader]

    def leads(self) -> bool:
        """Whether it has ever led."""
        return "leading as" in self.log.read_text()

    async def metrics(self) -> str:
        """What Prometheus would see."""
        (port,) = re.findall(r"serving health and metrics on port (\d+)", self.log.read_text())
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/metrics") as reply,
        ):
            return await reply.text()

    async def until_leading(self, seconds: float) -> float:
        """Wait until it leads; the moment."""
        deadline = time.monotonic() + seconds
        while not self.leads():
            assert time.monotonic() < deadline, (
                f"{self.name} does not lead:\n{self.log.read_text()}"
            )
            await asyncio.sleep(0.02)
        return time.monotonic()

    async def until_ended(self, seconds: float) -> int:
        """Wait for its end; the exit status."""
        return await asyncio.wait_for(self.process.wait(), seconds)


@asynccontextmanager
async def replica(kubeconfig: str, namespace: str, log: Path) -> AsyncIterator[Replica]:
    """An operator process behind a new proxy, with a wall clock of its own, right at first.

    It has ended afterwards, one way or another.
    """
    clock = WallClock(log.with_suffix(".clock"))
    async with Proxy.in_front_of(kubeconfig) as proxy:
        where = ("--kubeconfig", proxy.kubeconfig, "--namespace", namespace)
        program = (sys.executable, "-m", "natsctl", "operator")
        command = clock.command(*program, *where, "--listen-addr", "127.0.0.1:0")
        environment = {**os.environ, "MY_POD_NAME": log.stem}
        with log.open("w") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdout=output,
                stderr=output,
                env=environment,
            )
        try:
            found = Replica(proxy, process, log, clock)
            await _until_serving(found)
            yield found
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            await process.wait()


async def _until_serving(found: Replica) -> None:
    async with asyncio.timeout(20):
        while not re.search("serving health and metrics", found.log.read_text()):
            assert found.process.returncode is None, found.log.read_text()
            await asyncio.sleep(0.02)
