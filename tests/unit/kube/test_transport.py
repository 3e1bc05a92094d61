"""Connecting without loading what is not needed."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import pytest

from natsctl.kube.client import WRITE_TIMEOUT
from natsctl.kube.resources import CLUSTERS, LEASES, PODS
from natsctl.kube.transport import Transport
from tests.unit.kube.faulty import Faulty, says

COUNT = """
import asyncio, sys
from natsctl.kube.transport import connect
async def main():
    try:
        async with connect("/nowhere"):
            pass
    except ValueError as error:
        print(error)
asyncio.run(main())
print(sum(name.startswith("kubernetes_asyncio") for name in sys.modules))
"""


def test_the_generated_models_are_not_imported() -> None:
    """They are over 800 modules and 30 MiB."""
    lines = subprocess.run(
        [sys.executable, "-c", COUNT], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert lines[0].startswith("cannot use kubeconfig /nowhere: ")
    assert int(lines[1]) < 40


def test_paths() -> None:
    assert PODS.path("ns", "p") == "/api/v1/namespaces/ns/pods/p"
    assert CLUSTERS.path() == "/apis/nats.io/v1alpha2/natsclusters"
    assert LEASES.path("ns") == "/apis/coordination.k8s.io/v1/namespaces/ns/leases"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has it")
async def test_the_kernel_gives_up_what_a_request_gave_up(
    transport: Transport, api: Faulty
) -> None:
    """Bytes of a write that timed out are not delivered to whoever comes back later."""
    api.script.append(says(200, {"kind": "Status"}))
    await transport.request("GET", "/version")
    connector: Any = transport.session.connector
    ((protocol, _),) = next(iter(connector._conns.values()))  # it stays open for the next request
    connection = protocol.transport.get_extra_info("socket")
    limit = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert 0 < limit < WRITE_TIMEOUT * 1000
