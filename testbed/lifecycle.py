"""Bring a testbed up, once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from testbed import (
    api,
    build,
    certificates,
    components,
    control_plane,
    debian,
    images,
    locks,
    namespaces,
    network,
    node,
    processes,
    progress,
    teardown,
)
from testbed import options as options_
from testbed.layout import Node, Testbed, TestbedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from testbed.options import Options

TOOLS = ("kubectl", "helm", "nats")


def up(testbed: Testbed, options: Options) -> None:
    """Make the testbed run; does nothing if it does, and clears away one that was half started."""
    with _locked(testbed):
        if healthy(testbed):
            return _check_covered(testbed, options)
        started = time.monotonic()
        debian.ensure(options)
        archives = _built(options)
        teardown.remove(testbed)
        _start_or_remove(testbed, options, archives)
        progress.say(f"{testbed.name} is up in {time.monotonic() - started:.1f} s: {options}")


def down(testbed: Testbed) -> None:
    """Leave nothing of the testbed."""
    with _locked(testbed):
        if teardown.remove(testbed):
            progress.say(f"{testbed.name} is down")


def _locked(testbed: Testbed) -> AbstractContextManager[None]:
    waiting = f"waiting for another command on {testbed.name}"
    return locks.held(f"testbed-{testbed.name}", lambda: progress.say(waiting))


def healthy(testbed: Testbed) -> bool:
    """Whether a start finished, all its processes are alive and the API server is ready."""
    return (
        options_.read(testbed.ready) is not None
        and all(processes.alive(testbed, label) for label in processes.labels(testbed))
        and api.answers(testbed, "/readyz")
    )


def nodes(testbed: Testbed, options: Options) -> list[Node]:
    count = 0 if options.control_plane_only else options.nodes
    return [Node(testbed, index) for index in range(1, count + 1)]


def _check_covered(testbed: Testbed, wanted: Options) -> None:
    running = options_.read(testbed.ready)
    if running is None or not running.covers(wanted):
        raise TestbedError(
            f"{testbed.name} already runs with {running}, which is not {wanted}:\n"
            f"use another --name, or first: python3 -m testbed down --name {testbed.name}"
        )


def _built(options: Options) -> list[Path]:
    """Build what the options need; returns the archives of the images."""
    if options.control_plane_only:
        build.everything(["pause", "etcd", "kubernetes", *(["kwok"] if options.kwok else [])])
        return []
    build.everything(name for name in components.BY_NAME if name != "kwok" or options.kwok)
    return images.every()


def _start_or_remove(testbed: Testbed, options: Options, archives: list[Path]) -> None:
    try:
        _start(testbed, options, archives)
    except BaseException:
        teardown.keep_logs(testbed)
        teardown.remove(testbed)
        raise


def _start(testbed: Testbed, options: Options, archives: list[Path]) -> None:
    for folder in (testbed.logs, testbed.processes, testbed.volumes, testbed.programs):
        folder.mkdir(parents=True)
    _link_programs(testbed, options)
    machines = nodes(testbed, options)
    control_plane.create_namespace(testbed)
    for machine in machines:
        node.create(machine, _others(machine, machines))
    _together(
        lambda: _start_control_plane(testbed, options, machines),
        *(lambda machine=machine: _start_runtime(machine, archives) for machine in machines),
    )
    _together(*(lambda machine=machine: node.await_ready(machine) for machine in machines))
    options_.write(options, testbed.ready)


def _start_control_plane(testbed: Testbed, options: Options, machines: list[Node]) -> None:
    certificates.create(testbed, [machine.name for machine in machines])
    control_plane.start_api(testbed, options)
    if options.controllers:
        control_plane.start_controllers(testbed, options)
    for machine in machines:
        node.start_kubelet(machine)
    if options.controllers:
        control_plane.await_accounts(testbed)


def _start_runtime(machine: Node, archives: list[Path]) -> None:
    node.start_containerd(machine)
    node.load(machine, archives)


def _together(*steps: Callable[[], None]) -> None:
    """Run steps side by side; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(max_workers=max(1, len(steps))) as pool:
        for future in [pool.submit(step) for step in steps]:
            future.result()


def _link_programs(testbed: Testbed, options: Options) -> None:
    """One folder for the PATH."""
    names = ("kubectl",) if options.control_plane_only else TOOLS
    targets = {name: build.program(name) for name in names}
    if not options.control_plane_only:
        for version in components.NATS_SERVERS:
            name = f"nats-server-{version}"
            targets[name] = build.program(name)
    for name, target in targets.items():
        (testbed.programs / name).symlink_to(target)


def node_of(testbed: Testbed, index: int) -> Node:
    """The node with that number; raises TestbedError if the testbed has none."""
    running = options_.read(testbed.ready)
    found = [] if running is None else nodes(testbed, running)
    if not 1 <= index <= len(found):
        raise TestbedError(f"{testbed.name} has no node {index}: it has {len(found)}")
    return found[index - 1]


def heal(machine: Node) -> None:
    """Boot a node that was killed, reconnect one that was cut off."""
    running = options_.read(machine.testbed.ready)
    if node.dead(machine):
        node.boot(machine, _others(machine, nodes(machine.testbed, running) if running else []))
    else:
        network.heal(machine)


def _others(machine: Node, machines: list[Node]) -> list[Node]:
    return [other for other in machines if other != machine]


def namespace_of(testbed: Testbed, index: int | None) -> str:
    return namespaces.CONTROL_PLANE if index is None else node_of(testbed, index).name
