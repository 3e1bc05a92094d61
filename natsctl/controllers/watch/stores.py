"""The stores an operator reads from, one per kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from natsctl.controllers.runtime.pace import Pacer
from natsctl.kube.reflector import Reflector
from natsctl.kube.resources import (
    CLUSTERS,
    NAMESPACES_METADATA,
    NETWORK_POLICIES,
    PODS,
    ROLES,
    SECRETS,
    SERVICES,
)
from natsctl.kube.store import Key, Store
from natsctl.model import names
from natsctl.model.objects import (
    Cluster,
    Namespace,
    NetworkPolicy,
    Object,
    Pod,
    Secret,
    Service,
    ServiceRole,
)
from natsctl.plan.service_accounts.seals import bond_of, claimed, kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from natsctl.controllers.watch.namespace_labels import NamespaceLabels
    from natsctl.kube.transport import Transport

OURS = f"{names.LABEL_APP}={names.APP},{names.LABEL_CLUSTER}"
"""Selects what belongs to NATS clusters: memory stays flat in everything else."""
CONFIGURATIONS = f"{OURS},!{names.LABEL_CLUSTER_NAMESPACE}"
TOKENS = f"{OURS},{names.LABEL_CLUSTER_NAMESPACE}"
"""Select two kinds of Secrets, of which one may lie in any namespace."""


@attrs.frozen
class Stores:
    """All that is known of the API server's content; of `tokens` only what has a valid seal."""

    clusters: Store[Cluster]
    pods: Store[Pod]
    services: Store[Service]
    secrets: Store[Secret]
    roles: Store[ServiceRole]
    policies: Store[NetworkPolicy]
    tokens: Store[Secret]

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
    return Stores(
        clusters=Store(on_change),
        pods=Store(on_change),
        services=Store(on_change),
        secrets=Store(on_change),
        roles=Store(on_change),
        policies=Store(on_change),
        tokens=Store(Pacer(on_change), claimed),
    )


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
            Reflector(
                transport, SECRETS, stores.secrets, namespace, CONFIGURATIONS, door=configuration
            ),
            Reflector(transport, ROLES, stores.roles, namespace),
            Reflector(transport, NETWORK_POLICIES, stores.policies, namespace, OURS, optional=True),
        )
    )


def label_reader(transport: Transport, labels: NamespaceLabels) -> Reflector[Namespace]:
    """What tells the labels of Namespaces; without the right to read them nobody waits for it."""
    return Reflector(transport, NAMESPACES_METADATA, labels, optional=True)


def token_readers(
    transport: Transport, stores: Stores, namespaces: tuple[str, ...] | None, sealing: bytes
) -> tuple[Reflector[Secret], ...]:
    """What fills the store of tokens; it takes the key of the seals to tell them from others."""

    def door(secret: Secret) -> Secret | None:
        return kept(secret) if bond_of(secret, sealing) is not None else None

    return tuple(
        Reflector(transport, SECRETS, stores.tokens, namespace, TOKENS, door=door, part="tokens")
        for namespace in namespaces or (None,)
    )


def configuration(secret: Secret) -> Secret | None:
    """Of the labelled Secrets only those that can be a cluster's configuration."""
    meta = secret.metadata
    return secret if meta.name == meta.label(names.LABEL_CLUSTER) else None
