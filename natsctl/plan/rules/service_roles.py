"""Every NatsServiceRole tells which ServiceAccounts it let in, or why none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.api.types.status import AccountStatus, Condition, RoleStatus, parse_role_status
from natsctl.model.foreign import named
from natsctl.model.words import listed
from natsctl.plan.actions import UpdateRoleStatus
from natsctl.plan.namespaces import Choice, blindness, chosen
from natsctl.plan.rules.rule import Decision
from natsctl.plan.service_accounts.grants import Grant, is_role_of, left_out, role_problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.model.objects import ServiceRole
    from natsctl.plan.context import Context
    from natsctl.plan.state import ClusterState

MATCHED = "Matched"
NOT_READ = "NamespacesNotRead"
"""Reason: there is a selector, and the labels it is about are not known."""
MOST_TOLD = 256
"""ServiceAccounts that one status lists: an object has an end, and namespaces have none."""


def update_role_statuses(context: Context) -> Decision:
    """The roles whose status is not what it should be."""
    state, grants = context.state, context.desired.resolved.grants
    updates = (
        UpdateRoleStatus(role, role_status(context, role, _of(role, grants)))
        for role in state.references.roles
        if is_role_of(role, state.cluster.key) and role.metadata.deletion_timestamp is None
    )
    return Decision(tuple(t for t in updates if t.status != parse_role_status(t.role.status)))


def role_status(context: Context, role: ServiceRole, grants: Sequence[Grant]) -> RoleStatus:
    """The status that tells what became of a role."""
    before = parse_role_status(role.status).conditions
    matched, reason, message = _verdict(context, role, grants)
    same = [c for c in before if c.type == MATCHED and c.status == matched]
    since = same[0].last_transition_time if same else context.state.timestamp
    generation = role.metadata.generation
    return RoleStatus(
        observed_generation=generation,
        conditions=(Condition(MATCHED, matched, reason, message, since, generation),),
        service_accounts=tuple(
            AccountStatus(g.account.namespace, role.metadata.name, g.user, g.secret)
            for g in grants
            if g.lets_in
        )[:MOST_TOLD],
    )


def _verdict(context: Context, role: ServiceRole, grants: Sequence[Grant]) -> tuple[str, str, str]:
    state = context.state
    name, cluster = named(role.metadata.name), named(state.cluster.metadata.name)
    auth = context.desired.target.spec.auth
    if auth is None or not auth.enable_service_accounts:
        disabled = f"NatsCluster {cluster} does not have spec.auth.enableServiceAccounts"
        return "False", "ServiceAccountsDisabled", disabled
    problem = role_problem(role, state.references.version)
    if problem:
        return "False", "InvalidSpec", problem
    others = left_out(role, state.references)
    choice = chosen(role)
    blind, where = _blindness(state, choice), _reach(state, choice, others)
    if not grants:
        which = f"{name} in an allowed namespace" if others else name
        reason = NOT_READ if blind else "NoServiceAccount"
        return "False", reason, f"ServiceAccount {which} does not exist; {where}"
    matched = "True" if any(g.lets_in for g in grants) else "False"
    by_namespace = [(named(g.account.namespace), _trouble(state, g)) for g in grants]
    troubles = [f"in {namespace}: {text}" for namespace, text in by_namespace if text]
    if troubles:
        reason = "NotLetIn" if any(_is_stuck(state, g) for g in grants) else "WaitingForToken"
        return matched, reason, f"ServiceAccount {name} {listed(troubles)}"
    return matched, NOT_READ if blind else "Matched", where


def _is_stuck(state: ClusterState, grant: Grant) -> bool:
    trial = state.trials.get(grant.key)
    return bool(grant.problem) or (trial is not None and trial.failure is not None)


def _trouble(state: ClusterState, grant: Grant) -> str:
    """What stands between a ServiceAccount and the servers, or its next token."""
    if grant.problem:
        return grant.problem
    trial = state.trials.get(grant.key)
    if trial is not None and trial.failure is not None:
        still = " (the existing token remains valid until then)" if grant.lets_in else ""
        return f"{trial.failure.subject} {trial.failure.message}{still}"
    return "" if grant.lets_in else "no token yet"


def _reach(state: ClusterState, choice: Choice | None, others: Sequence[tuple[str, str]]) -> str:
    """Of which namespaces the ServiceAccounts count, and which there are that do not."""
    scope = state.scope
    text = "ServiceAccounts from all namespaces are allowed"
    if choice is not None:
        text = f"only those in {_chosen_ones(choice)} are allowed"
    if blind := _blindness(state, choice):
        text = f"{text}; the selector matches nothing, because {blind}"
    if scope is not None:
        unseen = (
            f"only those in namespace {', '.join(scope)} are allowed: natsctl manages no others"
        )
        text = unseen if choice is None else f"{text}; {unseen}"
    excluded = [f"in {named(namespace)}: {why}" for namespace, why in others]
    return f"{text}; not allowed: the one {listed(excluded)}" if excluded else text


def _chosen_ones(choice: Choice) -> str:
    parts = [f"namespace {listed(choice.names)}"] if choice.names else []
    if choice.terms is not None:
        parts.append("the namespaces that spec.serviceAccountNamespaces.selector selects")
    return " and in ".join(parts) or "no namespace"


def _blindness(state: ClusterState, choice: Choice | None) -> str:
    return blindness(choice, state.references.namespaces, state.references.labels)


def _of(role: ServiceRole, grants: Sequence[Grant]) -> list[Grant]:
    return [g for g in grants if g.role.metadata.name == role.metadata.name]
