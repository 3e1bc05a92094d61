"""The operator that serves the demo: a release of the chart, or a process on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import attrs

from demo.kubectl import Kubectl, output
from demo.teller import DemoFailed
from natsctl.api.schema.crds import crds, crds_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
CHART = "charts/nats-operator"
NAME = "nats-operator"
PODS = f"app.kubernetes.io/name={NAME},app.kubernetes.io/component=operator"
KEYS = ("registry", "repository", "tag")
ADDRESS = "127.0.0.1:18080"
STARTING, STOPPING = 60.0, 20.0
"""Seconds a process gets to be ready, and to end after SIGTERM."""


class Operator(Protocol):
    """What manages the demo's clusters; it outlives the demo."""

    @property
    def logs(self) -> str:
        """The command that prints what it says."""
        ...

    async def start(self) -> str:
        """Start it, with its CRDs, until it is ready; what a user would have seen."""
        ...

    def alive(self) -> bool:
        """Whether waiting for it makes sense."""
        ...

    def stop(self) -> None:
        """End it, if it runs on this machine."""
        ...


@attrs.frozen
class Release:
    """Two replicas, installed by Helm; Kubernetes keeps them alive.

    `streams`: with the feature gate JetStream.
    """

    kubectl: Kubectl
    image: str
    streams: bool = False

    @property
    def logs(self) -> str:
        """Of both replicas."""
        return f"kubectl --namespace {self.kubectl.namespace} logs -l {PODS} --prefix --tail=-1"

    async def start(self) -> str:
        """Install or upgrade the release."""
        values = [part for value in self.values for part in ("--set", value)]
        shown = ["helm", "upgrade", "--install", NAME, CHART, *values, "--wait"]
        where = ["--namespace", self.kubectl.namespace, "--create-namespace", "--take-ownership"]
        await output([*shown, *where, *_for_helm(self.kubectl.options)], cwd=ROOT)
        pods = await self.kubectl.run("get", "pods", "-l", PODS)
        return f"$ {' '.join(shown)}\n$ kubectl get pods -l {PODS}\n{pods.strip()}"

    @property
    def values(self) -> list[str]:
        """What differs from the chart's own: the feature gate, and the image."""
        gates = ["featureGates.jetStream=true"] if self.streams else []
        return [*gates, *self._image()]

    def _image(self) -> list[str]:
        if not self.image:
            return []
        registry, _, rest = self.image.partition("/")
        repository, _, tag = rest.rpartition(":")
        return [f"image.{k}={v}" for k, v in zip(KEYS, (registry, repository, tag), strict=True)]

    def alive(self) -> bool:
        """Always: what ends is started again."""
        return True

    def stop(self) -> None:
        """Nothing runs on this machine."""

    async def leader(self) -> str:
        """The pod that leads; empty while none does."""
        holder = "jsonpath={.spec.holderIdentity}"
        return (await self.kubectl.run("get", "lease", NAME, "-o", holder)).partition("_")[0]


def _for_helm(options: Sequence[str]) -> list[str]:
    """kubectl's options, in Helm's words."""
    return ["--kube-context" if option == "--context" else option for option in options]


@attrs.frozen
class Process:
    """One process, for a cluster whose nodes have no image of natsctl."""

    kubectl: Kubectl
    run: Path = ROOT / "build" / "demo"

    @property
    def logs(self) -> str:
        """A file under build/."""
        return f"cat {self._log}"

    @property
    def _log(self) -> Path:
        return self.run / "operator.log"

    @property
    def _record(self) -> Path:
        return self.run / "operator.pid"

    async def start(self) -> str:
        """Apply the CRDs, start it in a session of its own, and wait until it is ready."""
        applied = await self.kubectl.run("apply", "--server-side", "-f", "-", stdin=crds_yaml())
        await served(self.kubectl)
        self.stop()
        self.run.mkdir(parents=True, exist_ok=True)
        self._spawn()
        await self._ready()
        return f"$ natsctl crds | kubectl apply --server-side -f -\n{applied.strip()}"

    def _spawn(self) -> None:
        with self._log.open("w") as file:
            process = subprocess.Popen(
                self._command(), cwd=ROOT, stdout=file, stderr=file, start_new_session=True
            )
        self._record.write_text(str(process.pid))

    def _command(self) -> list[str]:
        where = ["--namespace", self.kubectl.namespace, "--listen-addr", ADDRESS]
        return [sys.executable, "-m", "natsctl", "operator", *self.kubectl.options, *where]

    async def _ready(self) -> None:
        async with asyncio.timeout(STARTING):
            while not await asyncio.to_thread(_answers):
                if not self.alive():
                    raise DemoFailed("expected the operator to run; it exited")
                await asyncio.sleep(0.2)

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


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"http://{ADDRESS}/readyz", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


async def served(kubectl: Kubectl) -> None:
    """Wait until both kinds are (a CRD without any condition is an error to `kubectl wait`)."""
    async with asyncio.timeout(STARTING):
        for crd in crds():
            while not await _established(kubectl, crd["metadata"]["name"]):  # noqa: ASYNC110 - remote
                await asyncio.sleep(0.2)


async def _established(kubectl: Kubectl, crd: str) -> bool:
    found = json.loads(await kubectl.run("get", "crd", crd, "--output=json"))
    conditions = found.get("status", {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


def said(operator: Operator, options: Sequence[str], lines: int) -> str:
    """The last lines of what it says, for a failed demo."""
    program, *arguments = operator.logs.split()
    command = [program, *(options if program == "kubectl" else ()), *arguments]
    with suppress(OSError):
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        return "\n".join((done.stdout + done.stderr).splitlines()[-lines:])
    return ""
