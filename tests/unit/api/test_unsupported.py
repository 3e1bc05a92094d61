from typing import Any

import pytest

from natsctl.api.parse import parse_spec
from natsctl.api.unsupported import unsafe_without, unsupported_fields


def of(**fields: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    spec = parse_spec({"size": 1, **fields})
    return unsupported_fields(spec), unsafe_without(spec)


@pytest.mark.parametrize(
    "fields",
    [
        {"tls": {"serverSecret": "s"}},
        {"auth": {"enableServiceAccounts": True}},
        {"operatorConfig": {"secret": "s"}},
    ],
)
def test_what_protects_a_cluster_must_not_be_missing(fields: dict[str, Any]) -> None:
    (name,) = fields
    assert of(**fields) == ((f"spec.{name}",), (f"spec.{name}",))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"gatewayConfig": {"gateways": [{"name": "b"}]}}, "spec.gatewayConfig"),
        ({"leafnodeConfig": {"hostPort": 7422}}, "spec.leafnodeConfig"),
        ({"websocketConfig": {"port": 8080}}, "spec.websocketConfig"),
        ({"pod": {"enableConfigReload": True}}, "spec.pod.enableConfigReload"),
        ({"pod": {"enableMetrics": True, "metricsImage": "x"}}, "spec.pod.enableMetrics"),
        ({"pod": {"advertiseExternalIP": True}}, "spec.pod.advertiseExternalIP"),
    ],
)
def test_the_rest_is_named_but_not_unsafe(fields: dict[str, Any], path: str) -> None:
    assert of(**fields) == ((path,), ())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tls": {}, "auth": {}, "gatewayConfig": {}, "operatorConfig": None},
        {"auth": {"enableServiceAccounts": False, "clientsAuthTimeout": 0}},
        {"leafnodeConfig": {"hostPort": 0, "remotes": []}},
        {"tls": {"serverSecretCAFileName": "ca.pem"}},
        {"pod": {"enableMetrics": False, "metricsImage": "x", "reloaderImageTag": "y"}},
    ],
)
def test_a_field_at_its_default_asks_for_nothing(fields: dict[str, Any]) -> None:
    assert of(**fields) == ((), ())
