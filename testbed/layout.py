"""Where a testbed keeps its things, and the addresses used inside of its namespaces."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

RUN_ROOT = Path("/run/natsctl-testbed")
CGROUP_ROOT = "natsctl-testbed"

BRIDGE_ADDRESS = "10.250.0.1"
DNS_ADDRESS = "10.96.0.10"
SERVICE_ADDRESS = "10.96.0.1"
SERVICE_RANGE = "10.96.0.0/16"
POD_RANGE = "10.244.0.0/16"
API_PORT = 6443


class TestbedError(Exception):
    """What the user is told, without a traceback."""


@dataclass(frozen=True)
class Testbed:
    """One testbed by name. Its run directory and control groups follow from the name alone."""

    name: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?", self.name):
            raise TestbedError(f"{self.name!r} is no testbed name: use up to 30 of a-z, 0-9 and -")

    @property
    def run(self) -> Path:
        return RUN_ROOT / self.name

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def processes(self) -> Path:
        return self.run / "processes"

    @property
    def certificates(self) -> Path:
        return self.run / "certificates"

    @property
    def volumes(self) -> Path:
        return self.run / "volumes"

    @property
    def kubeconfig(self) -> Path:
        return self.run / "kubeconfig"

    @property
    def programs(self) -> Path:
        return self.run / "bin"

    @property
    def ready(self) -> Path:
        """Written when a start has finished; holds the options of that start as JSON."""
        return self.run / "ready.json"

    @property
    def cgroup(self) -> str:
        """The control group that holds all processes of this testbed, in every hierarchy."""
        return f"{CGROUP_ROOT}/{self.name}"


@dataclass(frozen=True)
class Node:
    """One node of a testbed; `index` counts from 1."""

    testbed: Testbed
    index: int

    @property
    def name(self) -> str:
        return f"node{self.index}"

    @property
    def run(self) -> Path:
        return self.testbed.run / self.name

    @property
    def address(self) -> str:
        return f"10.250.0.{10 + self.index}"

    @property
    def pod_range(self) -> str:
        return f"10.244.{self.index}.0/24"

    @property
    def link(self) -> str:
        """The end of the node's cable that is plugged into the control plane's bridge."""
        return self.name

    @property
    def cgroup(self) -> str:
        """The kubelet's root: the pods are below it."""
        return f"{self.testbed.cgroup}/{self.name}"

    @property
    def system_cgroup(self) -> str:
        """containerd with its shims, kubelet and kube-proxy."""
        return f"{self.testbed.cgroup}/{self.name}-system"


def cache() -> Path:
    """The folder of everything that was built; it survives a testbed and is shared by all."""
    named = os.environ.get("NATSCTL_TESTBED_CACHE")
    if named:
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "natsctl-testbed"
