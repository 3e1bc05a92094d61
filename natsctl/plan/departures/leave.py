"""A server with streams leaves: it is emptied, proven to be empty, hands over, and goes.

Every step follows from what servers say, so whoever comes next goes on with it. Nothing moves
before all servers were asked whether the rest has a place for everything, and only one server is
emptied at a time. What a release calls the move differs; that it is over, servers show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.version import number_of
from natsctl.model.foreign import named
from natsctl.model.server_identity import is_name_of
from natsctl.plan.actions import (
    MOST_STEP_DOWNS,
    Action,
    EvacuateServer,
    MoveStreams,
    RemoveServer,
    StepDown,
)
from natsctl.plan.departures.note import noting
from natsctl.plan.departures.unneeded import to_note
from natsctl.plan.departures.words import of_gate, of_shrinking
from natsctl.plan.evidence import evidence_of
from natsctl.plan.gates.gate import judge
from natsctl.plan.gates.shrink import may_shrink_in
from natsctl.plan.gates.verdict import Purpose, Why
from natsctl.plan.jetstream import case_of, name_of, queries_of
from natsctl.plan.notices import overrides_used
from natsctl.plan.overrides import override_value, overrides_of
from natsctl.plan.queries import Query, unanswered
from natsctl.plan.servers.identity import wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.model.jetstream import Asset
    from natsctl.model.objects import Pod
    from natsctl.plan.context import Context
    from natsctl.plan.evidence import Evidence
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.verdict import Block
    from natsctl.plan.notices import Notice
    from natsctl.plan.servers.server import Server

AT_A_TIME: Final = 8
"""Streams that move together: the next ones wait until these have arrived."""
MOVES: Final = (2, 10, 0)
"""The first release that keeps a stream with one replica while it moves. Measured with 2.9.25: the
stream may begin empty on its next server, and 166 of 2,386 acknowledged messages were gone."""
EVACUATES: Final = (2, 15, 0)
"""The first release that empties a server by one request. It leaves streams with fewer replicas if
no server fits (measured with 2.15.3), where a request to move one stream is refused. So it is not
used where tags decide who fits."""
PREFERS: Final = (2, 11, 0)
"""The first release whose meta leader can be told to whom it hands over."""
_MOVES: Final = frozenset({Why.HOSTED, Why.MEMORY})
"""What a move is the remedy for."""
BINDING: Final = _MOVES | {Why.TOO_FEW, Why.UNREADABLE, Why.TOO_MANY, Why.UNKNOWN, Why.WRONG_NAME}
"""What nobody can decide not to wait for: it would be lost, or nobody knows what would be."""
RESTARTED: Final = frozenset((Why.UNREACHABLE, Why.JETSTREAM_OFF, Why.UNHEALTHY, Why.STORE_LIMIT))
"""What may need a restart, without which a move would never end."""
TOO_OLD: Final = (
    "{} holds {}, and nats-server below 2.10 may lose messages of a stream that moves: it leaves "
    "once all servers run 2.10 or later (spec.version)"
)


@attrs.frozen
class Leaving:
    """What is done now with the server that leaves next, or what that waits for.

    `queries` are what it rests on. `moves`: what it waits for is a move under way, and until
    that is over no server restarts, unless the move may need that.
    """

    actions: tuple[Action, ...] = ()
    waiting: tuple[str, ...] = ()
    queries: frozenset[Query] = frozenset()
    moves: bool = False


def next_to_leave(context: Context, leaving: Sequence[Server]) -> Leaving:
    """What to do with the first of these servers."""
    if unfit := tuple(_unfit(context, leaving[0])):
        return Leaving(waiting=unfit)
    queries, it = queries_of(context), case_of(context)
    if it is None or unanswered(queries, context.state):
        return Leaving(queries=queries)
    overrides = overrides_of(context, leaving[0], Purpose.REMOVE) - BINDING
    verdict = may_shrink_in([*map(name_of, leaving)], it, context.state.now, overrides)
    if not verdict.ok:
        value = override_value(context, leaving[0], Purpose.REMOVE)
        waiting = of_shrinking(verdict, value, BINDING, len(context.servers))
        return Leaving(waiting=waiting)
    step = _step(context, leaving[0], it, verdict.overridden)
    return attrs.evolve(step, queries=queries)


def _unfit(context: Context, server: Server) -> Iterator[str]:
    """Why nothing is asked yet; a server that has to be replaced first is."""
    known = is_name_of(context.desired.target.name, server.index, name_of(server))
    if not known:
        yield (
            f"{server.name}: natsctl did not name its server, so it cannot tell it from others in "
            "the meta group"
        )
    for other in context.servers:
        if other is not server and not other.ready:
            yield f"{other.name} {other.unhealthy_reason or 'runs another version'}"


def _step(context: Context, server: Server, case: Case, let: Sequence[Block]) -> Leaving:
    """What comes next for it; `let` is what it leaves in spite of, of the cluster as a whole."""
    name = name_of(server)
    it = attrs.evolve(case, target=name, purpose=Purpose.REMOVE)
    overrides = overrides_of(context, server, Purpose.REMOVE) - BINDING
    verdict = judge(it, context.state.now, None, overrides)
    held = _held(it)
    seen = evidence_of(pods_of(context), it.second.look.ended, context.state.pods)
    silent = it.target not in it.second.answered or it.second.answered[it.target].disabled
    if silent or verdict.whys - _MOVES or (verdict.whys and not held):
        value = override_value(context, server, Purpose.REMOVE)
        moves = Why.MOVING in verdict.whys and not verdict.whys & RESTARTED
        return Leaving(waiting=of_gate(verdict, value, BINDING), moves=moves)
    uid, let = server.pod.metadata.uid, (*let, *verdict.overridden)
    notices = tuple(overrides_used(let, server.name, uid, Purpose.REMOVE))
    if held:
        return _emptied(it, server, held, seen, notices)
    asked = context.state.step_downs.get(uid, 0)
    if name in it.second.meta_leaders and asked < MOST_STEP_DOWNS:
        return Leaving((_step_down(context, it, server),))
    message = f"scaling down to {context.size}: removing {server.name}, which holds nothing"
    # Of all others nothing is noted any more: one server leaves at a time, and is forgotten.
    notes = noting(context, {server.index: name}, to_note(context, server.index))
    return Leaving(
        tuple(
            RemoveServer(server.index, server.name, uid, message, note, seen, notices)
            for note in notes
        )
    )


def pods_of(context: Context) -> Iterator[Pod]:
    """The pods of all servers: what is judged before one of them leaves."""
    return (server.pod for server in context.servers)


def _held(it: Case) -> tuple[Asset, ...]:
    """What the server holds, or is to hold, as the second look tells."""
    return tuple(sorted(told.asset for told in it.second.of_server.get(it.target, ())))


def _emptied(
    it: Case,
    server: Server,
    held: tuple[Asset, ...],
    seen: Evidence,
    notices: tuple[Notice, ...],
) -> Leaving:
    uid = server.pod.metadata.uid
    if not all_run(it, MOVES):
        told = TOO_OLD.format(server.name, named(str(held[0])))
        return Leaving(waiting=(told,))
    if all_run(it, EVACUATES) and not _has_tags(it):
        message = f"moving all streams and consumers away from {server.name}"
        return Leaving((EvacuateServer(server.name, uid, it.target, message, seen, notices),))
    streams = tuple(asset for asset in held if not asset.consumer)
    if not streams:
        consumers = ", ".join(named(str(asset)) for asset in held[:3])
        return Leaving(
            waiting=(f"{server.name} still holds consumers without their streams: {consumers}",)
        )
    some = streams[:AT_A_TIME]
    message = f"moving {len(some)} of {len(streams)} streams away from {server.name}"
    move = MoveStreams(server.name, uid, it.target, some, message, seen, notices=notices)
    return Leaving((move,))


def _step_down(context: Context, it: Case, server: Server) -> StepDown:
    """To one that stays; to anybody where nobody can be named."""
    staying = map(name_of, wanted(context.servers, context.size))
    preferred = next(staying, "") if all_run(it, PREFERS) else ""
    return StepDown(server.name, server.pod.metadata.uid, preferred)


def _has_tags(it: Case) -> bool:
    """Whether streams may be bound to some servers, by their own placement or by a unique tag."""
    return any(said.tags or said.unique_tag for said in it.second.answered.values())


def all_run(it: Case, release: tuple[int, int, int]) -> bool:
    """Whether all servers run at least this release: any of them may be the one that answers."""
    numbers = [number_of(said.version) for said in it.second.answered.values()]
    return all(number is not None and number >= release for number in numbers)
