"""A server whose volume is to be replaced: what only it has moves away, and then it stops.

It comes back with an empty volume, which the others fill. So what all of them have stays, other
than with a server that leaves, and nothing is asked that could leave a stream with fewer replicas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.foreign import named
from natsctl.model.jetstream import Storage
from natsctl.model.quantity import bytes_text
from natsctl.plan.actions import MOST_STEP_DOWNS, MoveStreams, StepDown
from natsctl.plan.claims.note import beginning
from natsctl.plan.claims.renewal import has_earlier_key
from natsctl.plan.claims.renewal_note import Given, renewals_text
from natsctl.plan.departures.leave import (
    AT_A_TIME,
    BINDING,
    MOVES,
    RESTARTED,
    TOO_OLD,
    Leaving,
    all_run,
    pods_of,
)
from natsctl.plan.departures.words import of_gate
from natsctl.plan.encryption.wanted import encryption_of
from natsctl.plan.evidence import evidence_of
from natsctl.plan.gates.gate import judge
from natsctl.plan.gates.verdict import Block, Purpose, Why
from natsctl.plan.gates.words import SOME, ways_out
from natsctl.plan.jetstream import case_of, name_of, queries_of
from natsctl.plan.notices import overrides_used
from natsctl.plan.overrides import override_value, overrides_of
from natsctl.plan.queries import unanswered
from natsctl.plan.volume_actions import GiveUpVolume, NoteRenewals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.model.jetstream import Asset
    from natsctl.plan.claims.growth import Size
    from natsctl.plan.context import Context
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Told
    from natsctl.plan.notices import Notice
    from natsctl.plan.servers.server import Server

COPIES: Final = 2
"""Other servers that have to have a stream, or it moves: one copy is one that may fail."""
RENEWING: Final = "ReplacingVolume"
"""Reason of events."""
_MOVES: Final = frozenset((Why.HOSTED, Why.MEMORY))
"""What a move is the remedy for."""
NO_ROOM: Final = "the other servers do not have enough room for the streams that only {0} has"
POSITION: Final = (
    "only {0} has consumer {1}, which would lose its position: set its replicas to those of its "
    "stream, or delete it"
)


def next_to_renew(context: Context, server: Server, due: Size) -> Leaving:
    """What to do with the server whose volume this is."""
    queries, case = queries_of(context), case_of(context)
    if case is None or unanswered(queries, context.state):
        return Leaving(queries=queries)
    it = attrs.evolve(case, target=name_of(server), purpose=Purpose.REPLACE)
    return attrs.evolve(_step(context, server, due, it), queries=queries)


def _step(context: Context, server: Server, due: Size, it: Case) -> Leaving:
    value = override_value(context, server, Purpose.REPLACE)
    overrides = overrides_of(context, server, Purpose.REPLACE)
    verdict = judge(it, context.state.now, None, overrides - BINDING)
    streams = tuple(_to_be_moved(it))
    if not _tells_all(it) or verdict.whys - _MOVES or (verdict.whys and not streams):
        moves = Why.MOVING in verdict.whys and not verdict.whys & RESTARTED
        return Leaving(waiting=of_gate(verdict, value, BINDING), moves=moves)
    let = verdict.overridden
    if streams:
        return _moved(context, server, it, streams, let)
    consumers = tuple(_positions(it))
    if consumers and Why.HOSTED not in overrides:
        texts = [POSITION.format(server.name, named(str(asset))) for asset in consumers[:SOME]]
        return Leaving(waiting=(*texts, ways_out((Why.HOSTED,), value)))
    asked = context.state.step_downs.get(server.pod.metadata.uid, 0)
    if it.target in it.second.meta_leaders and asked < MOST_STEP_DOWNS:
        return Leaving((StepDown(server.name, server.pod.metadata.uid),))
    lost = (Block(Why.HOSTED, it.target, asset) for asset in consumers)
    return Leaving(tuple(_given_up(context, server, due, it, (*let, *lost))))


def _tells_all(it: Case) -> bool:
    said = [view.answered.get(it.target) for view in it.views]
    return all(
        one is not None and not (one.disabled or one.unknown or one.too_many) for one in said
    )


def _to_be_moved(it: Case) -> Iterator[Told]:
    """Streams that too few others have; below 2.10 only those that nobody else has, which wait."""
    copies = COPIES if all_run(it, MOVES) else 1
    for told in sorted(it.second.of_server.get(it.target, ()), key=lambda told: told.asset):
        others = (told.holders | told.members) - {it.target}
        if not told.asset.consumer and len(others) < copies:
            yield told


def _positions(it: Case) -> Iterator[Asset]:
    """Consumers on the disk of the server alone: those in memory lose it with each restart."""
    for told in sorted(it.second.of_server.get(it.target, ()), key=lambda told: told.asset):
        alone = told.holders | told.members == {it.target}
        if told.asset.consumer and alone and told.storage is Storage.FILE:
            yield told.asset


def _moved(
    context: Context, server: Server, it: Case, streams: Sequence[Told], let: Sequence[Block]
) -> Leaving:
    if not all_run(it, MOVES):
        return Leaving(waiting=(TOO_OLD.format(server.name, named(str(streams[0].asset))),))
    overrides = overrides_of(context, server, Purpose.REPLACE)
    crowded = () if _has_room(it, streams) else (Block(Why.ROOM),)
    if crowded and Why.ROOM not in overrides:
        value = override_value(context, server, Purpose.REPLACE)
        return Leaving(waiting=(NO_ROOM.format(server.name), ways_out((Why.ROOM,), value)))
    some = tuple(told.asset for told in streams[:AT_A_TIME])
    message = f"moving {len(some)} of {len(streams)} streams away from {server.name}"
    seen = evidence_of(pods_of(context), it.second.look.ended, context.state.pods)
    uid, told = server.pod.metadata.uid, _notices(server, (*let, *crowded))
    move = MoveStreams(server.name, uid, it.target, some, message, seen, RENEWING, told)
    return Leaving((move,))


def _notices(server: Server, let: Sequence[Block]) -> tuple[Notice, ...]:
    return tuple(overrides_used(let, server.name, server.pod.metadata.uid, Purpose.REPLACE))


def _has_room(it: Case, streams: Sequence[Told]) -> bool:
    """Whether the others may store as much more. Of one without a limit nobody knows that."""
    said = [it.second.answered[name] for name in it.others if name in it.second.answered]
    for storage in Storage:
        usages = [one.file if storage is Storage.FILE else one.memory for one in said]
        stores = (told.stores.get(it.target) for told in streams if told.storage is storage)
        needed = sum(store.size for store in stores if store is not None)
        if all(one.limit for one in usages) and needed > sum(
            max(one.limit - one.used, 0) for one in usages
        ):
            return False
    return True


def _with(context: Context, due: Size) -> str:
    there, wanted = bytes_text(due.live.there), bytes_text(due.wanted)
    is_encrypted_anew = has_earlier_key(context, due.index)
    if not is_encrypted_anew:
        return f"of {there} with one of {wanted}, which the others fill"
    how = "encrypted with the new key" if encryption_of(context.desired.target) else "not encrypted"
    return f"with an empty one of {wanted}, {how}, which the others fill"


def _given_up(
    context: Context, server: Server, due: Size, it: Case, let: Sequence[Block]
) -> Iterator[GiveUpVolume]:
    """Nothing is due while there is no Secret to note it on."""
    name, state = context.state.cluster.metadata.name, context.state
    secret, claim = state.secrets.get(name), due.live
    assert secret is not None  # its note says which volume is due
    given = Given(beginning(claim.uid), state.timestamp)
    note = NoteRenewals(name, secret.metadata.uid, renewals_text({server.index: given}))
    message = f"stopping {server.name} to replace its volume {_with(context, due)}"
    seen = evidence_of(pods_of(context), it.second.look.ended, state.pods)
    yield GiveUpVolume(
        index=server.index,
        name=server.name,
        uid=server.pod.metadata.uid,
        claim=claim.name,
        claim_uid=claim.uid,
        message=message,
        note=note,
        evidence=seen,
        notices=_notices(server, let),
    )
