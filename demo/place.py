"""Where the demo takes place: the testbed, or a cluster that the user names.

A KUBECONFIG that merely happens to be set is never used: only with NATSCTL_CONTEXT, which names a
context in it (or in ~/.kube/config).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import attrs

from testbed import control_plane, namespaces, processes
from testbed.layout import Testbed

ROOT = Path(__file__).resolve().parent.parent
LABEL = "natsctl-operator"
ADDRESS = "127.0.0.1:18080"
STOPPING = 20.0
"""Seconds an operator gets to end after SIGTERM."""


class Place(Protocol):
    """A Kubernetes cluster, and the operator process that serves the demo there."""

    @property
    def namespace(self) -> str:
        """Where the NatsClusters are."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """What tells kubectl and the operator which cluster is meant."""
        ...

    @property
    def log(self) -> Path:
        """What the operator wrote."""
        ...

    @property
    def clients(self) -> bool:
        """Whether a client here can reach each server."""
        ...

    def start(self) -> None:
        """Start the operator; it outlives the demo."""
        ...

    def alive(self) -> bool:
        """Whether the operator runs."""
        ...

    def stop(self) -> None:
        """Stop the operator, if it runs."""
        ...


@attrs.frozen
class InTestbed:
    """The testbed: the operator belongs to it and ends with it."""

    testbed: Testbed
    namespace: str = "default"
    clients: bool = True

    @property
    def options(self) -> tuple[str, ...]:
        """The administrator's kubeconfig."""
        return ("--kubeconfig", str(self.testbed.kubeconfig))

    @property
    def log(self) -> Path:
        """In the testbed's run directory."""
        return processes.log(self.testbed, LABEL)

    def start(self) -> None:
        """Start it in the control plane's network; the testbed records its process id."""
        self.log.unlink(missing_ok=True)
        argv = ["env", f"PYTHONPATH={ROOT}", *operator(self)]
        group = control_plane.group(self.testbed)
        namespaces.start(self.testbed, namespaces.CONTROL_PLANE, LABEL, argv, group)

    def alive(self) -> bool:
        """By process id and start time."""
        return processes.alive(self.testbed, LABEL)

    def stop(self) -> None:
        """SIGTERM, so that it releases its lease; no record of it remains."""
        process = processes.recorded(self.testbed, LABEL)
        if process is None:
            return
        if process.alive():
            os.kill(process.pid, signal.SIGTERM)
            processes.wait_until(lambda: not process.alive(), "the operator to end", STOPPING)
        (self.testbed.processes / LABEL).unlink()


@attrs.frozen
class OwnCluster:
    """A cluster of the user's own: the operator is a process on this machine."""

    context: str
    namespace: str = "natsctl-demo"
    clients: bool = False
    run: Path = ROOT / "build" / "demo"

    @property
    def options(self) -> tuple[str, ...]:
        """The file kubectl would use, and always the named context."""
        files = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
        return ("--kubeconfig", files.split(os.pathsep)[0], "--context", self.context)

    @property
    def log(self) -> Path:
        """Under build/."""
        return self.run / "operator.log"

    @property
    def _record(self) -> Path:
        return self.run / "operator.pid"

    def start(self) -> None:
        """Start it in a session of its own."""
        self.run.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as output:
            process = subprocess.Popen(
                operator(self), cwd=ROOT, stdout=output, stderr=output, start_new_session=True
            )
        self._record.write_text(str(process.pid))

    def alive(self) -> bool:
        """Whether the recorded process is (still) an operator."""
        return self._pid() is not None

    def _pid(self) -> int | None:
        with suppress(OSError, ValueError):
            pid = int(self._record.read_text())
            shown = subprocess.run(
                ["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True
            ).stdout
            return pid if "natsctl" in shown and not shown.startswith("Z") else None
        return None

    def stop(self) -> None:
        """SIGTERM, so that it releases its lease."""
        pid = self._pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOPPING
            while self.alive() and time.monotonic() < deadline:
                time.sleep(0.1)
        self._record.unlink(missing_ok=True)


def operator(place: Place) -> list[str]:
    """The operator's command line."""
    where = ["--namespace", place.namespace, "--listen-addr", ADDRESS]
    return [sys.executable, "-m", "natsctl", "operator", *place.options, *where]


def place_of(context: str | None, testbed: str) -> Place:
    """The place that these names mean."""
    return OwnCluster(context) if context else InTestbed(Testbed(testbed))
