"""Collects what a cluster's configuration depends on beside its own spec."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING

import attrs

from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.release import meant_version
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.status import parse_status
from natsctl.controllers.cluster.identity import Identity
from natsctl.controllers.runtime.computing import Computing, is_heavy, of_documents
from natsctl.controllers.watch.dependencies import Dependencies
from natsctl.controllers.watch.namespace_labels import NamespaceLabels
from natsctl.controllers.watch.secret_cache import SecretCache
from natsctl.controllers.watch.service_accounts import ServiceAccounts
from natsctl.controllers.watch.stores import Stores
from natsctl.kube.client import Client
from natsctl.kube.store import Key
from natsctl.model import names
from natsctl.model.objects import Cluster, controlled
from natsctl.plan.desired import version_of
from natsctl.plan.inputs.collect import collect
from natsctl.plan.inputs.joined_name import Member, joins
from natsctl.plan.namespaces import Labels, NamespacePolicy
from natsctl.plan.service_accounts.grants import switched_tokens
from natsctl.render.inputs import OperatorPods

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from natsctl.model.objects import Secret, ServiceRole
    from natsctl.plan.references import References, ServiceAccount


@attrs.frozen
class Gatherer:
    """Reads from stores and caches; asks the API server only for what changed.

    `began` is when this process began to lead (RFC 3339): what is older may be of an earlier
    natsctl. Empty: nothing is.
    """

    client: Client
    stores: Stores
    secret_cache: SecretCache
    accounts: ServiceAccounts
    links: Dependencies
    identity: Identity
    sealing: bytes = attrs.field(factory=partial(secrets.token_bytes, 32), repr=False)
    namespaces: NamespacePolicy = attrs.field(factory=NamespacePolicy)
    labels: NamespaceLabels = attrs.field(factory=NamespaceLabels)
    operator: OperatorPods = attrs.field(factory=OperatorPods)
    computing: Computing = attrs.field(factory=Computing)
    began: str = ""
    _specs: dict[Key, tuple[Cluster, NatsClusterSpec | None]] = attrs.field(
        factory=dict, init=False, repr=False
    )

    @property
    def pepper(self) -> bytes:
        """What keys digests and seals; empty where the operator has no secret."""
        return self.identity.pepper if self.identity else b""

    async def gather(
        self,
        key: Key,
        spec: NatsClusterSpec,
        timestamp: str,
        proven: Mapping[Key, str] | None = None,
        stored: frozenset[str] = frozenset(),
    ) -> References:
        """Everything outside the NatsCluster that its configuration depends on.

        `stored` are Secrets that its claims name.
        """
        self.links.name(key, frozenset((key[0], name) for name in joins(spec)))
        references = await collect(_Lookup(self, key), spec, timestamp, stored)
        tokens = {secret.key: secret for secret in self.stores.tokens.of_cluster(key)}
        cluster = self.stores.clusters.get(key)
        return attrs.evolve(
            references,
            tokens=tokens,
            switched=switched_tokens(tokens, timestamp, self.sealing),
            proven=proven or {},
            namespaces=self.namespaces,
            uid=cluster.metadata.uid if cluster is not None else "",
            sealing=self.sealing,
            version=meant_version(spec) if spec.version else None,
            system=self.user_of(key),
            signs=bool(self.identity),
            pepper=self.identity.pepper,
            operator=self.operator,
        )

    def forget(self, key: Key) -> None:
        """A cluster is gone: nothing is watched for it any more."""
        self._specs.pop(key, None)
        self.secret_cache.name(key, frozenset())
        self.accounts.forget(key)
        self.labels.forget(key)
        self.links.name(key, frozenset())
        for store in self.stores.late().values():
            store.stop_asking(key)

    async def member(self, key: Key) -> Member | None:
        """A NatsCluster as others may join it; None if there is none with a spec to act on."""
        cluster, spec = self.stores.clusters.get(key), await self._spec(key)
        if cluster is None or spec is None:
            return None
        pods = tuple(controlled(self.stores.pods.of_cluster(key), cluster).values())
        stamps = tuple(pod.metadata.annotation(names.REVISION_ANNOTATION) for pod in pods)
        heavy = is_heavy(of_documents(cluster.status))
        status = await self.computing.computed(key[0], heavy, parse_status, cluster.status)
        return Member(spec, version_of(spec, status, pods), stamps)

    async def _spec(self, key: Key) -> NatsClusterSpec | None:
        """The spec of a NatsCluster, if it can be acted on; read once for what was stored."""
        cluster = self.stores.clusters.get(key)
        if cluster is None:
            self._specs.pop(key, None)
            return None
        known = self._specs.get(key)
        if known is None or known[0] is not cluster:
            heavy = is_heavy(of_documents(cluster.spec))
            known = cluster, await self.computing.computed(key[0], heavy, _read, cluster)
            self._specs[key] = known
        return known[1]

    def user_of(self, key: Key) -> str:
        """The operator's user in a cluster; empty without a secret to derive its key from."""
        cluster = self.stores.clusters.get(key)
        known = cluster is not None and self.identity
        return self.identity.user_of(cluster.metadata.uid) if cluster and known else ""


@attrs.frozen
class _Lookup:
    """What one cluster depends on, as its Gatherer knows it."""

    gatherer: Gatherer
    key: Key

    async def secrets(self, names: frozenset[str]) -> Mapping[str, Secret | None]:
        namespace, cache = self.key[0], self.gatherer.secret_cache
        cache.name(self.key, frozenset((namespace, name) for name in names))
        client = self.gatherer.client
        return {name: await cache.read(client, (namespace, name)) for name in sorted(names)}

    async def member(self, name: str) -> Member | None:
        return await self.gatherer.member((self.key[0], name))

    def roles(self) -> Iterable[ServiceRole]:
        return self.gatherer.stores.roles.of_cluster(self.key)

    async def service_accounts(
        self, names: frozenset[str]
    ) -> Mapping[str, tuple[ServiceAccount, ...]]:
        transport = self.gatherer.client.transport
        return await self.gatherer.accounts.find(transport, self.key, names)

    def labels(self, namespaces: frozenset[str] | None) -> Labels | None:
        if namespaces is None:
            self.gatherer.labels.forget(self.key)
            return None
        return self.gatherer.labels.find(self.key, namespaces)


def _read(cluster: Cluster) -> NatsClusterSpec | None:
    try:
        return parse_spec(cluster.spec)
    except InvalidSpec:
        return None
