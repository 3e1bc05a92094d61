"""Real servers take the addresses that are written for them, and tell them to clients."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from natsctl.sidecar.bootconfig import Settings, write
from tests.server.servers import VERSIONS, binary
from tests.unit.kube.faulty import says, serving
from tests.unit.sidecar import beside

pytestmark = pytest.mark.server

CONFIG = """
listen: "127.0.0.1:-1"
include "client"
gateway { name: "a", listen: "127.0.0.1:-1", include "gateway" }
leaf { listen: "127.0.0.1:-1", include "gateway" }
system_account: SYS
accounts { SYS { users: [] } }
"""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "node-1.example"])
async def test_an_address_of_any_kind_is_advertised(
    tmp_path: Path, version: str, address: str
) -> None:
    node = {
        "metadata": {"name": "n1", "uid": "u", "resourceVersion": "1"},
        "status": {"addresses": [{"type": "ExternalIP", "address": address}]},
    }
    async with serving(tmp_path) as api:
        api.script = [says(200, node)]
        files = tmp_path / "client", tmp_path / "gateway"
        await write(Settings("n1", *files, "label", kubeconfig=str(api.kubeconfig)))
    (tmp_path / "nats.conf").write_text(CONFIG)
    argv = [binary(version), "-c", str(tmp_path / "nats.conf")]
    host = f"[{address}]" if ":" in address else address
    with beside.speaking(argv, errors=True) as server:
        server.says(f'Advertise address for gateway "a" is set to {host}:')
        server.says(f"Advertise address for leafnode is set to {host}:")
        port = server.says("for client connections").rsplit(":", 1)[1]
        server.says("Server is ready")
        with socket.create_connection(("127.0.0.1", int(port)), timeout=5) as client:
            hello = client.recv(4096)
    assert json.loads(hello.removeprefix(b"INFO ").split(b"\r\n")[0])["host"] == address
