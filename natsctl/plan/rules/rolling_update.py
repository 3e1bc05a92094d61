"""Servers that do not run what the spec says are replaced, one at a time.

A server that is down anyway goes first: replacing it costs nobody anything, and it is how a
reverted spec gets rid of what did not come up. A serving one goes only while every other server
was just seen healthy: unknown is not healthy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.foreign import named
from natsctl.plan.actions import Action, ReplaceServer, StepDown
from natsctl.plan.claims.starting import newcomers, obstacles_of
from natsctl.plan.departures.members import surely_returning, with_volumes
from natsctl.plan.evidence import evidence_of
from natsctl.plan.gates.words import broken_before
from natsctl.plan.jetstream import is_away, remembered, stores
from natsctl.plan.queries import Probe
from natsctl.plan.restarts.gated import next_to_restart
from natsctl.plan.restarts.kept_names import other_names
from natsctl.plan.rules.rule import Decision, Progress, names_of, waits
from natsctl.plan.servers.identity import leaving, missing, wanted, without
from natsctl.plan.servers.pod_runs import has_run
from natsctl.plan.servers.server import Server, describe_changes, kubelet_ready, lacks_store
from natsctl.plan.switched_off import is_switched_off, leave_of

if TYPE_CHECKING:
    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.plan.context import Context
    from natsctl.plan.evidence import Evidence
    from natsctl.plan.notices import Notice

PAUSED = "spec.rollout.paused is true"
NOT_LISTED = (
    "{0}: the meta group does not list it, and spec.size does not include it, so it would not come "
    "back"
)
FRESH = 2.0
"""Seconds for which an answer counts when the next step may hurt."""


def _outdated_servers(context: Context) -> tuple[Server, ...]:
    """Servers to replace, in the order in which they will be: those that are down first.

    Then those that stay. One beyond size that has something may be here for long, and need another
    version, or a successor that runs, to leave.
    """
    staying = leaving(wanted(context.servers, context.size))
    back = surely_returning(context)
    beyond = (s for s in with_volumes(context) if s in back or has_run(s.pod))
    outdated = (s for s in (*staying, *beyond) if s.changes and not s.terminating)
    return tuple(sorted(outdated, key=lambda s: kubelet_ready(s.pod)))


def replace_outdated(context: Context) -> Decision:
    """The next server to replace, if one may go now."""
    outdated = _outdated_servers(context)
    if not outdated:
        return Decision()
    before = remembered(context.state) if stores(context) else None
    if is_paused(context.desired.target.spec):
        return Decision(waiting=(PAUSED,), servers=outdated, before=before)
    held = obstacles_to_return(context)
    if not stores(context):
        return attrs.evolve(_ungated(context, outdated, held), servers=outdated)
    if is_switched_off(context):
        return attrs.evolve(_switched_off(context, outdated), servers=outdated)
    decision = _switching(context, outdated, held) or _gated(context, outdated, held)
    return attrs.evolve(decision, servers=outdated, before=decision.before or before)


def rolling(decision: Decision) -> str:
    """Which servers restart, and what was broken before the first of them did."""
    text = f"restarting {names_of(decision.servers)}, one at a time: {why(decision.servers[0])}"
    usual = broken_before(decision.before)
    usual = f"; broken before servers began to restart: {usual}" if usual else ""
    return text + waits(decision) + usual


PROGRESS: Final = Progress("Rolling", rolling)


def is_paused(spec: NatsClusterSpec) -> bool:
    """Whether no server restarts for what the spec says."""
    return spec.rollout is not None and spec.rollout.paused


def _ungated(context: Context, outdated: tuple[Server, ...], held: dict[str, str]) -> Decision:
    """One that is down, or else one that all others serve in the place of."""
    server = next((s for s in outdated if s.name not in held), None)
    if server is None:
        return Decision(waiting=tuple(held.values()))
    if not kubelet_ready(server.pod):
        return Decision((_replace(server),))
    if blockers := _unhealthy(context):
        return Decision(waiting=blockers)
    queries = frozenset(Probe(s.pod.metadata.uid, FRESH) for s in context.servers)
    return Decision((_replace(server),), queries=queries)


def _switching(
    context: Context, outdated: tuple[Server, ...], held: dict[str, str]
) -> Decision | None:
    """The same of servers without JetStream beside others that have it, before any of these.

    They are members of nothing, so the gate has nothing to say of them, and until all of them have
    JetStream it lets no other server go.
    """
    if any(is_away(server) and server.name not in held for server in outdated):
        return None
    staying = wanted(outdated, context.size)
    bare = tuple(server for server in staying if lacks_store(server.pod))
    kept = {server.name: held[server.name] for server in bare if server.name in held}
    return _ungated(context, bare, kept) if bare else None


def _switched_off(context: Context, outdated: tuple[Server, ...]) -> Decision:
    """The same where servers lose JetStream, which nobody needs any more."""
    away = next((server for server in outdated if is_away(server)), None)
    if away is not None:
        return Decision((_replace(away, evidence_of([away.pod])),))
    leave = leave_of(context)
    if blockers := (*_unhealthy(context), *leave.waiting):
        return Decision(waiting=blockers, queries=leave.queries)
    probes = frozenset(Probe(s.pod.metadata.uid, FRESH) for s in context.servers)
    step = _replace(outdated[0], leave.evidence, leave.notices)
    return Decision((step,), queries=leave.queries | probes)


def _gated(context: Context, outdated: tuple[Server, ...], held: dict[str, str]) -> Decision:
    """The same of servers that store streams: the gate decides which may go.

    While a volume is in trouble, none that serves is asked for. An empty volume instead of a lost
    one waits until all are ready, so those that are not must not wait for that.
    """
    coming_back = (*wanted(context.servers, context.size), *surely_returning(context))
    back = {server.name for server in coming_back}
    known = tuple(server for server in outdated if server.name in back)
    free = tuple(server for server in known if server.name not in held)
    away = tuple(server for server in free if is_away(server))
    if away:
        return Decision((_replace(away[0], evidence_of([away[0].pod])),))
    if held:
        known = tuple(server for server in free if not kubelet_ready(server.pod))
        if not known:
            return Decision(waiting=tuple(held.values()))
    found = next_to_restart(context, known)
    steps: tuple[Action, ...] = tuple(
        _step_down(server) if found.hands_over else _replace(server, found.evidence, found.notices)
        for server in found.servers
    )
    unsure = () if known else tuple(NOT_LISTED.format(server.name) for server in outdated)
    waiting = () if steps else (*held.values(), *(found.waiting or unsure))
    return Decision(steps, waiting, found.queries, before=found.before)


def obstacles_to_return(context: Context) -> dict[str, str]:
    """Servers that could not come back as they are, or whose data hangs by their pod, by name."""
    obstacle = obstacles_of(context)
    held = ((s.name, obstacle(s.index)) for s in context.servers)
    return {**other_names(context), **{name: f"{name}: {text}" for name, text in held if text}}


def _step_down(server: Server) -> StepDown:
    return StepDown(server.name, server.pod.metadata.uid)


def _replace(
    server: Server, evidence: Evidence | None = None, notices: tuple[Notice, ...] = ()
) -> ReplaceServer:
    return ReplaceServer(
        index=server.index,
        name=server.name,
        uid=server.pod.metadata.uid,
        message=f"restarting {server.name}: {why(server)} changed",
        changes=server.changes,
        evidence=evidence,
        notices=notices,
    )


def _unhealthy(context: Context) -> tuple[str, ...]:
    """What stands between a serving server and its restart, as text."""
    servers = context.servers
    obstacles = tuple(f"{s.name} {s.unhealthy_reason}" for s in servers if not s.healthy)
    obstacles += tuple(
        f"{s.name} runs {named(s.observation.version)}, not the version of its image (if the image "
        "is right, set spec.serverVersion to its release)"
        for s in servers
        if s.healthy and not s.right_version and s.observation is not None
    )
    return obstacles + (("some servers do not exist yet",) if _is_incomplete(context) else ())


def _is_incomplete(context: Context) -> bool:
    """Whether servers are away, but for those that only come once all others have a leader."""
    absent = dict(missing(context.desired.target.name, context.servers, context.size))
    coming = without(absent, newcomers(context))
    return len(context.servers) + len(absent) - len(coming) < context.size


def why(server: Server) -> str:
    """What changed, as text."""
    return describe_changes(server.changes)
