"""Snapshot in, Plan out: the policies, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.actions import Action, Plan
from natsctl.plan.policies.ended import remove_ended
from natsctl.plan.policies.excess import remove_excess
from natsctl.plan.policies.missing import create_missing
from natsctl.plan.policies.proof import note_proof
from natsctl.plan.policies.reload import reload_servers, reloading_servers
from natsctl.plan.policies.reseal import reseal_servers
from natsctl.plan.policies.roles import tell_roles
from natsctl.plan.policies.rollout import outdated_servers, replace_outdated, stale
from natsctl.plan.policies.standing import ensure_standing, withdraw_policies
from natsctl.plan.policies.takeover import adopt_servers
from natsctl.plan.policies.tokens import bind_tokens, next_token_in, remove_tokens
from natsctl.plan.servers import Server, kubelet_ready, overdue_in, servers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.snapshot import Snapshot

A_MINUTE = 60.0
FIRST_LOOK, LAST_LOOK = 0.2, 15.0
"""Seconds between questions to servers that are not healthy yet: at first, and at most."""


def plan(snapshot: Snapshot) -> Plan:
    """What to do now for one cluster."""
    servers = servers_of(snapshot)
    again = _look_again(snapshot, servers)
    observe = _to_ask(snapshot, servers)
    desired = snapshot.desired
    if snapshot.paused or desired is None:
        return Plan(observe=observe, again=again)
    tokens = remove_tokens(snapshot) + bind_tokens(snapshot)
    if tokens:
        return Plan((tokens,), (), 0.0)  # the configuration is made with those that come of it
    resealed = reseal_servers(snapshot, servers)
    if resealed:
        return Plan((resealed,), (), 0.0)  # before the Secret changes, which is what they rest on
    adopted = adopt_servers(snapshot, servers)
    standing: tuple[Action, ...] = ensure_standing(snapshot) + withdraw_policies(snapshot)
    last: tuple[Action, ...] = note_proof(snapshot, servers) + tell_roles(snapshot)
    servers_stage: tuple[Action, ...] = ()
    if not _lacks_config(snapshot):
        servers_stage = (
            remove_ended(servers)
            + create_missing(snapshot, servers)
            + reload_servers(snapshot, servers)
        )
        if not servers_stage and not observe:
            servers_stage, observe = _disruptive(snapshot, servers)
            again = 0.0 if observe else again  # the answers decide about the next step
    stages = (adopted, standing, servers_stage, last)
    return Plan(tuple(s for s in stages if s), observe, again)


def _lacks_config(snapshot: Snapshot) -> bool:
    """Whether no server could start: the configuration waits, and there is no earlier one."""
    assert snapshot.desired is not None
    waits = bool(snapshot.desired.waiting)  # a refused one has an earlier one
    return waits and snapshot.cluster.metadata.name not in snapshot.secrets


def _disruptive(
    snapshot: Snapshot, servers: Sequence[Server]
) -> tuple[tuple[Action, ...], tuple[str, ...]]:
    """At most one action that takes a server away, or the questions to ask before it."""
    if any(s.terminating for s in servers):
        return (), ()
    leaving = remove_excess(snapshot, servers)
    if leaving is not None:
        return (leaving,), ()
    replaced = replace_outdated(snapshot, servers)
    if replaced is None:
        return (), ()
    serving = kubelet_ready(outdated_servers(snapshot, servers)[0].pod)
    old = stale(snapshot, servers) if serving else ()
    if old:
        return (), tuple(s.pod.metadata.uid for s in old)
    return (replaced,), ()


def _to_ask(snapshot: Snapshot, servers: Sequence[Server]) -> tuple[str, ...]:
    """Pods worth a question: never asked, or unhealthy when last asked and due again."""
    due = snapshot.now - _interval(snapshot)
    return tuple(
        s.pod.metadata.uid
        for s in servers
        if _askable(s) and (s.observation is None or (not s.healthy and s.observation.asked <= due))
    )


def _askable(server: Server) -> bool:
    return not server.terminating and not server.ended and kubelet_ready(server.pod)


def _look_again(snapshot: Snapshot, servers: Sequence[Server]) -> float | None:
    """When to ask again: soon after a change, rarely later, never while all is well."""
    due = [overdue_in(s.pod, snapshot.timestamp) for s in servers]
    times = [seconds for seconds in due if seconds is not None and seconds > 0]
    if any(_askable(s) and not s.healthy for s in servers):
        times.append(_interval(snapshot))
    if snapshot.desired is not None and reloading_servers(snapshot, servers):
        times.append(2 * _interval(snapshot))
    if _may_become_valid(snapshot):
        times.append(A_MINUTE)
    token = next_token_in(snapshot)
    return min([*times, *([token] if token is not None else [])], default=None)


def _may_become_valid(snapshot: Snapshot) -> bool:
    """Whether all that a certificate lacks may be time, of which nobody tells."""
    desired = snapshot.desired
    return desired is not None and bool(desired.waiting and desired.resolved.certificates)


def _interval(snapshot: Snapshot) -> float:
    return min(max(snapshot.quiet / 4, FIRST_LOOK), LAST_LOOK)
