"""A real Prometheus: one process that scrapes what it is told, and answers queries."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testbed import build, processes
from testbed.layout import TestbedError
from testbed.progress import tail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PROGRAM, CHECKER = "prometheus", "promtool"
ENDING = 10.0


def prepare() -> None:
    """Build it. Inside a testbed no module proxy is reachable: call this before."""
    build.program(PROGRAM)


def promtool(*arguments: str | Path) -> str:
    """Run promtool; what it printed. Raises TestbedError with that if its exit status is not 0."""
    argv = [build.program(CHECKER), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TestbedError(f"promtool: {done.stdout}{done.stderr}")
    return done.stdout


@dataclass(frozen=True)
class Prometheus:
    """One that runs, by the address of its API."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector that an expression gives now.

        Raises TestbedError if Prometheus does not understand it.
        """
        question = urllib.parse.urlencode({"query": expression})
        try:
            found = self._get(f"/api/v1/query?{question}")
        except urllib.error.HTTPError as error:
            with error:
                raise TestbedError(f"{expression}: {error.read().decode()}") from None
        return list(json.loads(found)["data"]["result"])

    def answers(self) -> bool:
        """Whether it is ready."""
        try:
            self._get("/-/ready")
        except OSError:
            return False
        return True

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=10) as reply:
            content: bytes = reply.read()
            return content


@contextmanager
def running(
    folder: Path, address: str, targets: Mapping[str, Sequence[str]]
) -> Iterator[Prometheus]:
    """Scrape targets every second, by job; data, configuration and log are in `folder`.

    `address` is a loopback address with a port that is free. Raises TestbedError, with the end of
    the log, if it is not ready in time.
    """
    jobs = [
        {"job_name": job, "static_configs": [{"targets": list(found)}]}
        for job, found in targets.items()
    ]
    config, log = folder / "prometheus.yml", folder / "prometheus.log"
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config.write_text(json.dumps({"global": every, "scrape_configs": jobs}))
    argv: list[str | Path] = [
        build.program(PROGRAM),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output, cwd=folder)
    try:
        found = Prometheus(f"http://{address}")
        processes.wait_until(lambda: _ready(process, found, log), "Prometheus to be ready")
        yield found
    finally:
        process.terminate()
        try:
            process.wait(ENDING)
        finally:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[bytes], found: Prometheus, log: Path) -> bool:
    if process.poll() is not None:
        raise TestbedError(f"Prometheus ended\n{tail(log)}")
    return found.answers()
