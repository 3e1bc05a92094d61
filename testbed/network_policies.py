"""Network policies that are enforced: kube-router's controller for them, on every node."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from testbed import build, lifecycle, namespaces, node, options, processes
from testbed.layout import SERVICE_RANGE, TestbedError
from testbed.progress import tail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from testbed.layout import Node, Testbed

PROGRAM = "kube-router"
CHAIN = "KUBE-ROUTER-FORWARD"


def prepare() -> None:
    """Build it. Inside a testbed no module proxy is reachable: call this before.

    Raises TestbedError if that fails; takes no time if it is there.
    """
    build.program(PROGRAM)


@contextmanager
def enforced(testbed: Testbed) -> Iterator[None]:
    """Enforce NetworkPolicies on all nodes; at the end everything is reachable again.

    Works inside the testbed and outside of it. Raises TestbedError, with the end of its log, if
    it does not run until the end.
    """
    prepare()
    nodes = lifecycle.nodes(testbed, options.read(testbed.ready) or options.Options())
    for each in nodes:
        _end(each)
    try:
        for each in nodes:
            _start(each)
        yield
        for each in nodes:
            if not processes.alive(each.testbed, _label(each)):
                log = tail(processes.log(each.testbed, _label(each)))
                raise TestbedError(f"{PROGRAM} ended\n{log}")
    finally:
        for each in nodes:
            _end(each)


def _label(on: Node) -> str:
    return node.label(on, PROGRAM)


def _start(on: Node) -> None:
    argv: list[str | Path] = [
        build.program(PROGRAM),
        f"--kubeconfig={on.testbed.kubeconfig}",
        f"--node={on.name}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
    ]
    namespaces.start(on.testbed, on.name, _label(on), argv, on.system_cgroup)
    processes.wait_ready(on.testbed, _label(on), lambda: _rules(on))


def _rules(on: Node) -> bool:
    """Whether it has its chains in the node's firewall."""
    try:
        namespaces.run(on.testbed, on.name, f"iptables -w -n -L {CHAIN} >/dev/null")
    except TestbedError:
        return False
    return True


def _end(on: Node) -> None:
    """End it if it runs, and its record too: a process on record that is dead means harm."""
    process = processes.recorded(on.testbed, _label(on))
    if process is not None and process.alive():
        os.kill(process.pid, signal.SIGTERM)
        processes.wait_until(lambda: not process.alive(), f"{PROGRAM} to end")
    (on.testbed.processes / _label(on)).unlink(missing_ok=True)
