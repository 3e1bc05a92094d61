from typing import Any

import pytest

from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec
from tests.unit.api.specs import complaint, complaints

FIELDS = ("clientsFrom", "monitoringFrom", "routesFrom", "gatewaysFrom", "leafnodesFrom")
HERE = "spec.networkPolicy.clientsFrom[0]"
EITHER = "use either an ipBlock, or a podSelector, a namespaceSelector or both"
NO_RANGE = "use one such as 10.0.0.0/8 or 2001:db8::/32, with no bits set after the prefix"


def of(*peers: Any) -> list[str]:
    return complaints(networkPolicy={"clientsFrom": list(peers)})


def test_ordinary_peers_are_fine() -> None:
    expressions = [
        {"key": "team", "operator": "In", "values": ["a", ""]},
        {"key": "example.com/x", "operator": "NotIn", "values": ["b"]},
        {"key": "a", "operator": "Exists"},
        {"key": "b", "operator": "DoesNotExist", "values": []},
    ]
    peers = [
        {"podSelector": {}},
        {"podSelector": {"matchLabels": {"a": "b"}, "matchExpressions": expressions}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ns"}}},
        {"namespaceSelector": {}, "podSelector": {"matchExpressions": expressions}},
        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.3.4/32"]}},
        {"ipBlock": {"cidr": "2001:db8::/32", "except": ["2001:db8:1::/48"]}},
        {"ipBlock": {"cidr": "0.0.0.0/0"}},
    ]
    assert complaints(networkPolicy=dict.fromkeys(FIELDS, peers)) == []
    assert complaints(networkPolicy={}) == complaints(networkPolicy={"enabled": False}) == []


@pytest.mark.parametrize("field", FIELDS)
def test_every_list_is_checked_even_while_it_is_off(field: str) -> None:
    found = complaint(networkPolicy={"enabled": False, field: [{"podSelector": {}}, {}]})
    assert found == f"spec.networkPolicy.{field}[1]: {EITHER}"


def test_a_mistyped_list_is_not_passed_over() -> None:
    """It would leave a port open."""
    with pytest.raises(InvalidSpec, match="clientFrom: unknown key; did you mean clientsFrom"):
        parse_spec({"size": 1, "networkPolicy": {"clientFrom": []}})


@pytest.mark.parametrize(
    "peer",
    [
        {},
        {"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}},
        {"namespaceSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}},
    ],
)
def test_a_peer_is_pods_or_addresses(peer: Any) -> None:
    assert of(peer) == [f"{HERE}: {EITHER}"]


@pytest.mark.parametrize(
    ("peer", "complaint"),
    [
        ({"podSelektor": {}}, "podSelektor: unknown key; did you mean podSelector?"),
        (
            {"podSelector": {"matchLabel": {}}},
            "podSelector.matchLabel: unknown key; did you mean matchLabels?",
        ),
        (
            {"podSelector": {"matchLabels": {"a": 1}}},
            "podSelector.matchLabels.a: is 1; use a quoted string",
        ),
        (
            {"podSelector": {"matchExpressions": [{"key": "a"}]}},
            "podSelector.matchExpressions[0].operator: is required",
        ),
        ({"ipBlock": {}}, "ipBlock.cidr: is required"),
    ],
)
def test_a_peer_has_the_shape_kubernetes_knows(peer: Any, complaint: str) -> None:
    """A key that the API server dropped in silence would let others in."""
    assert of(peer) == [f"{HERE}.{complaint}"]


@pytest.mark.parametrize("selector", ["podSelector", "namespaceSelector"])
def test_selectors_are_about_labels_that_can_be(selector: str) -> None:
    expressions = [{"key": "b c", "operator": "Exists"}, {"key": "d", "operator": "in"}]
    found = of({selector: {"matchLabels": {"a": "x y"}, "matchExpressions": expressions}})
    assert [text.partition(": ")[0] for text in found] == [
        f"{HERE}.{selector}.matchExpressions[1].operator",
        f"{HERE}.{selector}.matchLabels.a",
        f"{HERE}.{selector}.matchExpressions[0].key",
    ]
    assert found[2].endswith("'b c' is not a valid key of a label; use name or example.com/name")
    assert found[0].endswith("is 'in'; use one of In, NotIn, Exists, DoesNotExist")


@pytest.mark.parametrize(
    ("operator", "values"), [("In", []), ("NotIn", []), ("Exists", ["a"]), ("DoesNotExist", ["a"])]
)
def test_values_are_there_where_they_are_compared(operator: str, values: list[str]) -> None:
    each = {"key": "a", "operator": operator, "values": values}
    assert of({"podSelector": {"matchExpressions": [each]}}) == [
        f"{HERE}.podSelector.matchExpressions[0].values: "
        "In and NotIn need values; Exists and DoesNotExist take none"
    ]


@pytest.mark.parametrize(
    "cidr",
    ["", "10.0.0.1", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/255.0.0.0", "host/8"],
)
def test_ranges_are_networks(cidr: str) -> None:
    wrong = f"{cidr!r} is not a valid address range; {NO_RANGE}"
    assert of({"ipBlock": {"cidr": cidr}}) == [f"{HERE}.ipBlock.cidr: {wrong}"]
    assert of({"ipBlock": {"cidr": "10.0.0.0/8", "except": [cidr]}}) == [
        f"{HERE}.ipBlock.except[0]: {wrong}"
    ]
    assert len(of({"ipBlock": {"cidr": cidr, "except": ["10.0.0.0/8"]}})) == 1


@pytest.mark.parametrize("but", ["10.0.0.0/8", "11.0.0.0/16", "2001:db8::/48", "0.0.0.0/0"])
def test_exceptions_are_a_part_of_their_range(but: str) -> None:
    assert of({"ipBlock": {"cidr": "10.0.0.0/8", "except": [but]}}) == [
        f"{HERE}.ipBlock.except[0]: {but} is not within 10.0.0.0/8; use one that is, or omit it"
    ]


def test_values_of_expressions_are_values_of_labels() -> None:
    each = {"key": "a", "operator": "In", "values": ["fine", "x y"]}
    (found,) = of({"namespaceSelector": {"matchExpressions": [each]}})
    assert found.startswith(
        f"{HERE}.namespaceSelector.matchExpressions[0].values[1]: 'x y' is not a valid value"
    )


@pytest.mark.parametrize("selector", ["podSelector", "namespaceSelector"])
def test_a_label_without_a_value_does_not_let_everybody_in(selector: str) -> None:
    """As a template writes it whose value is missing; without the label it would select more."""
    peer = {selector: {"matchLabels": {"a": None, "b": "c"}}}
    with pytest.raises(InvalidSpec) as caught:
        parse_spec({"size": 1, "networkPolicy": {"clientsFrom": [peer]}})
    assert str(caught.value) == (
        f'{HERE}.{selector}.matchLabels.a: has no value; use a quoted string, "" for an empty one'
    )


def test_elsewhere_a_label_without_a_value_is_none() -> None:
    """Kubernetes judges the selectors of a pod template."""
    term = {"labelSelector": {"matchLabels": {"a": None}}, "topologyKey": "x"}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    assert complaints(template={"spec": {"affinity": affinity}}) == []
