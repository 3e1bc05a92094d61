"""The stores an operator reads from, one per kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.controllers.runtime.pace import Pacer
from natsctl.controllers.watch.late_store import LateStore
from natsctl.controllers.watch.owned import resource_of
from natsctl.kube.reflector import Reflector
from natsctl.kube.resources import (
    CLUSTERS,
    NAMESPACES_METADATA,
    PODS,
    ROLES,
    SECRETS,
)
from natsctl.kube.store import Key, Store
from natsctl.model import names
from natsctl.model.objects import (
    Cluster,
    Namespace,
    Object,
    Pod,
    Secret,
    ServiceRole,
)
from natsctl.model.server_identity import is_for_server
from natsctl.plan.service_accounts.seals import bond_of, claimed, kept
from natsctl.render.objects.owned_objects import owned_kinds

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from natsctl.controllers.watch.namespace_labels import NamespaceLabels
    from natsctl.kube.transport import Transport
    from natsctl.render.objects.owned_objects import OwnedKind

OURS = f"{names.LABEL_APP}={names.APP},{names.LABEL_CLUSTER}"
"""Selects what belongs to NATS clusters: memory stays flat in everything else."""
CONFIGURATIONS = f"{OURS},!{names.LABEL_CLUSTER_NAMESPACE}"
TOKENS = f"{OURS},{names.LABEL_CLUSTER_NAMESPACE}"
"""Select two kinds of Secrets, of which one may lie in any namespace."""


@attrs.frozen
class Stores:
    """All that is known of the API server's content; of `tokens` only what has a valid seal.

    `owned` are what clusters own beside their pods, by kind.
    """

    clusters: Store[Cluster]
    pods: Store[Pod]
    roles: Store[ServiceRole]
    tokens: Store[Secret]
    owned: Mapping[str, Store[Any]]

    @property
    def secrets(self) -> Store[Secret]:
        """The config Secrets."""
        return self.owned[SECRETS.kind]

    def late(self) -> Mapping[str, LateStore[Any]]:
        """Those of kinds that are watched once a cluster has some, by kind."""
        return {kind: store for kind, store in self.owned.items() if isinstance(store, LateStore)}

    def of_kind(self, kind: str) -> Store[Object]:
        """The store of a kind that clusters own."""
        apart: dict[str, Store[Any]] = {PODS.kind: self.pods, ROLES.kind: self.roles}
        return {**apart, **self.owned}[kind]


def open_stores(on_change: Callable[[Key], None]) -> Stores:
    """Empty stores that tell the key of the cluster whose things changed."""
    return Stores(
        clusters=Store(on_change),
        pods=Store(on_change),
        roles=Store(on_change),
        tokens=Store(Pacer(on_change), claimed),
        owned={
            entry.kind: LateStore(on_change) if entry.late else Store(on_change)
            for entry in owned_kinds()
        },
    )


def reflectors(
    transport: Transport, stores: Stores, namespaces: tuple[str, ...] | None
) -> tuple[Reflector[Any], ...]:
    """What fills the stores, from some namespaces or all."""
    return tuple(
        reader
        for namespace in namespaces or (None,)
        for reader in _readers(transport, stores, namespace)
    )


def _readers(
    transport: Transport, stores: Stores, namespace: str | None
) -> Iterator[Reflector[Any]]:
    yield Reflector(transport, CLUSTERS, stores.clusters, namespace)
    yield Reflector(transport, PODS, stores.pods, namespace, OURS)
    yield Reflector(transport, ROLES, stores.roles, namespace)
    for entry in owned_kinds():
        if not entry.late:
            yield _owned_reader(transport, stores, entry, namespace)


def _owned_reader(
    transport: Transport, stores: Stores, entry: OwnedKind, namespace: str | None
) -> Reflector[Any]:
    resource, store = resource_of(entry), stores.owned[entry.kind]
    if entry.is_config:
        return Reflector(transport, resource, store, namespace, CONFIGURATIONS, door=configuration)
    if entry.holds_data:
        return Reflector(transport, resource, store, namespace, OURS, optional=True, door=volume)
    return Reflector(transport, resource, store, namespace, OURS, optional=entry.optional)


def late_readers(
    transport: Transport, stores: Stores, namespaces: tuple[str, ...] | None
) -> tuple[tuple[asyncio.Event, Reflector[Any]], ...]:
    """What fills the stores of kinds that few clusters have, each once one needs it."""
    late = stores.late()
    return tuple(
        (late[entry.kind].needed, _owned_reader(transport, stores, entry, namespace))
        for namespace in namespaces or (None,)
        for entry in owned_kinds()
        if entry.late
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


def volume(claim: Object) -> Object | None:
    """Of the labelled claims only those that can be of a server's volume."""
    meta = claim.metadata
    return claim if is_for_server(meta.label(names.LABEL_CLUSTER) or "", meta.name) else None
