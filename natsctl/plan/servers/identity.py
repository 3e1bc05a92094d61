"""Which servers of a cluster stand, and the order in which they come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from natsctl.model.objects import Object
from natsctl.model.server_identity import (
    claim_index,
    decimal,
    hexadecimal,
    index_of,
    indexes,
    pod_name,
)
from natsctl.plan.adoption.go_operator import is_taken_over

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping

    from natsctl.model.objects import Pod
    from natsctl.model.server_identity import Numbering


class Named(Protocol):
    """A server, as far as it takes to know who it is."""

    @property
    def index(self) -> int:
        """From 1."""

    @property
    def name(self) -> str:
        """Pod name."""


S = TypeVar("S", bound=Named)
C = TypeVar("C", bound=Object)
V = TypeVar("V")


def servers_among(cluster: str, pods: Iterable[Pod]) -> tuple[tuple[int, Pod], ...]:
    """Pods with the name of a server, each with its index, in order."""
    indexed = ((index_of(cluster, pod.metadata.name, _numbering(pod)), pod) for pod in pods)
    numbered = [(index, pod) for index, pod in indexed if index is not None]
    return tuple(sorted(numbered, key=lambda each: each[0]))


def kept_names(cluster: str, pods: Iterable[Pod]) -> dict[int, str]:
    """Names of the pods that were taken over, by index: they differ from those of new ones."""
    taken_over = servers_among(cluster, filter(is_taken_over, pods))
    return {index: pod.metadata.name for index, pod in taken_over}


def claims_among(cluster: str, claims: Iterable[C]) -> dict[int, C]:
    """Claims with the name of one that a server of the cluster needs, by its index."""
    indexed = ((claim_index(cluster, claim.metadata.name), claim) for claim in claims)
    return {index: claim for index, claim in indexed if index is not None}


def indexes_of(cluster: str, pods: Iterable[str]) -> frozenset[int]:
    """Those of new servers of the cluster among pods of these names."""
    found = (index_of(cluster, pod, decimal) for pod in pods)
    return frozenset(index for index in found if index is not None)


def has_server(size: int, index: int) -> bool:
    """Whether a cluster of this size has the server."""
    return index in indexes(size)


def standing(servers: Iterable[Named], size: int) -> frozenset[int]:
    """Indexes of the servers that are there, or that a cluster of this size has."""
    return frozenset(indexes(size)) | {server.index for server in servers}


def of_others(found: Mapping[int, V], servers: Iterable[Named], size: int) -> dict[int, V]:
    """What there is, by index, of servers that neither stand nor are to be."""
    there = standing(servers, size)
    return {index: value for index, value in found.items() if index not in there}


def is_among(index: int, servers: Container[int]) -> bool:
    """Whether a server is one of these."""
    return index in servers


def only(found: Mapping[int, V], kept: Container[int]) -> dict[int, V]:
    """What there is, by index, of these servers."""
    return {index: value for index, value in found.items() if index in kept}


def without(found: Mapping[int, V], left: Container[int]) -> dict[int, V]:
    """What there is, by index, but for servers that left."""
    return {index: value for index, value in found.items() if index not in left}


def missing(cluster: str, servers: Collection[Named], size: int) -> tuple[tuple[int, str], ...]:
    """Index and name of the pods that a cluster of this size lacks.

    A name that another pod still has is waited for: the Go operator's `-10` is its sixteenth.
    """
    present, taken = {s.index for s in servers}, {s.name for s in servers}
    absent = ((index, pod_name(cluster, index)) for index in indexes(size) if index not in present)
    return tuple((index, name) for index, name in absent if name not in taken)


def wanted(servers: Iterable[S], size: int) -> tuple[S, ...]:
    """Servers that a cluster of this size has."""
    return tuple(server for server in servers if server.index in indexes(size))


def excess(servers: Iterable[S], size: int) -> tuple[S, ...]:
    """Servers that it does not have, in the order in which they leave."""
    return leaving(server for server in servers if server.index not in indexes(size))


def leaving(servers: Iterable[S]) -> tuple[S, ...]:
    """Servers in the order in which they leave: the highest index first."""
    return tuple(sorted(servers, key=lambda server: server.index, reverse=True))


def _numbering(pod: Pod) -> Numbering:
    """How whoever made the pod counts."""
    return hexadecimal if is_taken_over(pod) else decimal
