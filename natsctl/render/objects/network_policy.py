"""The NetworkPolicy: who may reach which port of the servers.

Only what comes in is limited: servers dial routes, gateways and hubs wherever they are told to.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from natsctl.api.fields import Json
from natsctl.api.types.cluster import NO_POLICY
from natsctl.api.types.network import NetworkPolicy
from natsctl.model import names
from natsctl.render.metadata import metadata, selector
from natsctl.render.ports import extra_port
from natsctl.render.target import Target

_NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"


def network_policy(target: Target) -> Json | None:
    """The policy, if the spec asks for one."""
    policy = target.spec.network_policy
    if policy is None or not policy.enabled:
        return None
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(target, target.name),
        "spec": {
            "podSelector": {"matchLabels": selector(target.name)},
            "policyTypes": ["Ingress"],
            "ingress": list(_rules(target, policy)),
        },
    }


def _rules(target: Target, policy: NetworkPolicy) -> Iterator[Json]:
    spec = target.spec
    policy_of_pod = spec.pod or NO_POLICY
    exporter = policy_of_pod.enable_metrics
    watched = spec.jetstream is not None and policy_of_pod.enable_config_reload
    volume = [names.VOLUME_PORT] if watched else []
    yield _rule([names.CLUSTER_PORT], [*_servers(target), *policy.routes_from])
    yield _rule([names.CLIENT_PORT, names.MONITORING_PORT, *volume], [_operator(target)])
    if policy.monitoring_from:
        metrics = [names.METRICS_PORT] if exporter else []
        yield _rule([names.MONITORING_PORT, *metrics], policy.monitoring_from)
    yield _rule([names.CLIENT_PORT, extra_port(spec, "websocket")], policy.clients_from)
    if gateway := extra_port(spec, "gateways"):
        yield _rule([gateway], policy.gateways_from)
    if leafnodes := extra_port(spec, "leafnodes"):
        yield _rule([leafnodes], policy.leafnodes_from)


def _rule(ports: Sequence[int | None], peers: Sequence[Any]) -> Json:
    """Ports and who may reach them; without peers that is everybody."""
    opened = [{"port": port, "protocol": "TCP"} for port in ports if port]
    allowed = [_as_stored(peer) for peer in peers]
    return {"ports": opened, **({"from": allowed} if allowed else {})}


def _servers(target: Target) -> list[Json]:
    """The cluster's own servers, and those of the clusters it names in `extraRoutes`."""
    named = (extra.cluster for extra in target.spec.extra_routes if extra.cluster)
    clusters = dict.fromkeys([target.name, *named])
    return [{"podSelector": {"matchLabels": selector(cluster)}} for cluster in clusters]


def _operator(target: Target) -> Json:
    """It asks servers how they are, and as a user of the system account has them reload."""
    operator = target.inputs.operator
    place = {"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: operator.namespace}}}
    return {
        **(place if operator.namespace else {}),
        "podSelector": {"matchLabels": dict(operator.labels)},
    }


def _as_stored(peer: Json) -> Json:
    """A peer as the API server keeps it: what is empty inside its parts is left out."""
    return {kind: _without_empty(part) for kind, part in peer.items()}


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_empty(item) for key, item in value.items() if item not in ({}, [])}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value
