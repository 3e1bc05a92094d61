"""Who is who among the servers of a cluster: the names of pods, hosts and servers.

A server is known by its index, from 1. Which one a pod is, its name tells, in the way of whoever
made it. Pods that stand, and their order, are the business of `natsctl.plan.servers.identity`.

Every server that may ever meet another one needs a name of its own: clusters of one name in two
namespaces, or two Kubernetes clusters, may be linked later. So the name tells the very cluster,
by the beginning of its uid. (Measured: from 2.9 on servers refuse gateways and routes of servers
that have their own names, "duplicate server name".)

A server has the name that its pod was made with; running ones keep theirs until they restart for
another reason. What is stored on disk under a server's name has to keep it for ever: a rule for
that belongs here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from natsctl.model import names
from natsctl.model.server_flags import overriding

if TYPE_CHECKING:
    from natsctl.model.objects import Container, Pod

Numbering = Callable[[str], int | None]
"""What follows the cluster's name in the name of a pod -> the index, or None if that is none."""

CLAIM_PREFIX: Final = "js-"
"""Pods have the same names without it, and a user may have volumes for those."""
_UNIQUE: Final = 8
_POD_NAME: Final = "metadata.name"
_REFERENCE: Final = re.compile(r"\$\$|\$\(([-._a-zA-Z0-9]+)\)")
_OF_A_SERVICE: Final = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_.+)?)", re.ASCII)
# A pod of somebody else's may have any name; nobody has a thousand millions of servers.
_DECIMAL: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_ORIGIN: Final = re.compile(rf"[-a-z0-9]{{1,{_UNIQUE}}}", re.ASCII)
_HEXADECIMAL: Final = re.compile(r"[1-9a-f][0-9a-f]{0,6}")


def indexes(size: int) -> range:
    """Those of a cluster of this size, in order."""
    return range(1, size + 1)


def pod_name(cluster: str, index: int) -> str:
    """The name of the pod of a new server."""
    return f"{cluster}-{index}"


def claim_name(cluster: str, index: int) -> str:
    """The name of the claim of the volume on which a server stores streams."""
    return f"{CLAIM_PREFIX}{pod_name(cluster, index)}"


def claim_index(cluster: str, claim_name: str) -> int | None:
    """Which server of the cluster a claim of this name is for, or None if it is for none.

    Anybody may make claims, of any name: there are no more than a cluster can have.
    """
    if not claim_name.startswith(CLAIM_PREFIX):
        return None
    index = index_of(cluster, claim_name.removeprefix(CLAIM_PREFIX), decimal)
    return index if index in indexes(names.MAX_SIZE) else None


def is_for_server(cluster: str, claim_name: str) -> bool:
    """Whether a claim of this name may be of a server of the cluster."""
    return claim_index(cluster, claim_name) is not None


def decimal(suffix: str) -> int | None:
    """As natsctl counts: `-9`, `-10`."""
    return int(suffix) if _DECIMAL.fullmatch(suffix) else None


def hexadecimal(suffix: str) -> int | None:
    """As the Go operator counts: `-9`, `-a`."""
    return int(suffix, 16) if _HEXADECIMAL.fullmatch(suffix) else None


NUMBERINGS: Final[tuple[Numbering, ...]] = (decimal, hexadecimal)


def index_of(cluster: str, pod_name: str, numbering: Numbering) -> int | None:
    """Which server of the cluster a pod is, or None if nobody who counts like that made it."""
    prefix = f"{cluster}-"
    return numbering(pod_name[len(prefix) :]) if pod_name.startswith(prefix) else None


def is_for_new_server(cluster: str, pod_name: str) -> bool:
    """Whether natsctl gives this name to pods of the cluster."""
    return index_of(cluster, pod_name, decimal) is not None


def may_be_server(cluster: str, pod_name: str) -> bool:
    """Whether a pod of this name may be a server of the cluster, whoever made it."""
    return any(index_of(cluster, pod_name, numbering) is not None for numbering in NUMBERINGS)


def server_host(namespace: str, cluster: str, index: int) -> str:
    """The DNS name under which a new server is reached inside Kubernetes."""
    return pod_host(namespace, cluster, pod_name(cluster, index))


def pod_host(namespace: str, cluster: str, pod_name: str) -> str:
    """The same of a pod that may have another name than its index gives."""
    return f"{pod_name}.{names.management_service(cluster)}.{namespace}.svc"


def server_name(cluster: str, uid: str, index: int) -> str:
    """What a new server calls itself, unless its user names it; `uid` is the NatsCluster's."""
    return f"{pod_name(cluster, index)}-{origin(uid)}"


def origin(uid: str) -> str:
    """What names of servers tell of the NatsCluster with this uid."""
    return uid[:_UNIQUE]


def is_origin(text: str) -> bool:
    """Whether names of servers may tell that."""
    return _ORIGIN.fullmatch(text) is not None


def origin_of(cluster: str, index: int, server_name: str) -> str | None:
    """Of which NatsCluster of this name the server was, or None if natsctl never named one so."""
    prefix = f"{pod_name(cluster, index)}-"
    found = _ORIGIN.fullmatch(server_name.removeprefix(prefix))
    return found[0] if found is not None and server_name.startswith(prefix) else None


def is_name_of(cluster: str, index: int, server_name: str) -> bool:
    """Whether natsctl may have named the server so."""
    return origin_of(cluster, index, server_name) is not None


def server_name_of(pod: Pod) -> str | None:
    """What the server of this pod calls itself; None if the pod does not tell.

    As the pod itself tells, and not the spec: that may have changed since the pod was made, and a
    newer natsctl may give other names. One that was taken over has a name that nobody knows
    beforehand.
    """
    server = next((c for c in pod.spec.containers or () if c.name == names.SERVER_CONTAINER), None)
    if server is None or any(True for _ in overriding(server.args or ())):
        return None
    name = _environment(server, pod).get(names.SERVER_NAME_ENV)
    return None if name is None or "\\" in name else name.strip('"') or None


def _environment(container: Container, pod: Pod) -> dict[str, str | None]:
    """As the kubelet makes it; None where a value comes from elsewhere, or refers to such a one."""
    environment: dict[str, str | None] = {}
    for variable in container.env or ():
        source = variable.value_from
        if source is None:
            environment[variable.name] = _expanded(variable.value, environment)
        else:
            named = source.field_ref is not None and source.field_ref.field_path == _POD_NAME
            environment[variable.name] = pod.metadata.name if named else None
    return environment


def _expanded(text: str, known: dict[str, str | None]) -> str | None:
    """References to variables that come earlier in the list; others stay as they are.

    Unless they look like those that Kubernetes adds for each Service: their values are not known.
    """
    referred = _REFERENCE.findall(text)
    if any(known.get(name, "") is None for name in referred):
        return None
    if any(_OF_A_SERVICE.fullmatch(name) for name in referred if name not in known):
        return None

    def put(reference: re.Match[str]) -> str:
        name = reference[1]
        return "$" if name is None else str(known.get(name, reference[0]))

    return _REFERENCE.sub(put, text)
