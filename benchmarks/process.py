"""The measured process: an ordinary `natsctl operator`, and what the kernel and it say of it."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import attrs

from benchmarks import cpu

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

ADDRESS = "127.0.0.1:18081"
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? ([0-9.e+-]+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')


@attrs.frozen
class Measured:
    """A running operator, and the seconds from its start until it was ready."""

    pid: int
    started: float = 0.0

    def rss_mb(self) -> float:
        """Resident memory now, in MiB."""
        return self._status("VmRSS")

    def peak_mb(self) -> float:
        """The most resident memory so far, in MiB."""
        return self._status("VmHWM")

    def _status(self, key: str) -> float:
        text = Path(f"/proc/{self.pid}/status").read_text()
        line = re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE)
        assert line is not None
        return int(line[1]) / 1024

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        return cpu.seconds(self.pid)

    async def ready(self) -> bool:
        """What its readiness probe says."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{ADDRESS}/readyz") as reply,
        ):
            return reply.status == 200

    async def metrics(self) -> Metrics:
        """Its own counters."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{ADDRESS}/metrics") as reply,
        ):
            return Metrics(await reply.text())

    async def leads(self) -> bool:
        """Whether it is the one that writes."""
        return (await self.metrics()).total("leader_election_master_status") == 1


@attrs.frozen
class Metrics:
    """One scrape."""

    text: str

    def by(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """The samples of a metric, added up by these labels."""
        sums: dict[tuple[str, ...], float] = {}
        for metric, pairs, value in SAMPLE.findall(self.text):
            if metric == name:
                known = dict(LABEL.findall(pairs))
                key = tuple(known[label] for label in labels)
                sums[key] = sums.get(key, 0.0) + float(value)
        return sums

    def total(self, name: str) -> float:
        """All samples of a metric, added up."""
        return sum(self.by(name).values())


@asynccontextmanager
async def operator(
    kubeconfig: str, log: Path, *, gates: Sequence[str] = ("ClusterScoped",)
) -> AsyncIterator[Measured]:
    """An operator for all namespaces that leads; stopped in order at the end."""
    features = ",".join(f"{gate}=true" for gate in gates)
    argv = [sys.executable, "-m", "natsctl", "operator", "--kubeconfig", kubeconfig]
    argv += ["--namespace", "default", "--feature-gates", features]
    argv += ["--listen-addr", ADDRESS, "--log-level", "warning"]
    began = time.monotonic()
    with log.open("w") as output:
        process = await asyncio.create_subprocess_exec(*argv, stdout=output, stderr=output)
    try:
        measured = Measured(process.pid)
        await _until(measured.ready, 0.01, process, log)
        seconds = time.monotonic() - began
        await _until(measured.leads, 0.1, process, log)
        yield attrs.evolve(measured, started=seconds)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until(
    check: Callable[[], Awaitable[bool]],
    pause: float,
    process: asyncio.subprocess.Process,
    log: Path,
) -> None:
    while process.returncode is None:
        with suppress(OSError):
            if await check():
                return
        await asyncio.sleep(pause)
    raise RuntimeError(f"the operator ended at its start: see {log}")
