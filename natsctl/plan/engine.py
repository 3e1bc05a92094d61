"""ClusterState in, Plan out: the policies, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.actions import Action, Plan
from natsctl.plan.rules.ended_pods import remove_ended
from natsctl.plan.rules.go_operator import adopt_servers
from natsctl.plan.rules.owned_objects import delete_policies, ensure_objects
from natsctl.plan.rules.proof import note_proof
from natsctl.plan.rules.reload import reload_servers, reloading_servers
from natsctl.plan.rules.reseal import reseal_servers
from natsctl.plan.rules.rolling_update import outdated_servers, replace_outdated, stale
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.rules.service_roles import update_role_statuses
from natsctl.plan.rules.tokens import bind_tokens, next_token_in, remove_tokens
from natsctl.plan.servers import Server, kubelet_ready, overdue_in, servers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.state import ClusterState

A_MINUTE = 60.0
FIRST_LOOK, LAST_LOOK = 0.2, 15.0
"""Seconds between questions to servers that are not healthy yet: at first, and at most."""


def plan(state: ClusterState) -> Plan:
    """What to do now for one cluster."""
    servers = servers_of(state)
    again = _look_again(state, servers)
    observe = _to_ask(state, servers)
    desired = state.desired
    if state.paused or desired is None:
        return Plan(observe=observe, again=again)
    tokens = remove_tokens(state) + bind_tokens(state)
    if tokens:
        return Plan((tokens,), (), 0.0)  # the configuration is made with those that come of it
    resealed = reseal_servers(state, servers)
    if resealed:
        return Plan((resealed,), (), 0.0)  # before the Secret changes, which is what they rest on
    adopted = adopt_servers(state, servers)
    standing: tuple[Action, ...] = ensure_objects(state) + delete_policies(state)
    last: tuple[Action, ...] = note_proof(state, servers) + update_role_statuses(state)
    servers_stage: tuple[Action, ...] = ()
    if not _lacks_config(state):
        servers_stage = (
            remove_ended(servers) + scale_up(state, servers) + reload_servers(state, servers)
        )
        if not servers_stage and not observe:
            servers_stage, observe = _disruptive(state, servers)
            again = 0.0 if observe else again  # the answers decide about the next step
    stages = (adopted, standing, servers_stage, last)
    return Plan(tuple(s for s in stages if s), observe, again)


def _lacks_config(state: ClusterState) -> bool:
    """Whether no server could start: the configuration waits, and there is no earlier one."""
    assert state.desired is not None
    waits = bool(state.desired.waiting)  # a refused one has an earlier one
    return waits and state.cluster.metadata.name not in state.secrets


def _disruptive(
    state: ClusterState, servers: Sequence[Server]
) -> tuple[tuple[Action, ...], tuple[str, ...]]:
    """At most one action that takes a server away, or the questions to ask before it."""
    if any(s.terminating for s in servers):
        return (), ()
    leaving = scale_down(state, servers)
    if leaving is not None:
        return (leaving,), ()
    replaced = replace_outdated(state, servers)
    if replaced is None:
        return (), ()
    serving = kubelet_ready(outdated_servers(state, servers)[0].pod)
    old = stale(state, servers) if serving else ()
    if old:
        return (), tuple(s.pod.metadata.uid for s in old)
    return (replaced,), ()


def _to_ask(state: ClusterState, servers: Sequence[Server]) -> tuple[str, ...]:
    """Pods worth a question: never asked, or unhealthy when last asked and due again."""
    due = state.now - _interval(state)
    return tuple(
        s.pod.metadata.uid
        for s in servers
        if _askable(s) and (s.observation is None or (not s.healthy and s.observation.asked <= due))
    )


def _askable(server: Server) -> bool:
    return not server.terminating and not server.ended and kubelet_ready(server.pod)


def _look_again(state: ClusterState, servers: Sequence[Server]) -> float | None:
    """When to ask again: soon after a change, rarely later, never while all is well."""
    due = [overdue_in(s.pod, state.timestamp) for s in servers]
    times = [seconds for seconds in due if seconds is not None and seconds > 0]
    if any(_askable(s) and not s.healthy for s in servers):
        times.append(_interval(state))
    if state.desired is not None and reloading_servers(state, servers):
        times.append(2 * _interval(state))
    if _may_become_valid(state):
        times.append(A_MINUTE)
    token = next_token_in(state)
    return min([*times, *([token] if token is not None else [])], default=None)


def _may_become_valid(state: ClusterState) -> bool:
    """Whether all that a certificate lacks may be time, of which nobody tells."""
    desired = state.desired
    return desired is not None and bool(desired.waiting and desired.resolved.certificates)


def _interval(state: ClusterState) -> float:
    return min(max(state.quiet / 4, FIRST_LOOK), LAST_LOOK)
