"""ClusterState in, Plan out: all rules, folded in their order."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from natsctl.model.server_address import ENDED
from natsctl.plan.actions import Action, Plan, StepDown
from natsctl.plan.context import Context
from natsctl.plan.decisions import Decisions, Judged
from natsctl.plan.queries import (
    APART,
    FOREVER,
    Probe,
    Query,
    askable,
    next_due,
    renewal,
    unanswered,
)
from natsctl.plan.rules.disruption_budget import close_budget
from natsctl.plan.rules.jetstream import look_at_streams
from natsctl.plan.rules.members import note_departures
from natsctl.plan.rules.registry import RULES
from natsctl.plan.rules.reload import reload_servers
from natsctl.plan.rules.tokens import bind_tokens, remove_tokens
from natsctl.plan.servers.server import Server, kubelet_ready, lacks_store, overdue_in, own_pods

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.model.objects import Pod
    from natsctl.plan.rules.rule import Decision, Stage
    from natsctl.plan.state import ClusterState

A_MINUTE = 60.0
FIRST_LOOK, LAST_LOOK = 0.2, 15.0
"""Seconds between questions to servers that are not healthy yet: at first, and at most."""


def plan(state: ClusterState, known: Judged | None = None) -> Plan:
    """What to do now for one cluster. `known` is what was found out about this very state."""
    if first := _first(state):
        return first
    known = known or Judged(state)
    servers, decisions = known.servers, known.decisions
    queries = unanswered(_probes(state, servers), state)
    watching = Plan(queries=queries, again=_look_again(state, servers, decisions))
    if decisions is None:
        return watching
    return _paused(decisions, watching) if state.paused else _folded(decisions, watching)


def _first(state: ClusterState) -> Plan | None:
    """Only what to ask, if nothing but the servers' own answers is lacking: none was ever asked,
    each can be, and none has to do with streams. So it is of nearly all clusters when the process
    starts. All else is decided with the answers, once and not twice; but tokens, which have to do
    with no server, wait for none."""
    desired = state.desired
    if desired is None or state.paused or state.observations:
        return None
    pods = [pod for _, pod in own_pods(state)]
    streams = desired.target.spec.jetstream is not None or not all(map(lacks_store, pods))
    if streams or not pods or not all(map(_is_askable, pods)):
        return None
    serverless = Context(state, desired, ())
    if tokens := remove_tokens(serverless).actions + bind_tokens(serverless).actions:
        return Plan((tokens,), again=0.0)
    again = _interval(state)
    return Plan(queries=frozenset(Probe(pod.metadata.uid, again) for pod in pods), again=again)


def _paused(decisions: Decisions, watching: Plan) -> Plan:
    """Nothing is done for the spec. Nobody may evict a server that others need all the same, what
    is noted of a server that left may not outlive its proof, and the status tells of streams:
    somebody may be working on them."""
    state, closing = decisions.context.state, decisions.of(close_budget)
    needed = decisions.of(look_at_streams).queries | closing.queries
    waits = unanswered(needed, state)
    again = _answered_in(waits, needed, state)
    times = [seconds for seconds in (again, watching.again) if seconds is not None]
    asked = watching.queries | askable(waits, state)
    actions = closing.actions + decisions.of(note_departures).actions
    stages = (actions,) if actions else ()
    return Plan(stages, asked, min(times, default=None))


def _folded(decisions: Decisions, watching: Plan) -> Plan:
    """Stage by stage what the rules decide; what would be asked anyway is asked in any case."""
    planned: dict[Stage, tuple[Action, ...]] = {}
    context, queries, needed = decisions.context, watching.queries, frozenset[Query]()
    for stage, rules in groupby(RULES, key=lambda rule: rule.stage):
        if not _is_open(stage, context, planned, queries):
            continue
        each = (decisions.of(rule.decide) for rule in rules)
        decided = tuple(each if stage.after is None else _until_busy(each, context.state))
        needed |= {q for d in decided for q in d.queries}
        queries |= unanswered(needed, context.state)
        known = (d for d in decided if queries.isdisjoint(d.queries))
        planned[stage] = tuple(action for d in known for action in d.actions)
        if stage.alone and planned[stage]:
            return Plan((planned[stage],), again=0.0)
    stages = tuple(actions for actions in planned.values() if actions)
    asked = askable(queries, context.state)
    again = _answered_in(queries - watching.queries, needed, context.state)
    seen = _to_be_seen_in(stages)
    times = [seconds for seconds in (again, seen, watching.again) if seconds is not None]
    return Plan(stages, asked, min(times, default=None))


def _to_be_seen_in(stages: tuple[tuple[Action, ...], ...]) -> float | None:
    """When to look at what only servers tell: no object changes with it."""
    hands_over = any(isinstance(action, StepDown) for stage in stages for action in stage)
    return APART if hands_over else None


def _answered_in(
    waits: frozenset[Query], needed: frozenset[Query], state: ClusterState
) -> float | None:
    """When answers decide: those that are waited for, else those that are to be renewed."""
    return next_due(waits, state) if waits else renewal(needed, state)


def _is_open(
    stage: Stage,
    context: Context,
    planned: dict[Stage, tuple[Action, ...]],
    queries: frozenset[Query],
) -> bool:
    """Whether the rules of a stage may decide anything now."""
    if stage.needs_config and not context.has_config:
        return False
    busy = context.is_leaving or queries
    return stage.after is None or not (planned.get(stage.after) or busy)


def _until_busy(decisions: Iterator[Decision], state: ClusterState) -> Iterator[Decision]:
    """Up to the first that does something, or has to know more for it.

    One that only waits holds up nobody: what comes next may be what it waits for.
    """
    for decision in decisions:
        yield decision
        if decision.actions or decision.moves or unanswered(decision.queries, state):
            return


def _probes(state: ClusterState, servers: Sequence[Server]) -> Iterator[Query]:
    """What to know of every server in any case, and sooner again of one that is not healthy."""
    for server in filter(_askable, servers):
        freshness = FOREVER if server.healthy else _interval(state)
        yield Probe(server.pod.metadata.uid, freshness)


def _askable(server: Server) -> bool:
    return _is_askable(server.pod)


def _is_askable(pod: Pod) -> bool:
    """Whether a server should answer by now."""
    stays = pod.metadata.deletion_timestamp is None and pod.status.phase not in ENDED
    return stays and kubelet_ready(pod)


def _look_again(
    state: ClusterState, servers: Sequence[Server], decisions: Decisions | None
) -> float | None:
    """When to ask again: soon after a change, rarely later, never while all is well."""
    due = [overdue_in(s.pod, state.timestamp) for s in servers]
    times = [seconds for seconds in due if seconds is not None and seconds > 0]
    if any(_askable(s) and not s.healthy for s in servers):
        times.append(_interval(state))
    if decisions is not None:
        times += _look_again_at_configuration(decisions)
    return min(times, default=None)


def _look_again_at_configuration(decisions: Decisions) -> Iterator[float]:
    """When a reload may be proven, a certificate become valid, or a rule decide otherwise."""
    context = decisions.context
    desired = context.desired
    if decisions.of(reload_servers).servers:
        yield 2 * _interval(context.state)
    if desired.waiting and desired.resolved.certificates:
        yield A_MINUTE  # all that a certificate lacks may be time, of which nobody tells
    if desired.pending:
        yield FIRST_LOOK  # for what the status says by then
    for rule in RULES:
        due = rule.again(context) if rule.again is not None else None
        if due is not None:
            yield due


def _interval(state: ClusterState) -> float:
    return min(max(state.quiet / 4, FIRST_LOOK), LAST_LOOK)
