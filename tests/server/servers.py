"""Real nats-server processes that run what was rendered, on loopback and free ports."""

import functools
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from natsctl.model import names
from natsctl.model.server_identity import server_name
from natsctl.render.target import Target
from tests.server.layout import ANY_PORT as ANY_PORT
from tests.server.layout import below, lay_out, on_loopback, texts

VERSIONS = (
    "2.0.0",
    "2.1.9",
    "2.2.6",
    "2.9.25",
    "2.10.29",
    "2.11.17",
    "2.12.15",
    "2.14.10",
    "2.15.3",
)
MATRIX = "NATSCTL_MATRIX"
PATIENCE = 20.0


def trusting() -> ssl.SSLContext:
    """For connections that take whatever certificate a server shows."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found.check_hostname, found.verify_mode = False, ssl.CERT_NONE
    return found


_ANYBODY = trusting()


def those(*versions: str) -> tuple[str, ...]:
    """Versions on which a procedure differs; with NATSCTL_MATRIX all from the first of them on."""
    return VERSIONS[VERSIONS.index(versions[0]) :] if os.environ.get(MATRIX) else versions


@frozen
class Server:
    """A running server: where it is asked, where others and clients connect, and what it says."""

    monitoring: str
    cluster: str
    clients: str
    log: Path
    process: subprocess.Popen[bytes]

    def ask(self, path: str) -> Any:
        """A JSON answer of the monitoring port."""
        with urllib.request.urlopen(self.monitoring + path, timeout=5, context=_ANYBODY) as answer:
            return json.load(answer)

    def status(self, path: str) -> int:
        """The status with which the monitoring port answers a probe."""
        try:
            with urllib.request.urlopen(
                self.monitoring + path, timeout=5, context=_ANYBODY
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def peers(self, expected: int) -> int:
        """How many servers this one has routes to, once there are as many as expected."""

        def enough() -> bool:
            return self.peers_now() == expected

        wait_for(enough)
        return self.peers_now()

    @property
    def gateway(self) -> str:
        """Where other clusters connect."""
        return f"nats://127.0.0.1:{self.ask('/varz')['gateway']['port']}"

    def reaches(self, cluster: str) -> bool:
        """Whether it has a connection to another cluster of its supercluster."""
        return bool(self.ask("/gatewayz")["outbound_gateways"].get(cluster, {}).get("connection"))

    def peers_now(self) -> int:
        """How many servers this one has routes to."""
        return len({route["remote_id"] for route in self.ask("/routez")["routes"] or []})


NOBODY = ["nats-route://127.0.0.1:1"]
"""One of several servers has routes from the beginning, or it starts no JetStream."""


@functools.cache
def binary(version: str) -> str:
    """The program of one release; the testbed builds it if it is missing."""
    command = [sys.executable, "-m", "testbed", "path", f"nats-server-{version}"]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return found.stdout.strip()


def check(
    target: Target, folder: Path, text: str | None = None, resolver: str = ""
) -> subprocess.CompletedProcess[str]:
    """What the server's own check says of what is rendered, or of a nats.conf with this text."""
    found = texts(target) | ({} if text is None else {names.CONFIG_KEY: text})
    boot = lay_out(target, folder, found, resolver)
    return subprocess.run(
        [binary(target.version.text), "-c", str(boot), "-t"],
        env=environment("c-1", folder),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def running(
    target: Target,
    index: int,
    folder: Path,
    routes: list[str],
    resolver: str = "",
    *,
    name: str | None = None,
    kept: bool = False,
    files: Mapping[str, bytes] | None = None,
    port: int = ANY_PORT,
) -> Iterator[Server]:
    """One server of a cluster, from when it listens until the end of the block.

    It has the name that its pod would give it, or this one. With `kept` it really connects to
    gateways and hubs. `files` of a pod are there instead of what is made up. `port` is where it
    waits for routes.
    """
    moved = on_loopback(texts(target), routes, kept=kept, port=port)
    boot = lay_out(target, folder, moved, resolver)
    for path, content in (files or {}).items():
        below(folder, path).write_bytes(content)
    log = folder / "log"
    command = [binary(target.version.text), "-c", str(boot)]
    name = name or server_name(target.name, target.uid, index)
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--ports_file_dir", str(folder)],
            env=environment(name, folder),
            stderr=output,
        )
    try:
        assert wait_for(lambda: _ports(folder) or server.poll() is not None), "no answer"
        assert server.poll() is None, log.read_text()
        ports = _ports(folder)
        cluster = ports.get("cluster", [""])[0]
        yield Server(ports["monitoring"][0], cluster, ports["nats"][0], log, server)
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


def wait_for(condition: Callable[[], Any]) -> bool:
    """Whether a condition comes true before patience ends."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def environment(name: str, folder: Path) -> dict[str, str]:
    """As the pod has it, with its volume below the folder."""
    store = below(folder, names.STORE_DIR)
    return {names.SERVER_NAME_ENV: f'"{name}"', names.STORE_DIR_ENV: f'"{store}"'}


def _ports(folder: Path) -> dict[str, list[str]]:
    """What the server says it listens on; empty until it does."""
    for file in folder.glob("*.ports"):
        text = file.read_text()
        return dict(json.loads(text)) if text.endswith("}") else {}
    return {}
