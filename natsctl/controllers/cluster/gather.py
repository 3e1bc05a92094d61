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
from natsctl.controllers.runtime.computing import computed, is_heavy, of_documents
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
from natsctl.plan.inputs.certificates import coming_minute
from natsctl.plan.inputs.joined_name import Member, joined_name, joins
from natsctl.plan.inputs.resolve import named_secrets
from natsctl.plan.namespaces import Labels, NamespacePolicy, selects
from natsctl.plan.references import References
from natsctl.plan.service_accounts.grants import switched_tokens
from natsctl.render.inputs import OperatorPods

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from natsctl.model.objects import ServiceRole
    from natsctl.plan.references import ServiceAccount


@attrs.frozen
class Gatherer:
    """Reads from stores and caches; asks the API server only for what changed."""

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
    _specs: dict[Key, tuple[Cluster, NatsClusterSpec | None]] = attrs.field(
        factory=dict, init=False, repr=False
    )

    async def gather(
        self,
        key: Key,
        spec: NatsClusterSpec,
        timestamp: str,
        proven: Mapping[Key, str] | None = None,
    ) -> References:
        """Everything outside the NatsCluster that its configuration depends on."""
        namespace = key[0]
        neighbours = await self._neighbours(key, spec)
        members = await self._members(namespace, spec)
        needed = named_secrets(spec) | _logins(neighbours)
        self.secret_cache.name(key, frozenset((namespace, name) for name in needed))
        found = {
            name: await self.secret_cache.read(self.client, (namespace, name))
            for name in sorted(needed)
        }
        roles = self.stores.roles.of_cluster(key)
        wanted = frozenset(r.metadata.name for r in roles)
        if spec.auth is None or not spec.auth.enable_service_accounts:
            wanted = frozenset()
        accounts = await self.accounts.find(self.client.transport, key, wanted)
        tokens = {secret.key: secret for secret in self.stores.tokens.of_cluster(key)}
        cluster = self.stores.clusters.get(key)
        return References(
            secrets=found,
            roles=tuple(sorted(roles, key=lambda role: role.metadata.name)),
            accounts=accounts,
            tokens=tokens,
            switched=switched_tokens(tokens, timestamp, self.sealing),
            proven=proven or {},
            namespaces=self.namespaces,
            labels=self._labels(key, roles, accounts),
            uid=cluster.metadata.uid if cluster is not None else "",
            sealing=self.sealing,
            neighbours=neighbours,
            joined=joined_name(spec, members.get),
            minute=coming_minute(timestamp),
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

    def _labels(
        self,
        key: Key,
        roles: Iterable[ServiceRole],
        accounts: Mapping[str, tuple[ServiceAccount, ...]],
    ) -> Labels | None:
        """Those of namespaces that may be selected; None: not known, or no role selects."""
        names = [role.metadata.name for role in roles if selects(role)]
        if not names:
            self.labels.forget(key)
            return None
        found = (account.namespace for name in names for account in accounts.get(name, ()))
        return self.labels.find(key, frozenset(found))

    async def _neighbours(self, key: Key, spec: NatsClusterSpec) -> Mapping[str, NatsClusterSpec]:
        named = [extra.cluster for extra in spec.extra_routes if extra.cluster]
        self.links.name(key, frozenset((key[0], name) for name in named))
        found = {name: await self._spec((key[0], name)) for name in named}
        return {name: spec for name, spec in found.items() if spec is not None}

    async def _members(self, namespace: str, spec: NatsClusterSpec) -> Mapping[str, Member | None]:
        """All NatsClusters of a namespace that `extraRoutes` lead to, from one to the next."""
        found, ahead = dict[str, Member | None](), [*joins(spec)]
        while ahead:
            name = ahead.pop()
            if name not in found:
                found[name] = member = await self._member((namespace, name))
                ahead += joins(member.spec)[:1] if member is not None else []
        return found

    async def _member(self, key: Key) -> Member | None:
        """A NatsCluster as others may join it; None if there is none with a spec to act on."""
        cluster, spec = self.stores.clusters.get(key), await self._spec(key)
        if cluster is None or spec is None:
            return None
        pods = tuple(controlled(self.stores.pods.of_cluster(key), cluster).values())
        stamps = tuple(pod.metadata.annotation(names.REVISION_ANNOTATION) for pod in pods)
        status = await computed(
            is_heavy(of_documents(cluster.status)), parse_status, cluster.status
        )
        return Member(spec, version_of(spec, status, pods), stamps)

    async def _spec(self, key: Key) -> NatsClusterSpec | None:
        """The spec of a NatsCluster, if it can be acted on; read once for what was stored."""
        cluster = self.stores.clusters.get(key)
        if cluster is None:
            self._specs.pop(key, None)
            return None
        known = self._specs.get(key)
        if known is None or known[0] is not cluster:
            known = cluster, await computed(is_heavy(of_documents(cluster.spec)), _read, cluster)
            self._specs[key] = known
        return known[1]

    def user_of(self, key: Key) -> str:
        """The operator's user in a cluster; empty without a secret to derive its key from."""
        cluster = self.stores.clusters.get(key)
        known = cluster is not None and self.identity
        return self.identity.user_of(cluster.metadata.uid) if cluster and known else ""


def _logins(neighbours: Mapping[str, NatsClusterSpec]) -> frozenset[str]:
    auths = (spec.auth for spec in neighbours.values())
    return frozenset(a.cluster_auth_secret for a in auths if a and a.cluster_auth_secret)


def _read(cluster: Cluster) -> NatsClusterSpec | None:
    try:
        return parse_spec(cluster.spec)
    except InvalidSpec:
        return None
