"""What a testbed needs of the machine: root, and programs from Debian's packages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import locks, progress
from testbed.layout import TestbedError, cache

if TYPE_CHECKING:
    from testbed.options import Options

ALWAYS = {"ip": "iproute2", "nsenter": "util-linux", "openssl": "openssl"}
FOR_NODES = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ipset": "ipset",
    "socat": "socat",
    "ethtool": "ethtool",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
}


def ensure(options: Options) -> None:
    """Install the packages that are missing; raises TestbedError with a hint if it cannot."""
    if os.geteuid() != 0:
        raise TestbedError("a testbed needs root: run it with sudo")
    install(ALWAYS if options.control_plane_only else ALWAYS | FOR_NODES)


def install(programs: dict[str, str]) -> None:
    """Have these programs, named with their packages; raises TestbedError with a hint if not."""
    with locks.held("packages"):
        absent = missing(programs)
        if absent:
            _install(absent)


def missing(programs: dict[str, str]) -> list[str]:
    """The packages whose programs are not there."""
    return sorted({package for program, package in programs.items() if not _there(program)})


def _there(program: str) -> bool:
    return Path(program).exists() if "/" in program else shutil.which(program) is not None


def _install(packages: list[str]) -> None:
    progress.check_allowed(f"installing {' '.join(packages)}")
    if shutil.which("apt-get") is None:
        raise TestbedError(f"install these packages, then try again: {' '.join(packages)}")
    # A package that starts its daemon is told not to: only the testbed starts containerd.
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    log = cache() / "packages.log"
    progress.run("apt-get update", ["apt-get", "update"], log, env=environment)
    progress.run(f"installing {' '.join(packages)}", install, log, env=environment)
