"""What a spec asks of the nodes that its servers run on."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from natsctl.api.types.cluster import NO_POLICY, NatsClusterSpec
from natsctl.api.types.server_config import GatewayConfig, LeafnodeConfig, WebsocketConfig
from natsctl.model import names
from natsctl.model.quantity import parse_bytes

DEFAULT_LAME_DUCK: Final = 120
# What a server needs to end after its lame duck period.
GRACE_MARGIN: Final = 30
_FIRST_HIGH_PORT: Final = 1024


def pod_template(spec: NatsClusterSpec) -> dict[str, Any]:
    """The template's pod; empty if there is none."""
    return dict((spec.template or {}).get("spec") or {})


def server_resources(spec: NatsClusterSpec) -> Mapping[str, Any]:
    """Compute resources of the server's container; empty if none are given."""
    given = (spec.pod or NO_POLICY).resources or _server_base(spec)[1].get("resources")
    return given if isinstance(given, Mapping) else {}


def server_arguments(spec: NatsClusterSpec) -> Iterator[tuple[str, str]]:
    """Path and text of each argument that the template adds to the server's command line."""
    index, base = _server_base(spec)
    arguments = base.get("args")
    for number, argument in enumerate(arguments if isinstance(arguments, list) else ()):
        yield f"spec.template.spec.containers[{index}].args[{number}]", str(argument)


def server_environment(spec: NatsClusterSpec) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path and content of each variable that the spec gives the server's container.

    Those of the template come first.
    """
    index, base = _server_base(spec)
    given = base.get("env")
    lists = (
        (f"spec.template.spec.containers[{index}].env", given if isinstance(given, list) else ()),
        ("spec.pod.natsEnv", (spec.pod or NO_POLICY).nats_env),
    )
    for path, variables in lists:
        for number, variable in enumerate(variables):
            if isinstance(variable, Mapping):
                yield f"{path}[{number}]", variable


def memory_limit(resources: Mapping[str, Any]) -> int | None:
    """Bytes of memory that a container may use, if they are limited."""
    limits = resources.get("limits")
    limit = limits.get("memory") if isinstance(limits, Mapping) else None
    try:
        return None if limit is None else parse_bytes(str(limit))
    except ValueError:
        return None


def _server_base(spec: NatsClusterSpec) -> tuple[int, Mapping[str, Any]]:
    """The container that the server's is built upon, and its place; what has no shape is none.

    Templates may be of any shape here: what is wrong with them is told elsewhere.
    """
    template = (spec.template or {}).get("spec")
    containers = template.get("containers") if isinstance(template, Mapping) else None
    given = containers if isinstance(containers, list) else []
    numbered = [(n, each) for n, each in enumerate(given) if isinstance(each, Mapping)]
    named = [(n, each) for n, each in numbered if each.get("name") == names.SERVER_CONTAINER]
    return next(iter([*named, *numbered]), (0, {}))


def on_host_network(spec: NatsClusterSpec) -> bool:
    """Whether the servers have their node's network: its address, and its ports."""
    return bool(pod_template(spec).get("hostNetwork"))


def needed_grace(spec: NatsClusterSpec) -> int:
    """Seconds from the lame duck signal until a server has surely ended."""
    return (spec.lame_duck_duration_seconds or DEFAULT_LAME_DUCK) + GRACE_MARGIN


def given_grace(spec: NatsClusterSpec) -> int | None:
    """What the template gives it."""
    given = pod_template(spec).get("terminationGracePeriodSeconds")
    return None if given is None else int(given)


def low_ports(spec: NatsClusterSpec) -> Iterator[tuple[str, int]]:
    """Path and number of each port that only root may open, unless the pod lowers the limit."""
    ports = {
        "spec.gatewayConfig.hostPort": (spec.gateway_config or GatewayConfig()).host_port,
        "spec.leafnodeConfig.hostPort": (spec.leafnode_config or LeafnodeConfig()).host_port,
        "spec.websocketConfig.port": (spec.websocket_config or WebsocketConfig()).port,
    }
    for path, port in ports.items():
        if port and port < _FIRST_HIGH_PORT:
            yield path, port


def tells_servers(spec: NatsClusterSpec) -> bool:
    """Whether gateways or leaf nodes are told the address of the node."""
    gateway, leaf = spec.gateway_config or GatewayConfig(), spec.leafnode_config or LeafnodeConfig()
    advertises = (spec.pod or NO_POLICY).advertise_external_ip
    return advertises and bool(gateway.host_port or leaf.host_port)


def tells_clients(spec: NatsClusterSpec) -> bool:
    """Whether clients are told the address of the node: only if it opens their port."""
    pod = spec.pod or NO_POLICY
    opened = pod.enable_clients_host_port or on_host_network(spec)
    return pod.advertise_external_ip and opened
