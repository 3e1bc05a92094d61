"""Real servers form a mesh with the certificates that natsctl takes, and with no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from natsctl.render.config import tls
from tests.server import servers
from tests.unit.plan.issuing import every
from tests.unit.render.targets import target

pytestmark = pytest.mark.server

VERSIONS = ("2.9.25", "2.12.15", servers.VERSIONS[-1])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", every())
def test_servers_mesh_with_what_is_taken(version: str, name: str, tmp_path: Path) -> None:
    found = every()[name]
    cluster = target(version=version, size=2, tls={"routesSecret": "r"})
    wanted = tls.files_of(cluster, "routes")
    files = {
        tls.path("routes", wanted.cert): found.cert,
        tls.path("routes", wanted.key): found.key,
        tls.path("routes", wanted.ca or ""): found.ca,
    }
    with (
        servers.running(cluster, 1, tmp_path / "1", [], files=files) as first,
        servers.running(cluster, 2, tmp_path / "2", [first.cluster], files=files) as second,
    ):

        def decided() -> bool:
            said = first.log.read_text() + second.log.read_text()
            return "handshake error" in said or first.peers_now() == 1

        # The side that dials has a route before the other side has looked at its certificate.
        assert servers.wait_for(decided)
        assert first.peers_now() == found.works
        assert not found.works or second.peers(1) == 1
