"""A kubelet whose volumes hold no more than their claims ask for, so that they really get full.

They are in memory, and mounting them takes root. Beside each server there is what the reloader's
sidecar is there for: it signals when files change, and tells how full the volume is.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import attrs

from natsctl.model import names
from natsctl.model.quantity import bytes_of
from natsctl.sidecar import volume
from tests.server.crashes.kubelet import Kubelet
from tests.unit.simulated.apiserver import Json
from tests.unit.simulated.nodes import CLAIM, Server
from tests.unit.simulated.requests import Where

BALLAST, PIECE = "ballast", bytes(2**16)


@attrs.define
class Disks(Kubelet):
    """Starts servers on volumes of limited size, and unmounts these at the end."""

    sidecars: dict[str, socket.socket] = attrs.field(factory=dict)
    """By address: where it is told how full a volume is."""
    _mounted: set[Path] = attrs.field(factory=set)

    def fill(self, index: int) -> None:
        """Somebody else writes to the volume of a server until nothing more can be written."""
        with (self.volume(index) / BALLAST).open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(PIECE)
            except OSError:
                return

    def make_room(self, index: int) -> None:
        """They take it away again."""
        (self.volume(index) / BALLAST).unlink()

    def volume(self, index: int) -> Path:
        """The folder of a server's volume."""
        return self.folder_of(self.api.objects[CLAIM, "ns", f"js-c-{index}"])

    def used(self, index: int) -> int:
        """Per cent of a server's volume that are in use."""
        found = os.statvfs(self.volume(index))
        return 100 - found.f_bavail * 100 // found.f_blocks

    async def _launched(self, pod: Json, server: Server) -> asyncio.subprocess.Process:
        if (store := self.store_of(pod)) is not None:
            self._limit(store, self._claim(pod))
            self._tell_volume(pod, store)
        return await super()._launched(pod, server)

    def _tell_volume(self, pod: Json, store: Path) -> None:
        """As the sidecar does, at the address of the pod alone."""
        address = self.network.reached(self.address_of(pod))
        if address in self.sidecars:
            _close(self.sidecars.pop(address))
        listener = socket.create_server((address, names.VOLUME_PORT))
        listener.setblocking(False)
        self.sidecars[address] = listener
        told = (listener, str(self.path_of(pod, names.PID_FILE)), str(store))
        threading.Thread(target=volume.serve, args=told, daemon=True).start()

    def _shown(self, pod: Json, server: Server) -> None:
        super()._shown(pod, server)
        if process := self.processes.get(self.address_of(pod)):
            process.send_signal(signal.SIGHUP)

    async def _grow(self, where: Where) -> None:
        if (folder := self.folder_of(self.api.objects[where])) in self._mounted:
            self._limit(folder, self.api.objects[where])
        await super()._grow(where)

    def _limit(self, folder: Path, claim: Json) -> None:
        """Let a folder hold no more than its claim asks for."""
        size = f"size={bytes_of(claim['spec']['resources']['requests']['storage'])}"
        if folder in self._mounted:
            _run("mount", "-o", f"remount,{size}", str(folder))
            return
        folder.mkdir(parents=True)
        _run("mount", "-t", "tmpfs", "-o", size, "volume", str(folder))
        self._mounted.add(folder)

    async def end(self) -> None:
        """Stop all servers, and leave nothing mounted."""
        try:
            await super().end()
        finally:
            for listener in self.sidecars.values():
                _close(listener)
            for folder in self._mounted:
                _run("umount", "--lazy", str(folder))


def _close(listener: socket.socket) -> None:
    """Its address is free at once, although a thread may still wait for somebody to connect."""
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True)
