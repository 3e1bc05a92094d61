"""Flags and feature gates, and what is said of those that cannot be used."""

import pytest

from natsctl.controllers.settings import (
    Settings,
    allowed_and_denied,
    feature_gates,
    label_map,
    listen_address,
    namespace_list,
)
from natsctl.plan.namespaces import NamespacePolicy


@pytest.mark.parametrize(
    ("text", "cluster_scoped"),
    [
        ("", False),
        ("ClusterScoped=true", True),
        ("ClusterScoped=TRUE,", True),
        ("ClusterScoped=false", False),
        (" ClusterScoped=true , ", True),
    ],
)
def test_feature_gates(text: str, cluster_scoped: bool) -> None:
    assert feature_gates(text)["ClusterScoped"] is cluster_scoped


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "foobar",
            "unknown feature gate 'foobar'; the feature gates are: ClusterScoped, JetStream",
        ),
        ("foo=true", "unknown feature gate 'foo'"),
        ("ClusterScoped", "use ClusterScoped=true or ClusterScoped=false"),
        ("ClusterScoped=maybe", "use ClusterScoped=true or ClusterScoped=false"),
    ],
)
def test_a_feature_gate_that_cannot_be_used(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        feature_gates(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:8080", ("0.0.0.0", 8080)),
        (":80", ("0.0.0.0", 80)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_listen_addresses(text: str, address: tuple[str, int]) -> None:
    assert listen_address(text) == address


@pytest.mark.parametrize("text", ["", "8080", "host:", "host:http", ":99999", ":\u00b2"])
def test_a_listen_address_that_cannot_be_used(text: str) -> None:
    with pytest.raises(ValueError, match="use host:port"):
        listen_address(text)


def test_what_is_watched() -> None:
    assert Settings("ns").watched == ("ns",)
    assert Settings("ns", namespaces=("a", "b")).watched == ("a", "b")
    assert Settings("ns", cluster_scoped=True).watched is None


def test_replicas_share_an_installation() -> None:
    assert Settings("ns").installation == Settings("ns", identity="x").installation
    assert Settings("ns").installation != Settings("other").installation


def test_lists_of_namespaces() -> None:
    assert namespace_list(" b, a,,b ") == ("b", "a")
    assert namespace_list("") == ()


@pytest.mark.parametrize("text", ["a b", "A", "-a", "a,b_c", "*", "a" * 64])
def test_a_namespace_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a valid namespace name; use "):
        namespace_list(text)


def test_whose_service_accounts_count() -> None:
    assert allowed_and_denied("*", "") == (("*",), ())
    assert allowed_and_denied("b, *,a,b", "c,d") == (("*", "b", "a"), ("c", "d"))
    assert allowed_and_denied("", "c") == ((), ("c",))
    assert Settings("ns").account_namespaces == NamespacePolicy(("*",), (), "ns")
    assert Settings("ns", selectors=True).account_namespaces.selectors


@pytest.mark.parametrize(
    ("allowed", "denied", "says"),
    [
        ("A", "", "use --allowed-service-account-namespaces a,b"),
        ("*", "*", "use --denied-service-account-namespaces a,b"),
        ("a,*", "b,a", "namespace a are both allowed and denied"),
    ],
)
def test_service_accounts_that_cannot_count(allowed: str, denied: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        allowed_and_denied(allowed, denied)


def test_labels_of_the_operators_own_pods() -> None:
    assert label_map("") == {}
    assert label_map("app.kubernetes.io/name=n, x=,y=z,") == {
        "app.kubernetes.io/name": "n",
        "x": "",
        "y": "z",
    }


@pytest.mark.parametrize("text", ["x", "=y", "a b=c", "a=b c"])
def test_labels_that_cannot_be(text: str) -> None:
    with pytest.raises(ValueError, match="use key=value"):
        label_map(f"good=one,{text}")


def test_network_policies_find_the_operator_by_what_it_knows_of_itself() -> None:
    known = Settings("ns", pod_labels={"a": "b"}).operator
    assert (known.namespace, dict(known.labels)) == ("ns", {"a": "b"})
    unknown = Settings("ns").operator
    assert dict(unknown.labels) == {"app.kubernetes.io/name": "nats-operator"}
