"""What a NatsCluster says of who may reach its servers over the network.

Peers are those of a Kubernetes NetworkPolicy (networking.k8s.io/v1). They are passed on whole;
the classes after NetworkPolicy say which shape they must have.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from natsctl.api import native
from natsctl.api.effects import NONE
from natsctl.api.fields import Rule, described
from natsctl.api.selectors import OPERATORS
from natsctl.api.texts import LABELS, RANGE

Peers = tuple[Mapping[str, Any], ...]
PEERS_MAX = 64
ONE_PEER = Rule(
    "has(self.ipBlock) != (has(self.podSelector) || has(self.namespaceSelector))",
    "use either an ipBlock, or a podSelector, a namespaceSelector or both",
)


def _peers(description: str) -> Peers:
    peers: Peers = described(
        description,
        default=(),
        max_items=PEERS_MAX,
        native=native.PEER,
        item_rules=(ONE_PEER,),
        effect=NONE,
    )
    return peers


@frozen
class NetworkPolicy:
    """Peers that may connect to the servers."""

    enabled: bool = described(
        "Create a NetworkPolicy for the cluster; false deletes it.", default=True, effect=NONE
    )
    clients_from: tuple[Mapping[str, Any], ...] = _peers(
        "Peers that may connect to the client and websocket ports. If empty, everybody may."
    )
    monitoring_from: tuple[Mapping[str, Any], ...] = _peers(
        "Peers that may connect to the monitoring port and the metrics exporter, in addition to "
        "the operator."
    )
    routes_from: tuple[Mapping[str, Any], ...] = _peers(
        "Other servers that may connect to the route port, in addition to the clusters in "
        "extraRoutes."
    )
    gateways_from: tuple[Mapping[str, Any], ...] = _peers(
        "Peers that may connect to the gateway port. If empty, everybody may."
    )
    leafnodes_from: tuple[Mapping[str, Any], ...] = _peers(
        "Peers that may connect to the leaf node port. If empty, everybody may."
    )


def peer_lists(policy: NetworkPolicy) -> Iterator[tuple[str, Peers]]:
    """Each list of peers with its JSON path."""
    yield "spec.networkPolicy.clientsFrom", policy.clients_from
    yield "spec.networkPolicy.monitoringFrom", policy.monitoring_from
    yield "spec.networkPolicy.routesFrom", policy.routes_from
    yield "spec.networkPolicy.gatewaysFrom", policy.gateways_from
    yield "spec.networkPolicy.leafnodesFrom", policy.leafnodes_from


@frozen
class Requirement:
    """A condition on labels."""

    key: str = described("Key of a label.", text=LABELS)
    operator: str = described("How it is compared.", enum=OPERATORS)
    values: tuple[str, ...] = described("With what.", default=(), text=LABELS)


@frozen
class Selector:
    """Which pods, or which namespaces."""

    match_labels: Mapping[str, str] = described("Labels they have.", factory=dict, text=LABELS)
    match_expressions: tuple[Requirement, ...] = described(
        "Conditions that they meet.", default=(), max_items=256
    )


@frozen
class Block:
    """A range of addresses."""

    cidr: str = described("The range.", text=RANGE)
    but: tuple[str, ...] = described(
        "Those in it that are not meant.", default=(), json="except", max_items=256, text=RANGE
    )


@frozen
class Peer:
    """Pods, or addresses."""

    pod_selector: Selector | None = described("Which pods.", default=None)
    namespace_selector: Selector | None = described("In which namespaces.", default=None)
    ip_block: Block | None = described("Which addresses.", default=None)


SHAPES = (Requirement, Selector, Block, Peer)
