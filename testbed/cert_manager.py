"""cert-manager in a testbed: its own controllers, as one process beside the API server.

It has self-signed and CA issuers and no webhook, so what is applied is checked by the schemas of
the CRDs alone.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from testbed import api, build, components, control_plane, namespaces, processes, toolchain
from testbed.layout import Testbed, TestbedError
from testbed.progress import tail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from testbed.processes import Process

LABEL = "cert-manager"
MODULE = "github.com/cert-manager/cert-manager"


def prepare() -> None:
    """Build it and fetch its CRDs. Inside a testbed no module proxy is reachable: call it before.

    Raises TestbedError if that fails; takes no time if everything is there.
    """
    build.program(LABEL)
    _crds()


@contextmanager
def running(testbed: Testbed) -> Iterator[Process]:
    """Install the CRDs and run the controllers; both go at the end, with all certificates.

    The Secrets that were issued stay. Works inside the testbed and outside of it, and puts an end
    to a cert-manager left behind by who was killed. Raises TestbedError, with the end of its log,
    if it does not run until the end.
    """
    prepare()
    _clear(testbed)
    try:
        _kubectl(testbed, "apply", "--server-side", "--filename", _crds())
        processes.wait_until(lambda: _served(testbed), "cert-manager's CRDs to be served")
        process = _start(testbed)
        yield process
        if not process.alive():
            raise TestbedError(f"{LABEL} ended\n{tail(processes.log(testbed, LABEL))}")
    finally:
        _clear(testbed)


def _served(testbed: Testbed) -> bool:
    """Whether all can be listed.

    A CRD that is deleted before its storage can be listed stays for minutes: the API server's
    finalizer fails, and may not try again before it looks after all CRDs anew.
    """
    names = (file.stem.split("_") for file in _crds().glob("*_*.yaml"))
    return all(api.answers(testbed, f"/apis/{group}/v1/{plural}") for group, plural in names)


def _start(testbed: Testbed) -> Process:
    argv: list[str | Path] = [build.program(LABEL), f"--kubeconfig={testbed.kubeconfig}"]
    group = control_plane.group(testbed)
    namespaces.start(testbed, namespaces.CONTROL_PLANE, LABEL, argv, group)
    process = processes.recorded(testbed, LABEL)
    if process is None:
        raise TestbedError(f"{LABEL} left no record of its start")
    return process


def _clear(testbed: Testbed) -> None:
    _end(testbed)
    flags = ("--ignore-not-found", "--timeout=60s")
    _kubectl(testbed, "delete", *flags, "--filename", _crds())


def _end(testbed: Testbed) -> None:
    """End it if it runs, and its record too: a process on record that is dead means harm."""
    process = processes.recorded(testbed, LABEL)
    if process is not None and process.alive():
        os.kill(process.pid, signal.SIGTERM)
        processes.wait_until(lambda: not process.alive(), f"{LABEL} to end")
    (testbed.processes / LABEL).unlink(missing_ok=True)


def _crds() -> Path:
    """The folder of the CRDs in the module the program is built from."""
    return toolchain.module(MODULE, components.MODULES / LABEL) / "deploy" / "crds"


def _kubectl(testbed: Testbed, *arguments: str | Path) -> None:
    argv = [build.program("kubectl"), f"--kubeconfig={testbed.kubeconfig}", *arguments]
    done = namespaces.call(testbed, namespaces.CONTROL_PLANE, argv)
    if done.returncode:
        raise TestbedError(f"kubectl {arguments[0]}: {done.stderr.strip()}")
