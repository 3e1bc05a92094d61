"""Rendered servers that find each other, and others that must not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest

from natsctl.render.config.urls import user_info
from natsctl.render.inputs import ConfigInputs, Login
from natsctl.render.target import Target
from tests.server import servers
from tests.unit.api.jwts import USER
from tests.unit.render.targets import target

pytestmark = pytest.mark.server

ALL = pytest.mark.parametrize("version", servers.VERSIONS)
LOGIN = Login("u/v?", "p@ :%#&+")
GATEWAY: dict[str, Any] = {"gatewayConfig": {"name": "g", "hostPort": 7522}}


def route_to(server: servers.Server, login: Login | None = None) -> list[str]:
    return [f"nats://{user_info(login)}127.0.0.1:{urlsplit(server.cluster).port}"]


@ALL
def test_routes_with_a_login_of_any_characters(version: str, tmp_path: Path) -> None:
    fields: dict[str, Any] = {"version": version, "auth": {"clusterAuthSecret": "s"}, "size": 2}
    cluster = target(inputs=ConfigInputs(system=USER, routes=LOGIN), **fields)
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
    closed = target(inputs=ConfigInputs(routes=LOGIN), auth={"clusterAuthSecret": "s"}, **fields)
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


def _of_one_name(version: str, gateway: str, uid: str, remotes: list[dict[str, Any]]) -> Target:
    config = {"name": gateway, "hostPort": 7522, "gateways": remotes}
    made = target(version=version, size=3, gatewayConfig=config)
    return attrs.evolve(made, uid=uid)


@contextmanager
def _three(made: Target, folder: Path, *plain: str) -> Iterator[list[servers.Server]]:
    """A cluster; with `plain` names, servers that have these."""
    with ExitStack() as stack:
        found: list[servers.Server] = []
        for index in (1, 2, 3):
            routes = [route for other in found for route in route_to(other)]
            name = plain[index - 1] if plain else None
            below = folder / f"{made.uid}-{index}"
            one = servers.running(made, index, below, routes, name=name, kept=True)
            found.append(stack.enter_context(one))
        yield found


def _linked(version: str, folder: Path, *plain: str) -> Iterator[bool]:
    """Whether each of two times three servers of clusters of one name reaches the other one."""
    east = _of_one_name(version, "east", "0000000e", [])
    with _three(east, folder, *plain) as first:
        remotes = [{"name": "east", "url": each.gateway} for each in first[:1]]
        west = _of_one_name(version, "west", "0000000f", remotes)
        with _three(west, folder, *plain) as second:
            yield servers.wait_for(
                lambda: (
                    all(s.reaches("west") for s in first) and all(s.reaches("east") for s in second)
                )
            )


@ALL
def test_two_clusters_of_one_name_form_a_supercluster(version: str, tmp_path: Path) -> None:
    """In two namespaces, or in two Kubernetes clusters."""
    assert all(_linked(version, tmp_path))


PLAIN = ("c-1", "c-2", "c-3")


@pytest.mark.parametrize("version", ["2.9.25", "2.10.29", "2.15.3"])
def test_servers_of_the_same_names_do_not(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "PATIENCE", 5.0)
    assert not any(_linked(version, tmp_path, *PLAIN))


@pytest.mark.parametrize("version", ["2.2.6", "2.9.25", "2.12.15", "2.15.3"])
def test_two_clusters_of_one_name_share_routes(version: str, tmp_path: Path) -> None:
    here = target(version=version, size=1)
    there = attrs.evolve(here, namespace="other", uid="0000000f")
    with (
        servers.running(here, 1, tmp_path / "1", []) as first,
        servers.running(there, 1, tmp_path / "2", route_to(first)) as second,
    ):
        assert first.peers(1) == second.peers(1) == 1
