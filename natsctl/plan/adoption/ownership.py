"""Which installation of natsctl manages a cluster: the one that its status names.

Replicas of one installation share a lease. Two installations know nothing of each other's, and may
not even be allowed to look: what both can see is the NatsCluster. Whoever first writes its name
into the status, before anything else, manages the cluster; the API server lets only one be first.
The annotation `nats.io/operator` says who is to manage it instead. And one whose lease has not
changed for a while is gone, if that can be seen.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.model.foreign import named

if TYPE_CHECKING:
    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.objects import Cluster

HANDOVER = 30.0
"""Seconds that another is waited for to let go, or to renew its lease: longer than a process that
lost its lease can live."""


class Ownership(Enum):
    """What a cluster is to an installation."""

    OURS = "ours"
    FREE = "nobody's yet"
    OTHERS = "another's"
    GIVEN_UP = "ours, and to be another's"
    AWAITED = "another's, and to be ours"


def chosen(cluster: Cluster) -> str:
    """The installation that the user chose, as `namespace/lease`."""
    return cluster.metadata.annotation(names.OPERATOR_ANNOTATION) or ""


def claim(cluster: Cluster, status: ClusterStatus, installation: str) -> Ownership:
    """What the cluster is to this installation."""
    holder, wanted = status.operator, chosen(cluster)
    if wanted not in ("", installation):
        return Ownership.GIVEN_UP if holder == installation else Ownership.OTHERS
    if holder in ("", installation):
        return Ownership.OURS if holder else Ownership.FREE
    return Ownership.AWAITED if wanted else Ownership.OTHERS


def in_the_way(status: ClusterStatus, installation: str) -> str:
    """What the second installation says of a cluster that another manages."""
    other = named(status.operator)
    return (
        f"installation {other} manages this cluster, and installation {installation} leaves it "
        f"alone; uninstall one of them, or choose one with the annotation "
        f"{names.OPERATOR_ANNOTATION}"
    )
