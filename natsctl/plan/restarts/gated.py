"""Servers that store streams restart one at a time, each once the gate lets it go.

The gate decides for each in the order in which they should go: a server that may not go holds up
nobody who may. Names have been compared before: each server has one of its own (`kept_names`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.plan.actions import MOST_STEP_DOWNS
from natsctl.plan.claims.found import has_room
from natsctl.plan.departures.members import returning
from natsctl.plan.evidence import Evidence, evidence_of
from natsctl.plan.gates.among import Among
from natsctl.plan.gates.gate import baseline_in, judge
from natsctl.plan.gates.order import Candidate, order_in
from natsctl.plan.gates.verdict import Baseline, Block, Purpose, Why
from natsctl.plan.gates.words import lasting, text, ways_out
from natsctl.plan.jetstream import case_of, is_away, name_of, queries_of, remembered
from natsctl.plan.notices import Notice, overrides_used, unavailable
from natsctl.plan.overrides import override_value, overrides_of
from natsctl.plan.queries import Query, unanswered
from natsctl.plan.servers.identity import missing
from natsctl.plan.servers.server import Server, kubelet_ready

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.plan.context import Context
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.order import Step

NOTED_FIRST = "what is broken already is noted before the first restart"
EMPTY_VOLUME = (
    "its disk was full, and below 2.10 it may have lost a part of what it stored: it needs an "
    "empty volume"
)

NO_ROOM = (
    "JetStream is off on it, and its volume is still being grown, or cannot be read: it restarts "
    "once that is done"
)
NO_COPIES = (
    "JetStream is off on it, so its copies of streams in memory are lost: it restarts once the "
    "others have theirs, because servers without them can outvote one that has them; to restart it "
    "anyway, delete the pod"
)


@attrs.frozen
class Restart:
    """Servers that may restart now, or what they wait for; `queries` are what that rests on.

    `hands_over`: it leads the meta group, and is asked first to leave that to another one.
    `evidence` is what has to be so still when they are stopped. `before` is what was broken before
    the first of them went; None: that is not known yet. `notices` are told before they go.
    """

    servers: tuple[Server, ...] = ()
    waiting: tuple[str, ...] = ()
    queries: frozenset[Query] = frozenset()
    hands_over: bool = False
    evidence: Evidence | None = None
    before: Baseline | None = None
    notices: tuple[Notice, ...] = ()


def next_to_restart(context: Context, outdated: Sequence[Server]) -> Restart:
    """What to restart now, or why nothing may.

    Nothing goes before the status has what was broken before: the next process reads it there.
    """
    queries, it, before = queries_of(context), case_of(context), remembered(context.state)
    if it is None or unanswered(queries, context.state):
        return Restart(queries=queries, before=before)
    if before is None and _is_disturbed(context):
        return Restart(waiting=("a server is missing or shutting down",), queries=queries)
    now = baseline_in(it, context.state.now, before)
    if before is None:
        return Restart(waiting=(NOTED_FIRST,), queries=queries, before=now)
    return attrs.evolve(going(context, outdated, it, now), queries=queries, before=now)


def _is_disturbed(context: Context) -> bool:
    """Whether what is broken now may only be so because somebody is away."""
    absent = missing(context.desired.target.name, context.servers, context.size)
    return context.is_leaving or bool(absent) or bool(returning(context))


def going(context: Context, outdated: Sequence[Server], it: Case, before: Baseline) -> Restart:
    """The servers that may go now, else why the first of them may not.

    What holds up all of them is found once.
    """
    by_name = {name_of(server): server for server in outdated}
    candidates = [
        Candidate(name, kubelet_ready(s.pod), not is_away(s), has_room(context, s.index))
        for name, s in by_name.items()
    ]
    planned = order_in(candidates, it)
    reasons = tuple(f"{by_name[name].name}: {NO_ROOM}" for name in planned.without_room)
    reasons += tuple(f"{by_name[name].name}: {NO_COPIES}" for name in planned.without_copies)
    among = Among(it, context.state.now, before)
    unready = tuple(server for server in context.servers if not server.ready)
    for step in planned.steps:
        going = tuple(by_name[name] for name in step.servers)
        if not step.gated or _may_go(step, context, going[0], unready, among):
            judged = context.servers if step.gated else going
            told = _notices(step, context, going[0], it, before) if step.gated else ()
            return Restart(
                going,
                hands_over=step.step_down and _is_to_be_asked(going, context),
                evidence=evidence_of((server.pod for server in judged), it.second.look.ended),
                notices=tuple(told),
            )
        reasons = reasons or tuple(_obstacles(step, context, going[0], it, before))
    return Restart(waiting=reasons)


def _may_go(
    step: Step, context: Context, server: Server, unready: Sequence[Server], among: Among
) -> bool:
    """Whether there are no `_obstacles`."""
    overrides = overrides_of(context, server, step.purpose)
    waits = any(other is not server for other in unready) and Why.UNHEALTHY not in overrides
    if step.purpose is Purpose.REPLACE or waits:
        return False
    return among.may_go(name_of(server), overrides)


def _notices(
    step: Step, context: Context, server: Server, it: Case, before: Baseline
) -> Iterator[Notice]:
    """What is told of a server that may go: what goes with it, and what somebody decided."""
    uid, case = server.pod.metadata.uid, attrs.evolve(it, target=name_of(server))
    yield from unavailable(case, server.name, uid)
    if overrides := overrides_of(context, server, step.purpose):
        unready = [other for other in context.servers if other is not server and not other.ready]
        others = [Block(Why.UNHEALTHY, other.name) for other in unready]
        verdict = judge(case, context.state.now, before, overrides)
        yield from overrides_used([*others, *verdict.overridden], server.name, uid)


def _is_to_be_asked(going: tuple[Server, ...], context: Context) -> bool:
    asked = context.state.step_downs
    return all(asked.get(server.pod.metadata.uid, 0) < MOST_STEP_DOWNS for server in going)


def _obstacles(
    step: Step, context: Context, server: Server, it: Case, before: Baseline
) -> Iterator[str]:
    """What holds up a server that the gate is asked for: the same for as long as the same does.

    Two servers that are not ready may wait for each other, so somebody can decide that, too.
    """
    name = name_of(server)
    if step.purpose is Purpose.REPLACE:
        yield f"{name}: {EMPTY_VOLUME}"
    overrides = overrides_of(context, server, step.purpose)
    others = () if Why.UNHEALTHY in overrides else context.servers
    unready = [it for it in others if it is not server and not it.ready]
    yield from (f"{it.name} {it.unhealthy_reason or 'runs another version'}" for it in unready)
    case = attrs.evolve(it, target=name, purpose=step.purpose)
    verdict = judge(case, context.state.now, before, overrides)
    yield from dict.fromkeys(text(lasting(block)) for block in verdict.blocks)
    whys = {*verdict.whys, *(Why.UNHEALTHY for _ in unready)}
    if continuing := ways_out(whys, override_value(context, server, step.purpose)):
        yield continuing
