"""Who is let in, for any spec, by a model of NetworkPolicies (reach.py)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given

from natsctl.render.inputs import ConfigInputs, OperatorPods
from natsctl.render.objects.network_policy import network_policy
from natsctl.render.objects.owned_objects import owned_objects
from natsctl.render.pod.pod import pod
from natsctl.render.ports import container_ports
from natsctl.render.revision.revision import changed_fields, revision, revision_text
from natsctl.render.target import Target
from tests.unit.render.reach import Source, lets_in, selects
from tests.unit.render.targets import TARGETS, target

CLIENTS, ROUTES, MONITORING, EXPORTER = 4222, 6222, 8222, 7777
VOLUME = 7778
OPERATOR = OperatorPods("nats-system", {"app.kubernetes.io/name": "nats-operator", "release": "r"})
ITSELF = Source(OPERATOR.labels, "nats-system")
STRANGER = Source({"app": "web"})
OUTSIDE = Source(namespace="", address="192.0.2.7")
TEAM = {"podSelector": {"matchLabels": {"team": "a"}}}
OF_TEAM = Source({"team": "a"})
OTHERS = [{"podSelector": {"matchLabels": {"team": "other"}}}]
LISTS = ("clientsFrom", "monitoringFrom", "routesFrom", "gatewaysFrom", "leafnodesFrom")


def server(target: Target, index: int = 1) -> Source:
    return Source(pod(target, index)["metadata"]["labels"])


def policy(**fields: Any) -> Any:
    return network_policy(asking(target(**({"networkPolicy": {}} | fields))))


def asking(found: Target, **fields: Any) -> Target:
    return attrs.evolve(found, inputs=attrs.evolve(found.inputs, operator=OPERATOR), **fields)


@given(TARGETS)
def test_there_is_none_unless_it_is_asked_for(found: Target) -> None:
    given = found.spec.network_policy
    kinds = [each["kind"] for each in owned_objects(found)]
    assert kinds.count("NetworkPolicy") == (given is not None and given.enabled)
    assert [kind for kind in kinds if kind != "NetworkPolicy"] == ["Service", "Service", "Secret"]


def test_it_can_be_turned_off_without_losing_what_was_written() -> None:
    assert policy(networkPolicy={"enabled": False, "clientsFrom": [TEAM]}) is None
    assert policy(networkPolicy={"enabled": True}) == policy()


@given(TARGETS)
def test_it_is_about_the_servers_and_nothing_else(found: Target) -> None:
    made = network_policy(found)
    if made is not None:
        assert made["metadata"]["name"] == "c"
        assert selects(made["spec"]["podSelector"], server(found).labels)
        other = attrs.evolve(found, name="d")
        assert not selects(made["spec"]["podSelector"], server(other).labels)
        assert not selects(made["spec"]["podSelector"], OPERATOR.labels)


@given(TARGETS)
def test_whatever_is_written_servers_and_operator_get_in(found: Target) -> None:
    made = network_policy(asking(found))
    if made is not None:
        assert lets_in(made, server(found), ROUTES)
        assert lets_in(made, ITSELF, MONITORING)
        assert lets_in(made, ITSELF, CLIENTS)


@given(TARGETS)
def test_strangers_get_in_only_where_the_spec_lets_them(found: Target) -> None:
    made, asked = network_policy(asking(found)), found.spec.network_policy
    if made is None or asked is None:
        return
    ports = {port["containerPort"] for port in container_ports(found.spec)}
    reached = {port for port in ports | {EXPORTER} if lets_in(made, OUTSIDE, port)}
    assert asked.routes_from or ROUTES not in reached
    assert asked.monitoring_from or not {MONITORING, EXPORTER} & reached
    assert asked.clients_from or CLIENTS in reached


@given(TARGETS)
def test_no_rule_is_open_by_accident(found: Target) -> None:
    """A rule without ports is about all of them, and an empty list of peers is everybody."""
    for rule in (network_policy(found) or {"spec": {"ingress": []}})["spec"]["ingress"]:
        assert rule["ports"]
        assert rule.get("from") != []


@pytest.mark.parametrize(
    "source", [STRANGER, OUTSIDE, Source({"app": "nats", "nats_cluster": "d"})]
)
def test_everybody_is_a_client_and_nobody_else_anything_more(source: Source) -> None:
    found = policy(pod={"enableMetrics": True})
    assert lets_in(found, source, CLIENTS)
    assert not any(lets_in(found, source, port) for port in (ROUTES, MONITORING, EXPORTER))


def test_only_the_operator_asks_the_reloader_how_full_the_volume_is() -> None:
    fields: dict[str, Any] = {
        "jetstream": {},
        "version": "2.12.15",
        "networkPolicy": {"monitoringFrom": [TEAM]},
    }
    found = policy(**fields, pod={"enableConfigReload": True})
    assert lets_in(found, ITSELF, VOLUME)
    others = (STRANGER, OUTSIDE, OF_TEAM, server(target()))
    assert not any(lets_in(found, source, VOLUME) for source in others)
    assert not lets_in(policy(**fields), ITSELF, VOLUME)
    assert not lets_in(policy(pod={"enableConfigReload": True}), ITSELF, VOLUME)


def test_labels_count_in_the_clusters_own_namespace_only() -> None:
    assert not lets_in(policy(), Source(server(target()).labels, "other"), ROUTES)
    assert not lets_in(policy(), Source(OPERATOR.labels, "other"), MONITORING)


def test_an_operator_that_knows_no_namespace_is_that_of_the_cluster() -> None:
    found = network_policy(target(networkPolicy={}))
    assert found is not None
    assert lets_in(found, Source({"app.kubernetes.io/name": "nats-operator"}), MONITORING)
    assert not lets_in(found, ITSELF, MONITORING)


@pytest.mark.parametrize(
    ("field", "ports"),
    [
        ("clientsFrom", {CLIENTS, 9222}),
        ("monitoringFrom", {MONITORING, EXPORTER}),
        ("routesFrom", {ROUTES}),
        ("gatewaysFrom", {7522}),
        ("leafnodesFrom", {7422}),
    ],
)
def test_each_list_is_about_its_own_ports(field: str, ports: set[int]) -> None:
    found = policy(
        networkPolicy=dict.fromkeys(LISTS, OTHERS) | {field: [TEAM]},
        pod={"enableMetrics": True},
        websocketConfig={"port": 9222, "no_tls": True},
        gatewayConfig={"name": "g", "hostPort": 7522},
        leafnodeConfig={"hostPort": 7422},
    )
    everything = (CLIENTS, ROUTES, MONITORING, EXPORTER, 7422, 7522, 9222)
    assert {port for port in everything if lets_in(found, OF_TEAM, port)} == ports
    assert not any(lets_in(found, STRANGER, port) for port in everything)


def test_other_ports_are_open_unless_limited() -> None:
    found = policy(
        websocketConfig={"port": 9222, "no_tls": True},
        gatewayConfig={"name": "g", "hostPort": 7522},
        leafnodeConfig={"hostPort": 7422},
    )
    assert all(lets_in(found, OUTSIDE, port) for port in (9222, 7522, 7422))
    assert not lets_in(policy(), OUTSIDE, 7522)


def test_the_exporter_is_open_only_where_it_runs() -> None:
    assert not lets_in(policy(networkPolicy={"monitoringFrom": [TEAM]}), OF_TEAM, EXPORTER)


def test_servers_of_clusters_in_extra_routes_may_dial_back() -> None:
    routes = [{"cluster": "d"}, {"cluster": "c"}, {"route": "nats://elsewhere:6222"}]
    found = policy(extraRoutes=routes)
    assert lets_in(found, Source({"app": "nats", "nats_cluster": "d"}), ROUTES)
    assert not lets_in(found, Source({"app": "nats", "nats_cluster": "e"}), ROUTES)
    assert len(found["spec"]["ingress"][0]["from"]) == 2


def test_peers_are_written_as_the_api_server_keeps_them() -> None:
    """Else they would differ from what is stored, for ever."""
    peers = [
        {"podSelector": {"matchLabels": {}, "matchExpressions": []}},
        {
            "namespaceSelector": {
                "matchExpressions": [{"key": "a", "operator": "Exists", "values": []}]
            }
        },
        {"ipBlock": {"cidr": "10.0.0.0/8", "except": []}},
        {"podSelector": {}, "namespaceSelector": {"matchLabels": {"a": ""}}},
    ]
    assert policy(networkPolicy={"clientsFrom": peers})["spec"]["ingress"][-1]["from"] == [
        {"podSelector": {}},
        {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}},
        {"ipBlock": {"cidr": "10.0.0.0/8"}},
        {"podSelector": {}, "namespaceSelector": {"matchLabels": {"a": ""}}},
    ]


def test_no_server_restarts_for_it() -> None:
    limited = target(networkPolicy={"clientsFrom": [TEAM]})
    assert changed_fields(revision_text(revision(target())), revision(limited)) == ()
    elsewhere = target(inputs=ConfigInputs(operator=OPERATOR))
    assert revision(target()) == revision(elsewhere)
