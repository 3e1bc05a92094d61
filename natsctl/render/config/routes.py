"""The cluster block: the servers' name for themselves, and their routes."""

from natsctl.api.fields import Json
from natsctl.api.types.security import NO_AUTH
from natsctl.api.types.server_config import ExtraRoute
from natsctl.model import names
from natsctl.model.server_identity import indexes, pod_host, pod_name, server_host
from natsctl.render.config.gateways import gateway_name
from natsctl.render.config.system_account import required_login
from natsctl.render.config.tls import tls_block
from natsctl.render.config.urls import user_info
from natsctl.render.inputs import Neighbour
from natsctl.render.target import Target


def cluster_block(target: Target) -> Json:
    """What servers need to find each other, and whom they let in as one of them."""
    auth = target.spec.auth or NO_AUTH
    name = cluster_name(target)
    return {
        **({"name": name} if name else {}),
        "port": names.CLUSTER_PORT,
        # Each once: the server's own check takes a second one for an error.
        "routes": list(dict.fromkeys([*_own_routes(target), *_extra_routes(target)])),
        **tls_block(target, "routes"),
        **required_login(auth.cluster_auth_secret, target.inputs.routes, auth.cluster_auth_timeout),
    }


def own_name(target: Target) -> bool:
    """Whether the servers' cluster has a name of its own.

    Servers refuse routes to a cluster of another name. Without any they take that of a cluster
    they have routes to; measured: a nameless server restarted among named peers and with an
    extra route may leave its peers for the other side.
    """
    spec = target.spec
    wanted = not (spec.extra_routes or spec.cluster_name) if target.named is None else target.named
    return target.version.knows_cluster_name and wanted


def cluster_name(target: Target) -> str | None:
    """What the servers call their cluster: servers refuse another name than their gateway's.

    Those that join a cluster whose name is known have it from the start. Measured with 2.14.5: of
    nameless servers that start at once, one may tell another its made-up name as if it were
    fixed (CONNECT has the name of before an adoption and the `dynamic` of after it), and both stay
    apart from the rest (1 of 900 starts of two clusters of three).
    """
    if not target.version.knows_cluster_name:
        return None
    own = target.name if own_name(target) else None
    return gateway_name(target.spec) or own or target.joined


def _own_routes(target: Target) -> list[str]:
    login = user_info(target.inputs.routes)
    pods = (
        target.kept.get(index) or pod_name(target.name, index)
        for index in indexes(target.spec.size)
    )
    hosts = (pod_host(target.namespace, target.name, pod) for pod in pods)
    return [f"nats://{login}{host}:{names.CLUSTER_PORT}" for host in hosts]


def _extra_routes(target: Target) -> list[str]:
    return [route for extra in target.spec.extra_routes for route in _extra_route(target, extra)]


def _extra_route(target: Target, extra: ExtraRoute) -> list[str]:
    if extra.route:
        return [extra.route]
    name = extra.cluster or ""
    neighbour = target.inputs.neighbours.get(name)
    login = user_info(neighbour.login) if neighbour else ""
    hosts = _hosts_of(target, name, neighbour)
    return [f"nats://{login}{host}:{names.CLUSTER_PORT}" for host in hosts]


def _hosts_of(target: Target, name: str, neighbour: Neighbour | None) -> list[str]:
    """Each server of the other cluster by its own name, which certificates have, too.

    Measured: from 2.10 on each of a route's connections looks a name up for itself. Where a name
    stands for several servers, some pairs of them end up without the connection of an account,
    for good, and its messages do not pass between them (7 of 10 starts of two clusters of three).
    """
    if neighbour is None or (target.kept and not neighbour.encrypted):
        return [names.management_service(name)]  # as servers of the Go operator have it
    return [server_host(target.namespace, name, index) for index in indexes(neighbour.size)]
