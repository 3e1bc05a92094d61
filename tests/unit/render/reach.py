"""Who a NetworkPolicy lets in: a model of what networks make of networking.k8s.io/v1."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

import attrs

Policy = Mapping[str, Any]
NAMESPACE_NAME = "kubernetes.io/metadata.name"


@attrs.frozen
class Source:
    """A pod that dials, or an address outside (no namespace)."""

    labels: Mapping[str, str] = attrs.field(factory=dict)
    namespace: str = "ns"
    address: str = "10.1.1.1"


def lets_in(policy: Policy, source: Source, port: int) -> bool:
    """Whether the policy's pods can be reached there."""
    home = policy["metadata"]["namespace"]
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    return any(_rule(rule, source, port, home) for rule in policy["spec"]["ingress"])


def _rule(rule: Mapping[str, Any], source: Source, port: int, home: str) -> bool:
    """Nothing said of ports means all, and nothing of sources means everybody."""
    ports, peers = rule.get("ports") or [], rule.get("from") or []
    assert all(p["protocol"] == "TCP" for p in ports)
    right_port = not ports or any(p["port"] == port for p in ports)
    return right_port and (not peers or any(_peer(p, source, home) for p in peers))


def _peer(peer: Mapping[str, Any], source: Source, home: str) -> bool:
    if "ipBlock" in peer:
        block, address = peer["ipBlock"], ip_address(source.address)
        inside = address in ip_network(block["cidr"])
        return inside and not any(address in ip_network(each) for each in block.get("except", ()))
    if not source.namespace:
        return False
    right_place = source.namespace == home
    if "namespaceSelector" in peer:
        right_place = selects(peer["namespaceSelector"], {NAMESPACE_NAME: source.namespace})
    return right_place and selects(peer.get("podSelector", {}), source.labels)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector is about something with these labels."""
    exact = selector.get("matchLabels", {}).items() <= labels.items()
    return exact and all(_fulfils(each, labels) for each in selector.get("matchExpressions", ()))


def _fulfils(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    found, values = labels.get(requirement["key"]), requirement.get("values", ())
    return {
        "In": found in values,
        "NotIn": found not in values,
        "Exists": found is not None,
        "DoesNotExist": found is None,
    }[requirement["operator"]]
