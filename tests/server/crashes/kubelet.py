"""A kubelet that runs a real nats-server for each pod of an API server in memory.

A pod has an address on loopback and its volume in a folder. A server does not know the difference:
only addresses in its files are others, and what it says of them is told as if they were not.
"""

from __future__ import annotations

import asyncio
import signal
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from natsctl.model import names
from natsctl.model.observation import Observation
from natsctl.nats.monitoring import Monitor, Place
from tests.server import servers
from tests.server.crashes.addresses import Network, configuration, decoded, digest
from tests.server.layout import below
from tests.unit.simulated.apiserver import Json
from tests.unit.simulated.nodes import CLAIM, Node, Server
from tests.unit.simulated.requests import Where

LOOK, FAILURES = 0.3, 3
"""Seconds between two looks whether a server is ready, and how many in a row make it unready."""


@attrs.define
class Kubelet(Node):
    """Starts real servers below a folder, and stops them as a pod's hook does."""

    network: Network = attrs.field(kw_only=True)
    folder: Path = attrs.field(kw_only=True)
    processes: dict[str, asyncio.subprocess.Process] = attrs.field(factory=dict)
    """By address."""
    digests: dict[str, str] = attrs.field(factory=dict)
    """Of what servers have loaded, with that of the same configuration before it was moved."""
    accidents: list[str] = attrs.field(factory=list)
    """Servers that ended without being asked to, and what this kubelet itself failed at."""

    def _spawn(self, work: Any) -> None:
        super()._spawn(self._noting(work))

    async def _noting(self, work: Any) -> None:
        try:
            await work
        except Exception:
            self.accidents.append(traceback.format_exc())

    def address_of(self, pod: Json) -> str:
        return self.network.of_pod(int(pod["metadata"]["name"].rpartition("-")[2]))

    async def _until_ready(self, pod: Json) -> None:
        """Start the server, and look after it from then on."""
        address = self.address_of(pod)
        server = self.servers[address]
        self._shown(pod, server)
        self.processes[address] = await self._launched(pod, server)
        self._spawn(self._look_after(pod, self.processes[address]))
        while address in self.processes and not await self._says_ready(pod):  # noqa: ASYNC110 - as a kubelet looks
            await asyncio.sleep(LOOK)

    async def _until_stopped(self, where: Where) -> None:
        """The hook tells it to leave, and the kubelet the same again right after."""
        address = self.address_of(self.api.objects[where])
        while address not in self.processes:  # noqa: ASYNC110 - it is being started
            await asyncio.sleep(LOOK)
        process = self.processes.pop(address)
        for number in (signal.SIGUSR2, signal.SIGTERM):
            with suppress(ProcessLookupError):
                process.send_signal(number)
            await asyncio.sleep(0.1)
        await process.wait()

    def _shown(self, pod: Json, server: Server) -> None:
        original = decoded(server.files)
        moved = dict(original)
        text = original[names.CONFIG_KEY]
        moved[names.CONFIG_KEY] = configuration(
            self.network, text, self.network.reached(self.address_of(pod))
        )
        for key, content in moved.items():
            file = self.path_of(pod, f"{names.CONFIG_DIR}/{key}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        theirs = digest(moved, server.name, str(self.store_of(pod) or ""))
        self.digests[theirs] = digest(original, server.name, names.STORE_DIR)

    async def _launched(self, pod: Json, server: Server) -> asyncio.subprocess.Process:
        container = pod["spec"]["containers"][0]
        self.path_of(pod, names.PID_DIR).mkdir(parents=True, exist_ok=True)
        _, *arguments = (self._argument(pod, it) for it in container["command"])
        environment = {it["name"]: it["value"] for it in container["env"]}
        if (store := self.store_of(pod)) is not None:
            environment[names.STORE_DIR_ENV] = f'"{store}"'
        with self.path_of(pod, "log").open("w") as log:
            return await asyncio.create_subprocess_exec(
                servers.binary(server.version), *arguments, env=environment, stderr=log
            )

    def _argument(self, pod: Json, text: str) -> str:
        if text.startswith((names.CONFIG_DIR, names.PID_DIR)):
            return str(self.path_of(pod, text))
        return self.network.moved(text)

    async def _look_after(self, pod: Json, process: asyncio.subprocess.Process) -> None:
        """Tell whether it is ready, from when it has been once."""
        where = ("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
        failures = 0
        while process.returncode is None and self.is_pod(where, pod["metadata"]["uid"]):
            await asyncio.sleep(LOOK)
            server = self.servers.get(self.address_of(pod))
            failures = 0 if await self._says_ready(pod) else failures + 1
            if server and self.is_pod(where, pod["metadata"]["uid"]):
                if server.ready and failures == FAILURES:
                    self.tell_ready(where, ready=False)
                elif not server.ready and not failures:
                    self.tell_ready(where, ready=True)
        if process in self.processes.values():
            log = self.path_of(pod, "log").read_text()
            self.accidents.append(f"{where[2]} ended: {log[-2000:]}")

    async def _says_ready(self, pod: Json) -> bool:
        path = pod["spec"]["containers"][0]["readinessProbe"]["httpGet"]["path"]
        return await _status(self.address_of(pod), path) == 200

    def path_of(self, pod: Json, path: str) -> Path:
        return below(self.folder / "pods" / pod["metadata"]["uid"], path)

    def store_of(self, pod: Json) -> Path | None:
        """The volume of its claim, if it has one."""
        claim = self._claim(pod)
        return self.folder_of(claim) if claim else None

    def _claim(self, pod: Json) -> Json:
        """Empty without one."""
        found = (v.get("persistentVolumeClaim") for v in pod["spec"]["volumes"])
        names_of = [it["claimName"] for it in found if it]
        return next(
            (self.api.objects[CLAIM, pod["metadata"]["namespace"], it] for it in names_of), {}
        )

    def folder_of(self, claim: Json) -> Path:
        return self.folder / "volumes" / str(claim["metadata"]["uid"])

    async def end(self) -> None:
        """Stop the kubelet, and then all servers."""
        await super().end()
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                process.kill()
        for process in self.processes.values():
            await process.wait()


async def _status(address: str, path: str) -> int:
    """The status of an HTTP answer; 0 if there is none."""
    writer = None
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(address, names.MONITORING_PORT)
            writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            line = await reader.readline()
            return int(line.split()[1])
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0
    finally:
        if writer is not None:
            writer.transport.abort()


@attrs.frozen
class Looking(Monitor):
    """Asks real servers, of which one says that it has the configuration before it was moved."""

    kubelet: Kubelet = attrs.field(kw_only=True)

    async def _ask_one(self, place: Place, tls: Any) -> Observation:
        said = await super()._ask_one(place, tls)
        if said.config_digest:
            said = attrs.evolve(said, config_digest=self.kubelet.digests[said.config_digest])
        return said
