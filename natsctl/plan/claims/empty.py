"""An empty volume instead of a lost one, beside others that have data: one after the other.

A server with an empty volume counts to majorities before it has any data. So all others have to be
full members: before its claim is made, and again before its pod is, which may be much later. The
claim has the annotation `nats.io/replaces` from the one to the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model import names
from natsctl.model.server_identity import pod_name
from natsctl.plan.gates.empty import may_be_empty_in
from natsctl.plan.gates.verdict import Purpose
from natsctl.plan.gates.words import lasting, some_of, text, way_out
from natsctl.plan.jetstream import case_of, is_away
from natsctl.plan.notices import overrides_used
from natsctl.plan.overrides import overrides_with
from natsctl.plan.servers.identity import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.claims.server_claims import ServerClaim, Volumes
    from natsctl.plan.context import Context
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.verdict import Verdict
    from natsctl.plan.notices import Notice
    from natsctl.plan.servers.server import Server

TOLD: Final = 120.0
"""Seconds for which a look counts for what is told, and nothing is done."""
NOT_SEEN: Final = "natsctl has not asked the other servers yet what they store"


def accepted(context: Context, volumes: Volumes) -> ServerClaim | None:
    """The only lost claim, if the user wants it empty while others have data, or natsctl deleted
    it for that."""
    lost = volumes.lost
    if len(lost) == 1 and lost[0].given_up and not volumes.gives_all_up:
        return lost[0]
    given = context.state.cluster.metadata.annotation(names.NEW_VOLUME_ANNOTATION)
    if not volumes.token or given != volumes.token or volumes.gives_all_up:
        return None
    return volumes.lost[0]


def unstarted(volumes: Volumes) -> tuple[ServerClaim, ...]:
    """Claims that are empty instead of lost ones, and with which no pod was made yet."""
    return tuple(claim for claim in volumes.claims if claim.replaces and claim.starts)


def key_of(claim: ServerClaim) -> str:
    """What names a loss in annotations, until its server has started."""
    return f"{claim.name}={claim.replaces}" if claim.replaces else claim.token


def why_not_yet(context: Context, claim: ServerClaim) -> tuple[str, ...]:
    """What the server of such a claim waits for, as the latest looks tell."""
    it = case_of(context)
    if it is None or context.state.now - it.second.look.ended > TOLD:
        return (NOT_SEEN,)
    return obstacles(context, claim, it, it.second.look.ended)


def obstacles(context: Context, claim: ServerClaim, it: Case, now: float) -> tuple[str, ...]:
    """The same as of now, by these looks."""
    server = {server.index: server for server in context.servers}.get(claim.index)
    others = (*_others(context, claim), *_blocked(context, claim, server, it, now))
    if others or server is None:
        return others
    if server.terminating:
        return (f"{server.name} is shutting down",)
    return (f"pod {server.name} is still there: delete it, if nothing of it is to be saved",)


def _others(context: Context, claim: ServerClaim) -> Iterator[str]:
    there = {server.index: server for server in context.servers}
    absent = dict(missing(context.desired.target.name, context.servers, context.size))
    there.pop(claim.index, None)
    absent.pop(claim.index, None)
    for other in there.values():
        if not other.ready:
            yield f"{other.name} {other.unhealthy_reason or 'runs another version'}"
    yield from (f"{name} does not exist" for name in absent.values())


def _blocked(
    context: Context,
    claim: ServerClaim,
    server: Server | None,
    it: Case,
    now: float,
) -> Iterator[str]:
    """The same for as long as the same blocks: conditions tell it."""
    verdict = _verdict(context, claim, server, it, now)
    yield from some_of(text(lasting(it)) for it in verdict.blocks)
    if continuing := way_out(verdict, key_of(claim)):
        yield continuing


def _verdict(
    context: Context, claim: ServerClaim, server: Server | None, it: Case, now: float
) -> Verdict:
    runs = server is not None and not is_away(server)
    purpose = Purpose.REPLACE if runs else Purpose.RESTART
    name = context.desired.target.server_name(claim.index)
    overrides = overrides_with(context, key_of(claim))
    return may_be_empty_in(attrs.evolve(it, target=name, purpose=purpose), now, overrides)


def notices(context: Context, claim: ServerClaim, it: Case, now: float) -> tuple[Notice, ...]:
    """What is told before such a step, for which nothing is an obstacle."""
    let = _verdict(context, claim, None, it, now).overridden
    name = pod_name(context.desired.target.name, claim.index)
    return tuple(overrides_used(let, name, key_of(claim), Purpose.REPLACE))
