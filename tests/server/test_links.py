"""Rendered servers that find each other, and others that must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from natsctl.render.inputs import Inputs, Login
from natsctl.render.urls import user_info
from tests.server import servers
from tests.unit.api.jwts import USER
from tests.unit.render.targets import target

pytestmark = pytest.mark.server

ALL = pytest.mark.parametrize("version", servers.VERSIONS)
LOGIN = Login("u/v?", "p@ :%#&+")
GATEWAY = {"gatewayConfig": {"name": "g", "hostPort": 7522}}


def route_to(server: servers.Server, login: Login | None = None) -> list[str]:
    return [f"nats://{user_info(login)}127.0.0.1:{urlsplit(server.cluster).port}"]


@ALL
def test_routes_with_a_login_of_any_characters(version: str, tmp_path: Path) -> None:
    fields: dict[str, Any] = {"version": version, "auth": {"clusterAuthSecret": "s"}, "size": 2}
    cluster = target(inputs=Inputs(system=USER, routes=LOGIN), **fields)
    with (
        servers.running(cluster, 1, tmp_path / "1", []) as first,
        servers.running(cluster, 2, tmp_path / "2", route_to(first, LOGIN)) as second,
    ):
        assert first.peers(1) == second.peers(1) == 1


@pytest.mark.parametrize("version", servers.those("2.9.25", "2.15.3"))
@pytest.mark.parametrize("login", [None, Login("u/v?", "wrong")], ids=["none", "wrong"])
def test_without_the_right_one_there_is_no_route(
    version: str, login: Login | None, tmp_path: Path
) -> None:
    fields: dict[str, Any] = {"version": version, "size": 2}
    closed = target(inputs=Inputs(routes=LOGIN), auth={"clusterAuthSecret": "s"}, **fields)
    stranger = target(**fields)
    with (
        servers.running(closed, 1, tmp_path / "1", []) as first,
        servers.running(stranger, 2, tmp_path / "2", route_to(first, login)),
    ):
        assert servers.wait_for(lambda: "authentication error" in first.log.read_text())
        assert first.peers(0) == 0


@pytest.mark.parametrize("version", servers.those("2.2.6", "2.9.25", "2.15.3"))
def test_a_server_of_a_gateway_is_none_of_a_running_cluster_of_another_name(
    version: str, tmp_path: Path
) -> None:
    before = target(version=version, size=2)
    after = target(version=version, size=2, named=True, **GATEWAY)
    with (
        servers.running(before, 1, tmp_path / "1", []) as peer,
        servers.running(after, 2, tmp_path / "2", route_to(peer)) as restarted,
    ):
        assert servers.wait_for(lambda: "luster name" in restarted.log.read_text())
        assert peer.peers(0) == 0


@pytest.mark.parametrize("version", servers.those("2.2.6", "2.9.25", "2.15.3"))
def test_a_server_without_the_gateway_stays_with_its_peers(version: str, tmp_path: Path) -> None:
    before = target(version=version, size=2, **GATEWAY)
    after = target(version=version, size=2, named=False)
    with (
        servers.running(before, 1, tmp_path / "1", []) as peer,
        servers.running(after, 2, tmp_path / "2", route_to(peer)) as restarted,
    ):
        assert peer.peers(1) == restarted.peers(1) == 1
