"""What is worth knowing of a spec that is acted on as it stands."""

from collections.abc import Iterator
from typing import Any

from natsctl.api.problems import Problem
from natsctl.api.types.cluster import NatsClusterSpec, PodPolicy
from natsctl.api.types.node import (
    given_grace,
    low_ports,
    needed_grace,
    on_host_network,
    pod_template,
    tells_clients,
    tells_servers,
)


def remarks(spec: NatsClusterSpec) -> Iterator[Problem]:
    """Fields that work otherwise than somebody may think, and the way out."""
    yield from _grace(spec)
    yield from _ports_of_the_node(spec)
    yield from _address(spec)


def _grace(spec: NatsClusterSpec) -> Iterator[Problem]:
    given, needed = given_grace(spec), needed_grace(spec)
    if given is not None and given < needed:
        message = (
            f"is {given}, so a stopping server is killed before it has asked all clients to "
            f"disconnect, which takes {needed} seconds with its lame duck period; use {needed} "
            "or more, or omit it"
        )
        path = "spec.template.spec.terminationGracePeriodSeconds"
        yield Problem(path, str(given), message)


def _ports_of_the_node(spec: NatsClusterSpec) -> Iterator[Problem]:
    if not on_host_network(spec) or _may_bind(spec):
        return
    for path, port in low_ports(spec):
        message = (
            f"is {port}, which a server on the node's network can open only if the node's "
            "sysctl net.ipv4.ip_unprivileged_port_start allows it; use port 1024 or higher, or "
            "omit hostNetwork from the template"
        )
        yield Problem(path, str(port), message)


def _may_bind(spec: NatsClusterSpec) -> bool:
    """Whether the server's container is root with the capability for it."""
    template = pod_template(spec)
    containers: list[dict[str, Any]] = list(template.get("containers") or [])
    named = [one for one in containers if one.get("name") == "nats"] or containers
    own = (named[0] if named else {}).get("securityContext") or {}
    user = own.get("runAsUser", (template.get("securityContext") or {}).get("runAsUser"))
    added = (own.get("capabilities") or {}).get("add") or ()
    return bool(own.get("privileged")) or (user == 0 and "NET_BIND_SERVICE" in added)


def _address(spec: NatsClusterSpec) -> Iterator[Problem]:
    advertises = (spec.pod or PodPolicy()).advertise_external_ip
    if advertises and not tells_clients(spec) and not tells_servers(spec):
        message = (
            "has no effect: there are no gateways or leaf nodes, and the clients' port is not "
            "open on the node; to advertise the node to clients, set spec.pod.enableClientsHostPort"
        )
        yield Problem("spec.pod.advertiseExternalIP", "true", message)
