"""Every NatsServiceRole tells which ServiceAccounts it let in, or why none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.api.status import AccountStatus, Condition, RoleStatus, parse_role_status
from natsctl.plan.actions import TellRole
from natsctl.plan.grants import Grant, role_problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.objects import Role
    from natsctl.plan.snapshot import Snapshot

MATCHED = "Matched"


def tell_roles(snapshot: Snapshot) -> tuple[TellRole, ...]:
    """The roles whose status is not what it should be."""
    assert snapshot.desired is not None
    told = (
        TellRole(role, role_status(snapshot, role, _of(role, snapshot.desired.resolved.grants)))
        for role in snapshot.sources.roles
        if role.metadata.deletion_timestamp is None
    )
    return tuple(t for t in told if t.status != parse_role_status(t.role.status))


def role_status(snapshot: Snapshot, role: Role, grants: Sequence[Grant]) -> RoleStatus:
    """The status that tells what became of a role."""
    before = parse_role_status(role.status).conditions
    state, reason, message = _verdict(snapshot, role, grants)
    same = [c for c in before if c.type == MATCHED and c.status == state]
    since = same[0].last_transition_time if same else snapshot.timestamp
    generation = role.metadata.generation
    return RoleStatus(
        observed_generation=generation,
        conditions=(Condition(MATCHED, state, reason, message, since, generation),),
        service_accounts=tuple(
            AccountStatus(g.account.namespace, role.metadata.name, g.user, g.secret)
            for g in grants
            if g.token and not g.problem
        ),
    )


def _verdict(snapshot: Snapshot, role: Role, grants: Sequence[Grant]) -> tuple[str, str, str]:
    assert snapshot.desired is not None
    name, cluster = role.metadata.name, snapshot.cluster.metadata.name
    auth = snapshot.desired.target.spec.auth
    if auth is None or not auth.enable_service_accounts:
        told = f"NatsCluster {cluster} does not have spec.auth.enableServiceAccounts"
        return "False", "ServiceAccountsDisabled", told
    problem = role_problem(role, snapshot.sources.version)
    if problem:
        return "False", "InvalidSpec", problem
    where = _reach(snapshot.scope)
    if not grants:
        return "False", "NoServiceAccount", f"there is no ServiceAccount {name}; {where}"
    without = [g.account.namespace for g in grants if not g.token]
    if not without:
        return "True", "Matched", where
    told = f"no token yet for ServiceAccount {name} of {', '.join(without)}"
    return ("False" if len(without) == len(grants) else "True"), "WaitingForToken", told


def _reach(scope: tuple[str, ...] | None) -> str:
    if scope is None:
        return "ServiceAccounts of all namespaces count"
    return f"only those of namespace {', '.join(scope)} count: natsctl manages no other"


def _of(role: Role, grants: Sequence[Grant]) -> list[Grant]:
    return [g for g in grants if g.role.metadata.name == role.metadata.name]
