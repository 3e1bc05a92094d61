"""Others may evict one server that stores streams at a time, and only while each of them could go.

A budget cannot tell which server is evicted, so all count. It is written before natsctl stops a
server itself: then nobody else may take another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.model import names
from natsctl.model.objects import PodDisruptionBudget
from natsctl.plan.actions import Ensure
from natsctl.plan.gates.budget import budget_in
from natsctl.plan.jetstream import case_of
from natsctl.plan.queries import JetStreamLook, Probe, unanswered
from natsctl.plan.rules.owned_objects import differs
from natsctl.plan.rules.rolling_update import is_paused, obstacles_to_return
from natsctl.plan.rules.rule import Decision
from natsctl.plan.rules.volume_renewal import is_about_to_stop
from natsctl.plan.servers.server import kubelet_ready
from natsctl.render.objects.disruption_budget import MAX_UNAVAILABLE, MOST, allowing
from natsctl.render.objects.owned_objects import budget_kind

if TYPE_CHECKING:
    from natsctl.plan.context import Context
    from natsctl.plan.queries import Query
    from natsctl.plan.servers.server import Server
    from natsctl.plan.state import OwnedObject

Queries = frozenset["Query"]


def ensure_budget(context: Context) -> Decision:
    """Write the budget if its number changes, or if somebody edited it.

    Until there are answers that count, it stays as it is. It is not made before all budgets of the
    namespace were read.
    """
    kind = budget_kind().kind
    made = next((it for it in context.desired.objects if it.kind == kind), None)
    if made is None or kind not in context.state.owned:
        return Decision()
    queries = Queries() if _is_disturbed(context) else _queries_of(context)
    if unanswered(queries, context.state):
        return Decision(queries=queries)
    wanted = _with(made, _most(context) if queries else 0)
    live = context.state.live(wanted)
    if live is not None and not differs(wanted, live):
        return Decision(queries=queries)
    return Decision((Ensure(wanted, present=live is not None),), queries=queries)


def close_budget(context: Context) -> Decision:
    """The same of a paused cluster: an open budget is closed, and nothing else is done.

    That changes nothing for servers. A closed one is opened when the pause ends.
    """
    decision = ensure_budget(context)
    closing = tuple(
        it for it in decision.actions if isinstance(it, Ensure) and _closes(it, context)
    )
    return attrs.evolve(decision, actions=closing)


def _closes(action: Ensure, context: Context) -> bool:
    live = context.state.live(action.wanted)
    if not isinstance(live, PodDisruptionBudget) or action.wanted.manifest["spec"][MAX_UNAVAILABLE]:
        return False
    return bool(live.spec.get(MAX_UNAVAILABLE) != 0)


def _is_disturbed(context: Context) -> bool:
    """Whether a server is away, on its way, about to go, or could not come back."""
    paused = context.state.paused or is_paused(context.desired.target.spec)
    return (
        len(context.servers) != context.size
        or any(_is_away(s) or (s.changes and not paused) for s in context.servers)
        or bool(obstacles_to_return(context))
        or is_about_to_stop(context)
    )


def _is_away(server: Server) -> bool:
    """One that nobody asked yet is not: it is asked first."""
    asked = server.observation is not None
    return server.terminating or not kubelet_ready(server.pod) or (asked and not server.ready)


def _queries_of(context: Context) -> Queries:
    """No more than a cluster with JetStream costs when it is idle."""
    probes = (Probe(server.pod.metadata.uid) for server in context.servers)
    return frozenset((JetStreamLook(), *probes))


def _most(context: Context) -> int:
    """How many may go, by the two latest looks, which count for as long as the query says."""
    it = case_of(context)
    return budget_in(it, it.second.look.ended) if it is not None else 0


def _with(made: OwnedObject, count: int) -> OwnedObject:
    """The rendered budget with the number that may go now."""
    if count == MOST:
        return made
    digest, meta = f"{made.digest}-{count}", made.manifest["metadata"]
    noted = {**meta["annotations"], names.APPLIED_ANNOTATION: digest}
    manifest = {**allowing(made.manifest, count), "metadata": {**meta, "annotations": noted}}
    return attrs.evolve(made, manifest=manifest, digest=digest)
