from typing import Any

import pytest
from hypothesis import given

from natsctl.api.checks.validate import validate
from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.version import ServerVersion
from tests.unit.api.strategies import specs, without_problems


def complaints(name: str = "c", kept: str | None = None, **fields: Any) -> list[str]:
    version = ServerVersion.parse(kept) if kept else None
    try:
        return [str(each) for each in validate(name, parse_spec({"size": 3, **fields}), version)]
    except InvalidSpec as invalid:
        return [str(each) for each in invalid.problems]


def complaint(**fields: Any) -> str:
    (only,) = complaints(**fields)
    return only


def first(**fields: Any) -> str:
    return complaints(**fields)[0]


@given(specs())
def test_of_what_looks_right_every_problem_has_a_place_that_can_be_mended(
    raw: dict[str, Any],
) -> None:
    mended = without_problems(raw)
    assert validate("c", parse_spec(mended)) == ()
    assert (mended == raw) is (validate("c", parse_spec(raw)) == ())


@pytest.mark.parametrize("name", ["c", "a-b", "c1", "x" * 58])
def test_names_of_services_are_names_of_clusters(name: str) -> None:
    assert complaints(name) == []


@pytest.mark.parametrize("name", ["", "1c", "C", "a.b", "c-", "-c", "c_d", "c\n", "x" * 59])
def test_other_names_are_refused(name: str) -> None:
    assert complaints(name)[0].startswith(
        "metadata.name: use a name of at most 58 characters that starts with a letter"
    )


@pytest.mark.parametrize("size", [-1, 1000])
def test_a_size_is_bounded(size: int) -> None:
    assert complaint(size=size) == f"spec.size: is {size}; use a number of servers from 0 to 999"


@pytest.mark.parametrize("size", [0, 1, 999])
def test_any_number_of_servers_between_is_fine(size: int) -> None:
    assert complaints(size=size) == []


@pytest.mark.parametrize("version", ["2.14.5 ", "nats:2.14.5", "-x"])
def test_a_version_is_the_tag_of_an_image(version: str) -> None:
    assert complaint(version=version) == (
        f"spec.version: '{version}' is not a valid tag; use the tag of an image, such as \"2.15.3\""
    )


@pytest.mark.parametrize("version", ["latest", "2.14", "edge-20261129", "0123456789abcdef"])
def test_any_tag_will_do(version: str) -> None:
    assert complaints(version=version) == []
    assert complaints(version=version, serverVersion="2.12.15") == []


def test_what_a_tag_is_said_to_be_is_a_release() -> None:
    assert complaint(version="edge", serverVersion="newest") == (
        "spec.serverVersion: 'newest' is not a release; "
        'use a release of nats-server, such as "2.15.3"'
    )


def test_a_release_that_is_told_decides_what_can_be_asked_for() -> None:
    assert complaints(version="edge", useServerName=True) == []
    assert "does not support server names" in complaint(
        version="edge", serverVersion="2.0.0", useServerName=True
    )


def test_a_lame_duck_period_is_long_enough_for_the_server() -> None:
    assert complaint(lameDuckDurationSeconds=29) == (
        "spec.lameDuckDurationSeconds: is 29; use 30 or more: nats-server accepts no "
        "lame duck period shorter than 30 seconds"
    )


@pytest.mark.parametrize(
    "image", ["nats", "docker.io/library/nats", "registry:5000/nats", "10.0.0.1/a_b/nats-server"]
)
def test_an_image_has_no_tag(image: str) -> None:
    assert complaints(serverImage=image) == []
    assert "omit the tag" in complaint(serverImage=f"{image}:2.14.10")


@pytest.mark.parametrize("image", ["registry:5000/nats", "nats", "nats:2.14.10"])
def test_an_image_may_be_pinned_by_a_digest(image: str) -> None:
    assert complaints(serverImage=f"{image}@sha256:{'0' * 64}") == []


@pytest.mark.parametrize("image", ["Nats!", "na ts", "/nats", "nats@sha256:0", "nats@"])
def test_an_image_is_well_formed(image: str) -> None:
    assert complaint(serverImage=image).startswith("spec.serverImage: ")


def test_the_bounds_of_the_schema_hold_without_it() -> None:
    assert complaint(natsConfig={"maxConnections": -2}) == (
        "spec.natsConfig.maxConnections: is -2; use -1 or more"
    )
    assert complaint(websocketConfig={"port": 65536, "no_tls": True}) == (
        "spec.websocketConfig.port: is 65536; use 65535 or less"
    )
    assert complaint(pod={"metricsImagePullPolicy": "Sometimes"}) == (
        "spec.pod.metricsImagePullPolicy: is 'Sometimes'; use one of Always, IfNotPresent, Never"
    )
    assert first(tls={"cipherSuites": ["x" * 254]}) == (
        "spec.tls.cipherSuites[0]: is longer than 253 characters"
    )
    assert first(tls={"cipherSuites": ["x"] * 65}) == (
        "spec.tls.cipherSuites: has more than 64 items"
    )
    assert first(gatewayConfig={"gateways": [{"name": "x" * 254}]}) == (
        "spec.gatewayConfig.gateways[0].name: is longer than 253 characters"
    )


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"natsConfig": {"write_deadline": "10"}}, "spec.natsConfig.write_deadline"),
        (
            {"websocketConfig": {"handshakeTimeout": "soon", "port": 1, "no_tls": True}},
            "spec.websocketConfig.handshakeTimeout",
        ),
    ],
)
def test_durations_are_gos(fields: dict[str, Any], path: str) -> None:
    assert complaint(**fields).startswith(f"{path}: ")
    assert complaint(**fields).endswith('use a number and a unit, such as "10s"')


def test_a_message_is_no_larger_than_what_may_wait_for_a_client() -> None:
    assert complaint(natsConfig={"maxPayload": 200, "maxPending": 100}) == (
        "spec.natsConfig.maxPayload: maxPayload (200) is more than maxPending (100), "
        "which nats-server 2.15.3 rejects; lower maxPayload or raise maxPending"
    )
    assert complaints(natsConfig={"maxPayload": 128, "maxPending": 65536}) == []


def test_payload_and_pending_are_compared_with_the_servers_defaults() -> None:
    assert "maxPending" in complaint(natsConfig={"maxPending": 65536})
    assert "maxPayload" in complaint(natsConfig={"maxPayload": 2**26 + 1})


def test_old_servers_do_not_compare_them() -> None:
    assert complaints(version="2.1.9", natsConfig={"maxPending": 65536}) == []
    assert complaints(kept="2.1.9", natsConfig={"maxPending": 65536}) == []


def test_server_names_need_a_server_that_knows_them() -> None:
    assert complaint(version="2.0.0", useServerName=True) == (
        "spec.useServerName: nats-server 2.0.0 does not support server "
        "names; omit useServerName, or use version 2.1.2 or later"
    )
    assert complaints(version="2.1.9", useServerName=True) == []


@pytest.mark.parametrize("route", [{}, {"route": "nats://h:1", "cluster": "c"}, {"route": ""}])
def test_a_route_is_a_url_or_a_cluster(route: dict[str, Any]) -> None:
    assert complaint(extraRoutes=[{"cluster": "b"}, route]) == (
        "spec.extraRoutes[1]: use either a route (such as nats://host:6222) "
        "or the name of a cluster, not both"
    )


@pytest.mark.parametrize(
    "route",
    ["host:6222", "nats://host", "nats://:6222", "http://h:1", "nats://h:x", "nats://h:1 ",
     "nats://h\u00e9:1", "nats://h\n:1", 'nats://"h:1', "nats://[h:1"],
)  # fmt: skip
def test_a_route_is_a_url_with_host_and_port(route: str) -> None:
    assert complaint(extraRoutes=[{"route": route}]).endswith(
        "use a URL with host and port, such as nats://host:6222"
    )


@pytest.mark.parametrize(
    "route", ["nats://127.0.0.1:6222", "nats-route://u:p%40@h:6222", "tls://[::1]:6222"]
)
def test_routes_have_these_forms(route: str) -> None:
    assert complaints(extraRoutes=[{"route": route}, {"cluster": "other"}]) == []


def test_the_cluster_of_a_route_is_the_name_of_one() -> None:
    assert "use the name of a NatsCluster" in complaint(extraRoutes=[{"cluster": "other.ns"}])


def test_the_name_of_the_servers_cluster() -> None:
    assert complaints(clusterName="Main.1_a-b", size=1) == complaints(clusterName="") == []
    assert complaint(clusterName="two words") == (
        "spec.clusterName: 'two words' is not a valid name for a "
        "cluster; use letters, digits, dots, hyphens and underscores"
    )
    assert complaint(clusterName="main", version="2.1.9") == (
        "spec.clusterName: nats-server 2.1.9 does not support cluster names; "
        "omit clusterName, or use version 2.2.0 or later"
    )
    gateway = {"name": "g", "hostPort": 7522}
    assert complaints(clusterName="g", gatewayConfig=gateway) == []
    assert complaint(clusterName="main", gatewayConfig=gateway) == (
        "spec.clusterName: 'main' differs from the name of the gateway, 'g'; "
        "nats-server requires them to match, so omit clusterName"
    )


@pytest.mark.parametrize("policy", ["servicePolicy", "managementServicePolicy"])
def test_services_have_well_formed_labels(policy: str) -> None:
    fields: dict[str, Any] = {policy: {"labels": {"a": "b c"}, "annotations": {"-x": "any thing"}}}
    found = complaints(**fields)
    assert found == [
        f"spec.{policy}.labels.a: 'b c' is not a valid label; use at most 63 letters, digits, "
        "hyphens, underscores and dots, with a letter or digit at both ends",
        f'spec.{policy}.annotations."-x": is not a valid key; use name or example.com/name',
    ]


@pytest.mark.parametrize(
    ("key", "fine"),
    [
        ("a", True),
        ("example.com/A_b.c", True),
        ("example.com/", False),
        ("/a", False),
        ("Example.com/a", False),
        ("a/b/c", False),
        ("x" * 64, False),
        ("x" * 254 + "/a", False),
    ],
)
def test_keys_of_labels_are_the_api_servers(key: str, fine: bool) -> None:
    assert (complaints(servicePolicy={"labels": {key: ""}}) == []) is fine


def test_every_problem_is_told() -> None:
    spec = NatsClusterSpec(size=-1, version="-x", lame_duck_duration_seconds=1)
    assert [problem.path for problem in validate("C", spec)] == [
        "metadata.name",
        "spec.size",
        "spec.lameDuckDurationSeconds",
        "spec.version",
    ]
