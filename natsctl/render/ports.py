"""The ports of a server, of its pod and of the Services."""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from natsctl.api.fields import Json
from natsctl.api.types.cluster import NO_POLICY, NatsClusterSpec, PodPolicy
from natsctl.api.types.server_config import GatewayConfig, LeafnodeConfig, WebsocketConfig
from natsctl.model import names


@frozen
class Listening:
    """A port that a spec may ask for: names in pod and Services, and whether its node opens it."""

    container: str
    service: str
    number: Callable[[NatsClusterSpec], int | None]
    on_node: Callable[[PodPolicy], bool]


# `hostPort` says by its name what it asks for; the websocket's `port` does not.
EXTRA: Final = (
    Listening(
        "gateway",
        "gateways",
        lambda spec: (spec.gateway_config or GatewayConfig()).host_port,
        lambda pod: not pod.disable_gateways_host_port or pod.advertise_external_ip,
    ),
    Listening(
        "leaf",
        "leafnodes",
        lambda spec: (spec.leafnode_config or LeafnodeConfig()).host_port,
        lambda pod: not pod.disable_leafnodes_host_port or pod.advertise_external_ip,
    ),
    Listening(
        "websocket",
        "websocket",
        lambda spec: (spec.websocket_config or WebsocketConfig()).port,
        lambda pod: pod.advertise_external_ip,
    ),
)


def container_ports(spec: NatsClusterSpec) -> list[Json]:
    """Ports of the server's container; some are open on the node as well."""
    policy = spec.pod or NO_POLICY
    return [
        _container_port("cluster", names.CLUSTER_PORT, False),
        _container_port("monitoring", names.MONITORING_PORT, False),
        _container_port("client", names.CLIENT_PORT, policy.enable_clients_host_port),
        *(
            _container_port(each.container, number, each.on_node(policy))
            for each in EXTRA
            if (number := each.number(spec))
        ),
    ]


def client_ports(spec: NatsClusterSpec) -> list[Json]:
    """Ports of the clients' Service."""
    return [_service_port("tcp-client", names.CLIENT_PORT), *_extra(spec, "websocket")]


def management_ports(spec: NatsClusterSpec) -> list[Json]:
    """Ports of the headless Service."""
    return [
        _service_port("cluster", names.CLUSTER_PORT),
        _service_port("monitoring", names.MONITORING_PORT),
        _service_port("metrics", names.METRICS_PORT),
        *_extra(spec, "websocket", "gateways", "leafnodes"),
    ]


def extra_port(spec: NatsClusterSpec, service: str) -> int | None:
    """The number of the port that has this name in Services, if the spec asks for it."""
    return {each.service: each.number(spec) for each in EXTRA}[service]


def _extra(spec: NatsClusterSpec, *wanted: str) -> list[Json]:
    given = {each.service: each.number(spec) for each in EXTRA}
    return [_service_port(name, number) for name in wanted if (number := given[name])]


def _container_port(name: str, number: int, on_node: bool) -> Json:
    port: Json = {"name": name, "containerPort": number, "protocol": "TCP"}
    return {**port, "hostPort": number} if on_node else port


def _service_port(name: str, number: int) -> Json:
    return {"name": name, "port": number, "targetPort": number, "protocol": "TCP"}
