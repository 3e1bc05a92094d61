"""A server whose volume was lost gets an empty one if the user says so and no other needs it.

So does one whose volume is replaced: its claim is deleted first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.model import names
from natsctl.model.server_identity import pod_name
from natsctl.plan.actions import CreateServer, Ensure
from natsctl.plan.claims.empty import accepted, notices, obstacles, unstarted
from natsctl.plan.claims.renewal import awaits_key, comes_back
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.evidence import evidence_of
from natsctl.plan.jetstream import case_of, queries_of
from natsctl.plan.queries import unanswered
from natsctl.plan.rules.claims import described, is_clear, noted_so_far, with_notes
from natsctl.plan.rules.rule import Decision
from natsctl.plan.volume_actions import DeleteClaim

if TYPE_CHECKING:
    from collections.abc import Callable

    from natsctl.plan.actions import Action
    from natsctl.plan.claims.server_claims import ServerClaim, Volumes
    from natsctl.plan.context import Context
    from natsctl.plan.evidence import Evidence
    from natsctl.plan.notices import Notice

    Notices = tuple[Notice, ...]


def delete_given_up(context: Context) -> Decision:
    """Delete the claim of a server that has stopped, while all others have all data.

    Only one that is noted: nothing else tells later that the next one is there instead of it.
    From then on it is lost like any other, and known to be replaced.
    """
    volumes = volumes_of(context)
    if volumes is None or not volumes.known:
        return Decision()
    claim = next((it for it in volumes.claims if it.given_up and it.is_noted), None)
    if claim is None or claim.live is None or claim.live.is_going or comes_back(context, claim):
        return Decision()
    if why := awaits_key(context, claim.index):
        return Decision(waiting=(why,))
    meta = claim.live.object.metadata
    message = f"deleting {claim.what}, to make a new one of {claim.size}"

    def deletion(evidence: Evidence, told: Notices) -> DeleteClaim:
        uids = frozenset(pod.metadata.uid for pod in context.state.pods)
        seen = attrs.evolve(evidence, among=uids)
        return DeleteClaim(meta.name, meta.uid, meta.resource_version, message, seen, notices=told)

    return _gated(context, claim, deletion)


def make_empty(context: Context) -> Decision:
    """Make the claim that the user accepted to be empty, while all others have all data."""
    volumes = volumes_of(context)
    if volumes is None or not volumes.known or volumes.note is None or not is_clear(volumes):
        return Decision()
    claim = accepted(context, volumes)
    if claim is None:
        return Decision()
    note = {names.REPLACES_ANNOTATION: claim.loss}
    wanted = with_notes(described(context, volumes, noted_so_far(context, volumes), claim), note)

    def making(evidence: Evidence, told: Notices) -> Ensure:
        return Ensure(wanted, present=False, evidence=evidence, notices=told)

    return _gated(context, claim, making)


def start_empty(context: Context) -> Decision:
    """Start one server with such a claim, while all others have all data still."""
    volumes = volumes_of(context)
    claim = _first_to_start(context, volumes) if volumes is not None else None
    if claim is None:
        return Decision()
    name = pod_name(context.desired.target.name, claim.index)
    previous = bool(context.state.holding)
    return _gated(context, claim, lambda *it: CreateServer(claim.index, name, previous, *it))


def _first_to_start(context: Context, volumes: Volumes) -> ServerClaim | None:
    """One that is noted, and of use."""
    waiting = unstarted(volumes)
    return next((claim for claim in waiting if not volumes.unprepared(claim)), None)


def _gated(
    context: Context, claim: ServerClaim, action: Callable[[Evidence, Notices], Action]
) -> Decision:
    """A step with a volume that is to be empty, on fresh looks, while all others have all data."""
    queries, it, now = queries_of(context), case_of(context), context.state.now
    if it is None or unanswered(queries, context.state):
        return Decision(queries=queries)
    if waits := obstacles(context, claim, it, now):
        return Decision(waiting=waits, queries=queries)
    evidence = evidence_of((server.pod for server in context.servers), it.second.look.ended)
    return Decision((action(evidence, notices(context, claim, it, now)),), queries=queries)
