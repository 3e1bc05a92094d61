"""The stores an operator reads from, one per kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from natsctl.api import names
from natsctl.kube.reflector import Reflector
from natsctl.kube.resources import CLUSTERS, NETWORK_POLICIES, PODS, ROLES, SECRETS, SERVICES
from natsctl.kube.store import Key, Store
from natsctl.plan.objects import Cluster, NetworkPolicy, Object, Pod, Role, Secret, Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from natsctl.kube.transport import Transport

OURS = f"{names.LABEL_APP}={names.APP},{names.LABEL_CLUSTER}"
"""Selects what belongs to NATS clusters: memory stays flat in everything else."""


@attrs.frozen
class Stores:
    """All that is known of the API server's content."""

    clusters: Store[Cluster]
    pods: Store[Pod]
    services: Store[Service]
    secrets: Store[Secret]
    roles: Store[Role]
    policies: Store[NetworkPolicy]

    def of_kind(self, kind: str) -> Store[Object]:
        """The store of a kind that clusters own."""
        found: Store[Object] = {  # type: ignore[assignment] # a Store is invariant, reading is not
            "Pod": self.pods,
            "Service": self.services,
            "Secret": self.secrets,
            "NetworkPolicy": self.policies,
            names.KIND_ROLE: self.roles,
        }[kind]
        return found


def open_stores(on_change: Callable[[Key], None]) -> Stores:
    """Empty stores that tell the key of the cluster whose things changed."""
    return Stores(*(Store(on_change) for _ in range(6)))


def reflectors(
    transport: Transport, stores: Stores, namespaces: tuple[str, ...] | None
) -> tuple[Reflector[Any], ...]:
    """What fills the stores, from some namespaces or all."""
    return tuple(
        reader
        for namespace in namespaces or (None,)
        for reader in (
            Reflector(transport, CLUSTERS, stores.clusters, namespace),
            Reflector(transport, PODS, stores.pods, namespace, OURS),
            Reflector(transport, SERVICES, stores.services, namespace, OURS),
            Reflector(transport, SECRETS, stores.secrets, namespace, OURS),
            Reflector(transport, ROLES, stores.roles, namespace),
            Reflector(transport, NETWORK_POLICIES, stores.policies, namespace, OURS, optional=True),
        )
    )
