"""Collects what a cluster depends on, wherever that is: the API server, or files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from natsctl.plan.inputs.certificates import coming_minute
from natsctl.plan.inputs.joined_name import Member, joined_name, joins
from natsctl.plan.inputs.resolve import named_secrets
from natsctl.plan.namespaces import Labels, selects
from natsctl.plan.references import References, ServiceAccount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.model.objects import Secret, ServiceRole


class Lookup(Protocol):
    """Finds what one NatsCluster depends on; secrets and members are those of its namespace.

    What is asked for here is all that the cluster depends on from then on.
    """

    async def secrets(self, names: frozenset[str]) -> Mapping[str, Secret | None]:
        """Secrets by name; None: there is none."""

    async def member(self, name: str) -> Member | None:
        """Another NatsCluster; None if there is none with a spec to act on."""

    def roles(self) -> Iterable[ServiceRole]:
        """The roles of the cluster."""

    async def service_accounts(
        self, names: frozenset[str]
    ) -> Mapping[str, tuple[ServiceAccount, ...]]:
        """Where ServiceAccounts of these names are."""

    def labels(self, namespaces: frozenset[str] | None) -> Labels | None:
        """Labels of Namespaces, None if they are not known; without names none are needed."""


async def collect(
    lookup: Lookup,
    spec: NatsClusterSpec,
    timestamp: str,
    stored: frozenset[str] = frozenset(),
) -> References:
    """All that is the cluster's own; what is the installation's is for the caller to add.

    `stored` are Secrets with keys that stored data is encrypted with.
    """
    members = await _members(lookup, spec)
    neighbours = {name: m.spec for name in joins(spec) if (m := members[name]) is not None}
    roles = tuple(sorted(lookup.roles(), key=lambda role: role.metadata.name))
    enabled = spec.auth is not None and spec.auth.enable_service_accounts
    wanted = frozenset(role.metadata.name for role in roles if enabled)
    secrets = await lookup.secrets(named_secrets(spec) | _logins(neighbours) | stored)
    accounts = await lookup.service_accounts(wanted)
    return References(
        secrets=secrets,
        roles=roles,
        accounts=accounts,
        labels=lookup.labels(_candidates(roles, accounts)),
        neighbours=neighbours,
        joined=joined_name(spec, members.get),
        minute=coming_minute(timestamp),
    )


async def _members(lookup: Lookup, spec: NatsClusterSpec) -> dict[str, Member | None]:
    """All NatsClusters that `extraRoutes` lead to, from one to the next."""
    members, ahead = dict[str, Member | None](), joins(spec)
    while ahead:
        name = ahead.pop()
        if name not in members:
            members[name] = member = await lookup.member(name)
            ahead += joins(member.spec)[:1] if member is not None else []
    return members


def _logins(neighbours: Mapping[str, NatsClusterSpec]) -> frozenset[str]:
    auths = (spec.auth for spec in neighbours.values())
    return frozenset(a.cluster_auth_secret for a in auths if a and a.cluster_auth_secret)


def _candidates(
    roles: Iterable[ServiceRole], accounts: Mapping[str, tuple[ServiceAccount, ...]]
) -> frozenset[str] | None:
    """The namespaces with ServiceAccounts of roles that select by labels; None: no role does."""
    names = [role.metadata.name for role in roles if selects(role)]
    if not names:
        return None
    return frozenset(a.namespace for name in names for a in accounts.get(name, ()))
