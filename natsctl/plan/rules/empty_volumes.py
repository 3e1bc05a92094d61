"""A server whose volume was lost gets an empty one if the user says so and no other needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.model.server_identity import pod_name
from natsctl.plan.actions import CreateServer, Ensure
from natsctl.plan.claims.empty import accepted, obstacles, unstarted
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.evidence import evidence_of
from natsctl.plan.jetstream import case_of, queries_of
from natsctl.plan.queries import unanswered
from natsctl.plan.rules.claims import described, is_clear, noted_so_far, with_notes
from natsctl.plan.rules.rule import Decision

if TYPE_CHECKING:
    from collections.abc import Callable

    from natsctl.plan.actions import Action
    from natsctl.plan.claims.volumes import ServerClaim, Volumes
    from natsctl.plan.context import Context
    from natsctl.plan.evidence import Evidence


def make_empty(context: Context) -> Decision:
    """Make the claim that the user accepted to be empty, while all others have all data."""
    volumes = volumes_of(context)
    if volumes is None or not volumes.known or volumes.note is None or not is_clear(volumes):
        return Decision()
    claim = accepted(context, volumes)
    if claim is None:
        return Decision()
    note = {names.REPLACES_ANNOTATION: claim.token.rpartition("=")[2]}
    wanted = with_notes(described(context, volumes, noted_so_far(context, volumes), claim), note)
    return gated(context, claim, lambda it: Ensure(wanted, present=False, evidence=it))


def start_empty(context: Context) -> Decision:
    """Start one server with such a claim, while all others have all data still."""
    volumes = volumes_of(context)
    claim = _first_to_start(context, volumes) if volumes is not None else None
    if claim is None:
        return Decision()
    name = pod_name(context.desired.target.name, claim.index)
    previous = bool(context.state.holding)
    return gated(context, claim, lambda it: CreateServer(claim.index, name, previous, it))


def _first_to_start(context: Context, volumes: Volumes) -> ServerClaim | None:
    """One that is noted, and of use."""
    waiting = unstarted(volumes)
    return next((claim for claim in waiting if not volumes.unprepared(claim)), None)


def gated(context: Context, claim: ServerClaim, action: Callable[[Evidence], Action]) -> Decision:
    """A step with a volume that is to be empty, on fresh looks, while all others have all data."""
    queries, it, now = queries_of(context), case_of(context), context.state.now
    if it is None or unanswered(queries, context.state):
        return Decision(queries=queries)
    if waits := obstacles(context, claim, it, now):
        return Decision(waiting=waits, queries=queries)
    evidence = evidence_of((server.pod for server in context.servers), it.second.look.ended)
    return Decision((action(evidence),), queries=queries)
