"""Every server line accepts what is rendered for it."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from natsctl.api.checks.validate import validate
from natsctl.model.server_identity import server_name
from natsctl.render.config.conf import config_text, server_config
from natsctl.render.pod.pod import pod
from natsctl.render.target import Target
from tests.server import servers
from tests.unit.render.targets import target

pytestmark = pytest.mark.server

SPECS: dict[str, dict[str, Any]] = {
    "plain": {},
    "empty": {"size": 0},
    "single": {"size": 1},
    "large": {"size": 40},
    "settings": {
        "natsConfig": {
            "debug": True,
            "trace": True,
            "write_deadline": "1m30.5s",
            "maxConnections": 10,
            "maxPayload": 128,
            "maxPending": 65536,
            "maxSubscriptions": 200,
            "maxControlLine": 2048,
            "disableLogtime": True,
        },
        "lameDuckDurationSeconds": 30,
    },
    "unlimited": {"natsConfig": {"maxConnections": -1, "maxSubscriptions": -1}},
    "largest": {
        "natsConfig": {
            "maxPayload": 2**31 - 1,
            "maxPending": 2**53 - 1,
            "maxControlLine": 2**31 - 1,
        }
    },
    "zeros": {"natsConfig": {"maxConnections": 0, "maxPayload": 0, "write_deadline": "0"}},
    "routes": {
        "extraRoutes": [
            {"cluster": "other"},
            {"route": "nats-route://u:p%40@127.0.0.1:1"},
            {"route": "tls://[::1]:1"},
        ]
    },
}
VERSIONS = pytest.mark.parametrize("version", servers.VERSIONS)
KINDS = pytest.mark.parametrize("kind", SPECS)


def rendered(version: str, kind: str) -> Target:
    cluster = target(version=version, **SPECS[kind])
    assert validate("c", cluster.spec) == ()
    return cluster


@VERSIONS
@KINDS
def test_the_servers_own_check_passes(version: str, kind: str, tmp_path: Path) -> None:
    cluster = rendered(version, kind)
    checked = servers.check(cluster, tmp_path, config_text(cluster))
    assert checked.returncode == 0, checked.stderr
    assert "is valid" in checked.stderr


@VERSIONS
def test_the_servers_own_check_can_fail(version: str, tmp_path: Path) -> None:
    assert servers.check(rendered(version, "plain"), tmp_path, '{"prot": 1}').returncode != 0


@VERSIONS
@KINDS
def test_a_server_starts_and_takes_over_every_setting(
    version: str, kind: str, tmp_path: Path
) -> None:
    cluster = rendered(version, kind)
    config = server_config(cluster)
    with servers.running(cluster, 1, tmp_path, []) as server:
        varz = server.ask("/varz")
    assert cluster.version.matches(varz["version"])
    wanted = {key: config[key] for key in REPORTED & set(config)}
    assert {key: varz[key] for key in wanted} == wanted
    if cluster.version.knows_server_name:
        assert varz["server_name"] == server_name(cluster.name, cluster.uid, 1)
    if "name" in config["cluster"]:
        assert varz["cluster"]["name"] == "c"


REPORTED = {"max_connections", "max_control_line", "max_payload", "max_pending"}


@VERSIONS
def test_every_probe_is_answered(version: str, tmp_path: Path) -> None:
    cluster = rendered(version, "plain")
    container = pod(cluster, 1)["spec"]["containers"][0]
    probes = [container[name] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
    with servers.running(cluster, 1, tmp_path, []) as server:
        answers = [server.status(probe["httpGet"]["path"]) for probe in probes]
    assert answers == [200, 200, 200]


@VERSIONS
def test_the_servers_of_a_cluster_find_each_other(version: str, tmp_path: Path) -> None:
    cluster = rendered(version, "plain")
    started: list[servers.Server] = []
    with ExitStack() as stack:
        for index in (1, 2, 3):
            routes = [server.cluster for server in started]
            run = servers.running(cluster, index, tmp_path / str(index), routes)
            started.append(stack.enter_context(run))
        assert [server.peers(2) for server in started] == [2, 2, 2]


@VERSIONS
def test_a_cluster_joins_another_by_extra_routes(version: str, tmp_path: Path) -> None:
    first = target("a", version=version, size=1)
    second = target("b", version=version, size=1, joined="a", extraRoutes=[{"cluster": "a"}])
    with (
        servers.running(first, 1, tmp_path / "a", []) as near,
        servers.running(second, 1, tmp_path / "b", [near.cluster]) as far,
    ):
        assert near.peers(1) == far.peers(1) == 1


@pytest.mark.parametrize("version", servers.those("2.2.6", "2.9.25", "2.15.3"))
def test_a_cluster_of_the_outside_ones_name_joins_it(version: str, tmp_path: Path) -> None:
    routes = [{"route": "nats://a:6222"}]
    first = target("a", version=version, size=1, clusterName="outside")
    second = target("b", version=version, size=1, clusterName="outside", extraRoutes=routes)
    with (
        servers.running(first, 1, tmp_path / "a", []) as near,
        servers.running(second, 1, tmp_path / "b", [near.cluster]) as far,
    ):
        assert near.peers(1) == far.peers(1) == 1
        assert far.ask("/varz")["cluster"]["name"] == "outside"
        assert "Cluster name updated" not in far.log.read_text()


@VERSIONS
def test_a_cluster_without_a_name_adopts_that_of_an_outside_one(
    version: str, tmp_path: Path
) -> None:
    first = target("a", version=version, size=1)
    second = target("b", version=version, size=1, extraRoutes=[{"route": "nats://a:6222"}])
    with (
        servers.running(first, 1, tmp_path / "a", []) as near,
        servers.running(second, 1, tmp_path / "b", [near.cluster]) as far,
    ):
        assert near.peers(1) == far.peers(1) == 1


@pytest.mark.parametrize("version", servers.those("2.2.6", "2.9.25", "2.15.3"))
def test_a_server_restarted_with_new_extra_routes_stays_with_its_peers(
    version: str, tmp_path: Path
) -> None:
    other = target("a", version=version, size=1)
    before = target("b", version=version, size=2)
    after = target("b", version=version, size=2, named=True, extraRoutes=[{"cluster": "a"}])
    with (
        servers.running(other, 1, tmp_path / "a", []) as far,
        servers.running(before, 2, tmp_path / "2", []) as peer,
        servers.running(after, 1, tmp_path / "1", [far.cluster, peer.cluster]) as restarted,
    ):
        assert restarted.peers(1) == peer.peers(1) == 1
        assert restarted.ask("/varz")["cluster"]["name"] == "b"
