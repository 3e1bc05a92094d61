"""Rolls from release to release, a server at a time: which of them run side by side.

Each server starts with the configuration that natsctl renders for its own release.
"""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from natsctl.api.version import number_of
from natsctl.api.version_borders import border
from tests.server import servers
from tests.unit.render.targets import target

pytestmark = pytest.mark.server

INDEXES = (1, 2, 3)
STEPS = tuple(zip(servers.VERSIONS, servers.VERSIONS[1:], strict=False))
LEAPS = (("2.0.0", "2.14.10"), ("2.1.9", "2.10.29"), ("2.9.25", "2.14.10"))
DOWN = (*LEAPS, ("2.1.9", "2.2.6"), ("2.14.10", "2.15.3"))


def _free_ports() -> tuple[int, ...]:
    """Below those that the system gives to anybody who asks for one."""
    found: list[int] = []
    while len(found) < len(INDEXES):
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0 and port not in found:
                found.append(port)
    return tuple(found)


@pytest.mark.parametrize(("old", "new"), [*STEPS, *LEAPS, *((high, low) for low, high in DOWN)])
def test_a_roll_keeps_the_mesh_at_each_step(old: str, new: str, tmp_path: Path) -> None:
    """Up and down; every server has routes to the others, as in a cluster."""
    assert border(number_of(old), number_of(new)) is None
    ports = _free_ports()
    routes = [f"nats://127.0.0.1:{port}" for port in ports]
    with ExitStack() as stack:
        running: dict[int, tuple[servers.Server, ExitStack]] = {}

        def start(index: int, version: str) -> None:
            own = stack.enter_context(ExitStack())
            made = target(version=version, size=3)
            folder = tmp_path / f"{version}-{index}"
            one = servers.running(made, index, folder, routes, port=ports[index - 1])
            running[index] = own.enter_context(one), own

        def meshed() -> bool:
            return all(server.peers(2) == 2 for server, _ in running.values())

        for index in INDEXES:
            start(index, old)
        assert meshed()
        for index in reversed(INDEXES):
            running[index][1].close()
            start(index, new)
            assert meshed()
