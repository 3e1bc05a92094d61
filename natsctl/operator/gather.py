"""Collects what a cluster's configuration depends on beside its own spec."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING

import attrs

from natsctl.api import names
from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.release import meant_version
from natsctl.api.status import parse_status
from natsctl.kube.client import Client
from natsctl.operator.accounts import Accounts
from natsctl.operator.desired import version_of
from natsctl.operator.identity import Identity
from natsctl.operator.links import Links
from natsctl.operator.references import References
from natsctl.operator.stores import Stores
from natsctl.plan.certificates import coming_minute
from natsctl.plan.grants import switched_tokens
from natsctl.plan.namespaces import NamespacePolicy
from natsctl.plan.naming import Member, joined_name
from natsctl.plan.objects import controlled
from natsctl.plan.sources import Sources, named_secrets
from natsctl.render.inputs import Operator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from natsctl.api.cluster import NatsClusterSpec
    from natsctl.kube.store import Key


@attrs.frozen
class Gatherer:
    """Reads from stores and caches; asks the API server only for what changed."""

    client: Client
    stores: Stores
    references: References
    accounts: Accounts
    links: Links
    identity: Identity
    sealing: bytes = attrs.field(factory=partial(secrets.token_bytes, 32), repr=False)
    namespaces: NamespacePolicy = attrs.field(factory=NamespacePolicy)
    operator: Operator = attrs.field(factory=Operator)

    async def gather(
        self,
        key: Key,
        spec: NatsClusterSpec,
        timestamp: str,
        proven: Mapping[Key, str] | None = None,
    ) -> Sources:
        """Everything outside the NatsCluster that its configuration depends on."""
        namespace = key[0]
        neighbours = self._neighbours(key, spec)
        needed = named_secrets(spec) | _logins(neighbours)
        self.references.name(key, frozenset((namespace, name) for name in needed))
        found = {
            name: await self.references.read(self.client, (namespace, name))
            for name in sorted(needed)
        }
        roles = self.stores.roles.of_cluster(key)
        wanted = frozenset(r.metadata.name for r in roles)
        if spec.auth is None or not spec.auth.enable_service_accounts:
            wanted = frozenset()
        tokens = {secret.key: secret for secret in self.stores.tokens.of_cluster(key)}
        cluster = self.stores.clusters.get(key)
        return Sources(
            secrets=found,
            roles=tuple(sorted(roles, key=lambda role: role.metadata.name)),
            accounts=await self.accounts.find(self.client.transport, key, wanted),
            tokens=tokens,
            switched=switched_tokens(tokens, timestamp, self.sealing),
            proven=proven or {},
            namespaces=self.namespaces,
            uid=cluster.metadata.uid if cluster is not None else "",
            sealing=self.sealing,
            neighbours=neighbours,
            joined=joined_name(spec, partial(self._member, namespace)),
            minute=coming_minute(timestamp),
            version=meant_version(spec) if spec.version else None,
            system=self.user_of(key),
            signs=bool(self.identity),
            pepper=self.identity.pepper,
            operator=self.operator,
        )

    def forget(self, key: Key) -> None:
        """A cluster is gone: nothing is watched for it any more."""
        self.references.name(key, frozenset())
        self.accounts.forget(key)
        self.links.name(key, frozenset())

    def _neighbours(self, key: Key, spec: NatsClusterSpec) -> Mapping[str, NatsClusterSpec]:
        named = [extra.cluster for extra in spec.extra_routes if extra.cluster]
        self.links.name(key, frozenset((key[0], name) for name in named))
        found = {name: self._spec((key[0], name)) for name in named}
        return {name: spec for name, spec in found.items() if spec is not None}

    def _member(self, namespace: str, name: str) -> Member | None:
        """A NatsCluster as others may join it; None if there is none with a spec to act on."""
        key = namespace, name
        cluster, spec = self.stores.clusters.get(key), self._spec(key)
        if cluster is None or spec is None:
            return None
        pods = tuple(controlled(self.stores.pods.of_cluster(key), cluster).values())
        stamps = tuple(pod.metadata.annotation(names.REVISION_ANNOTATION) for pod in pods)
        return Member(spec, version_of(spec, parse_status(cluster.status), pods), stamps)

    def _spec(self, key: Key) -> NatsClusterSpec | None:
        cluster = self.stores.clusters.get(key)
        try:
            return parse_spec(cluster.spec) if cluster is not None else None
        except InvalidSpec:
            return None

    def user_of(self, key: Key) -> str:
        """The operator's user in a cluster; empty without a secret to derive its key from."""
        cluster = self.stores.clusters.get(key)
        known = cluster is not None and self.identity
        return self.identity.key_of(cluster.metadata.uid).public if cluster and known else ""


def _logins(neighbours: Mapping[str, NatsClusterSpec]) -> frozenset[str]:
    auths = (spec.auth for spec in neighbours.values())
    return frozenset(a.cluster_auth_secret for a in auths if a and a.cluster_auth_secret)
