"""What is worth knowing of a spec that is acted on as it stands."""

from collections.abc import Iterator
from typing import Any

from natsctl.api.checks.tags import unique_tag_remarks
from natsctl.api.problems import Problem
from natsctl.api.system_account import included_file
from natsctl.api.types.cluster import NO_POLICY, NatsClusterSpec
from natsctl.api.types.node import (
    given_grace,
    low_ports,
    needed_grace,
    on_host_network,
    pod_template,
    tells_clients,
    tells_servers,
)
from natsctl.api.types.security import NO_AUTH, NO_OPERATOR


def remarks(spec: NatsClusterSpec) -> Iterator[Problem]:
    """Fields that work otherwise than somebody may think, and the way out."""
    yield from _grace(spec)
    yield from _ports_of_the_node(spec)
    yield from _address(spec)
    yield from _quorum(spec)
    yield from _system_user(spec)
    yield from _domain(spec)
    yield from _no_volumes(spec)
    yield from unique_tag_remarks(spec)


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
    advertises = (spec.pod or NO_POLICY).advertise_external_ip
    if advertises and not tells_clients(spec) and not tells_servers(spec):
        message = (
            "has no effect: there are no gateways or leaf nodes, and the clients' port is not "
            "open on the node; to advertise the node to clients, set spec.pod.enableClientsHostPort"
        )
        yield Problem("spec.pod.advertiseExternalIP", "true", message)


def _quorum(spec: NatsClusterSpec) -> Iterator[Problem]:
    """Of servers that store streams, a majority has to be there."""
    size = spec.size
    if spec.jetstream is None or size < 2 or size % 2:
        return
    if size == 2:
        message = (
            "is 2, so neither server may be missing: JetStream needs a majority, and stops during "
            "each restart; use 3 servers"
        )
    else:
        message = (
            f"is {size}, which tolerates the loss of no more servers than {size - 1}: JetStream "
            f"needs a majority; use {size - 1} or {size + 1} servers"
        )
    yield Problem("spec.size", str(size), message)


def _system_user(spec: NatsClusterSpec) -> Iterator[Problem]:
    auth = spec.auth or NO_AUTH
    reasons = {
        "spec.operatorConfig": bool((spec.operator_config or NO_OPERATOR).secret),
        "spec.auth.clientsAuthFile": included_file(auth) is not None,
        "spec.auth.tlsVerifyAndMap": auth.tls_verify_and_map,
    }
    for path in (path for path, there in reasons.items() if there and spec.jetstream is not None):
        message = (
            "leaves natsctl without a user in the system account: it cannot move streams and "
            "leaders to other servers before one restarts or is removed"
        )
        yield Problem(path, "", message)


def _domain(spec: NatsClusterSpec) -> Iterator[Problem]:
    """It is said early: once there are streams, it cannot change."""
    jetstream = spec.jetstream
    if spec.leafnode_config is not None and jetstream is not None and not jetstream.domain:
        message = (
            "is not set: to reach the streams of the other side of a leaf node connection, set a "
            "different domain on each side before there are any"
        )
        yield Problem("spec.jetstream.domain", "", message)


def _no_volumes(spec: NatsClusterSpec) -> Iterator[Problem]:
    if spec.persistent_volume_claim_retention_policy is not None and spec.jetstream is None:
        message = "has no effect without spec.jetstream: servers have no PersistentVolumeClaims"
        yield Problem("spec.persistentVolumeClaimRetentionPolicy", "", message)
