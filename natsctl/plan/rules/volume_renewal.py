"""A volume is replaced with an empty one that others fill.

It is too small and cannot grow, or it is not encrypted as the spec says.

One at a time: the server stops once nothing is on it alone, its claim is deleted once all others
can do without it, and `empty_volumes` makes the next claim, and starts the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.server_identity import pod_name
from natsctl.plan.claims.renewal import awaits_key, comes_back, due_of
from natsctl.plan.claims.renewal_note import REST, Given, renewals_of, renewals_text, seconds_since
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.departures.renewal import next_to_renew
from natsctl.plan.rules.rolling_update import PAUSED, is_paused, obstacles_to_return
from natsctl.plan.rules.rule import Decision, Progress, names_of, waits
from natsctl.plan.servers.identity import excess, missing, wanted
from natsctl.plan.volume_actions import GiveUpVolume, NoteRenewals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.claims.growth import Size
    from natsctl.plan.claims.server_claims import Volumes
    from natsctl.plan.context import Context

RESTING = "{0} came back with the volume that it had; natsctl tries again in a few minutes"
FIRST = "servers restart for the spec first"
LEAVE = "servers beyond size leave first"


def note_renewals(context: Context) -> Decision:
    """Note that a server comes back with the volume that it had, before its pod is made.

    And forget what is over, or long ago.
    """
    noted, volumes = renewals_of(context), volumes_of(context)
    secret = context.state.secrets.get(context.state.cluster.metadata.name)
    if not noted or secret is None or (volumes is not None and not volumes.known):
        return Decision()
    now = dict(_still_noted(context, volumes, noted)) if volumes is not None else {}
    if now == noted:
        return Decision()
    meta = secret.metadata
    return Decision((NoteRenewals(meta.name, meta.uid, renewals_text(now)),))


def _still_noted(
    context: Context, volumes: Volumes, noted: dict[int, Given]
) -> Iterator[tuple[int, Given]]:
    claims = {claim.index: claim for claim in volumes.claims}
    for index, given in noted.items():
        claim = claims.get(index)
        if claim is None:
            continue
        if claim.given_up:
            yield index, _returned(context, given) if comes_back(context, claim) else given
        elif given.is_back and seconds_since(given, context.state.timestamp) < REST:
            yield index, given


def _returned(context: Context, given: Given) -> Given:
    return attrs.evolve(given, at=context.state.timestamp, is_back=True)


def renew_volumes(context: Context) -> Decision:
    """Empty, and then stop, the server whose volume is to be replaced next.

    Not while any is away: it comes back first.
    """
    due = due_of(context)
    absent = missing(context.desired.target.name, context.servers, context.size)
    server = {it.index: it for it in context.servers}.get(due.index) if due else None
    if due is None or server is None or absent:
        return Decision()
    if waits := tuple(_first(context, due)):
        return Decision(waiting=waits, servers=(server,))
    step = next_to_renew(context, server, due)
    return Decision(step.actions, step.waiting, step.queries, (server,), moves=step.moves)


def _message(decision: Decision) -> str:
    servers = names_of(decision.servers)
    return f"replacing the volume of {servers} with an empty one{waits(decision)}"


PROGRESS: Final = Progress("ReplacingVolumes", _message)


def is_about_to_stop(context: Context) -> bool:
    """Whether a server is to be stopped for that now, and the API server did not refuse it last."""
    failed = {failure.subject for failure in context.state.failures}
    actions = context.once(renew_volumes).actions
    return any(isinstance(it, GiveUpVolume) and it.subject not in failed for it in actions)


def _first(context: Context, due: Size) -> Iterator[str]:
    """What comes before: no volume is emptied where anything else is on its way, or lacking."""
    given = renewals_of(context).get(due.index)
    if is_paused(context.desired.target.spec):
        yield PAUSED
    if given is not None and seconds_since(given, context.state.timestamp) < REST:
        yield RESTING.format(pod_name(context.desired.target.name, due.index))
    if why := awaits_key(context, due.index):
        yield why
    if any(server.changes for server in wanted(context.servers, context.size)):
        yield FIRST
    if excess(context.servers, context.size):
        yield LEAVE
    yield from obstacles_to_return(context).values()
    for server in context.servers:
        if not server.ready:
            yield f"{server.name} {server.unhealthy_reason or 'runs another version'}"
