"""Servers that left are taken out of the meta group, and those that come are waited for.

A server is a member by its name, whether or not it exists. One that left counts for the quorum
until it is taken out. Measured, 2.9.25 to 2.15.3: whose name was taken out is no member for the
next five minutes, though it answers and calls itself healthy.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.foreign import named
from natsctl.model.server_identity import pod_name
from natsctl.plan.actions import RemoveMember
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.departures.leave import Leaving, pods_of
from natsctl.plan.departures.note import departed_of, noting
from natsctl.plan.departures.unled import belonging, nobody_leads, words_of
from natsctl.plan.departures.unneeded import DELETING, deletion, is_as_noted, unneeded
from natsctl.plan.evidence import evidence_of
from natsctl.plan.gates import servers
from natsctl.plan.gates.looks import look_blocks
from natsctl.plan.gates.verdict import told
from natsctl.plan.gates.words import text
from natsctl.plan.jetstream import case_of, expected, name_of, queries_of, stores
from natsctl.plan.queries import JetStreamLook, unanswered
from natsctl.plan.servers.identity import excess, is_among, of_others, without
from natsctl.plan.servers.server import lacks_store
from natsctl.plan.switched_off import is_switched_off

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from natsctl.model.jetstream import Asset
    from natsctl.plan.context import Context
    from natsctl.plan.evidence import Evidence
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import View
    from natsctl.plan.servers.server import Server

MISSED: Final = 10.0
"""Seconds after which a server that the leader has not heard of is gone, if nobody else has."""

FORGOTTEN: Final = "the meta group has to forget {}"
CONNECTED: Final = "{} has no pod but still runs: {} is connected to it"


def next_to_forget(context: Context) -> Leaving:
    """What to do about the last server that left and is noted to have held nothing."""
    gone = _gone(context)
    if not gone or is_switched_off(context):
        return Leaving()
    index = max(gone)
    queries, it = queries_of(context), case_of(context)
    if it is None or unanswered(queries, context.state):
        step = Leaving(waiting=(FORGOTTEN.format(gone[index]),))
    else:
        step = _forgotten(context, index, gone[index], it)
    return attrs.evolve(step, queries=queries)


def _gone(context: Context) -> dict[int, str]:
    """Never one that is there, that is to be, or that shares its name with such a one."""
    departed = of_others(departed_of(context), context.servers, context.size)
    if not departed:
        return {}
    known = expected(context)
    return {index: name for index, name in departed.items() if name not in known}


def _forgotten(context: Context, index: int, name: str, it: Case) -> Leaving:
    if why := tuple(unsure(it, context.state.now)):
        return Leaving(waiting=why)
    if not any(name in members_of(view) for view in it.views):
        return _no_member(context, index, name, it)
    if why := tuple(dict.fromkeys(_still_there(it, name))):
        return Leaving(waiting=why)
    leader = next(s for s in context.servers if name_of(s) == it.second.meta_leaders[0])
    pod = pod_name(context.desired.target.name, index)
    message = f"{pod} left: taking {name} out of the meta group"
    action = RemoveMember(pod, name, leader.pod.metadata.uid, message, _seen(context, it))
    return Leaving((action,), (FORGOTTEN.format(name),))


def _no_member(context: Context, index: int, name: str, it: Case) -> Leaving:
    """Its claim goes before the note that it left empty, which is what allows that."""
    live = unneeded(context, index)
    if live is not None and is_among(index, left_empty(context)):
        pod = pod_name(context.desired.target.name, index)
        alive = dict.fromkeys(why for view in it.views for why in _connections(view, name))
        gone = () if alive else (deletion(live, pod, _seen(context, it)),)
        return Leaving(gone, tuple(alive) or (DELETING.format(pod),))
    others = dict(departed_of(context))
    del others[index]
    return Leaving(noting(context, others), (FORGOTTEN.format(name),))


def _seen(context: Context, it: Case) -> Evidence:
    """What a step rests on that must not meet a pod which came since."""
    return evidence_of(pods_of(context), it.second.look.ended, context.state.pods)


def unsure(it: Case, now: float) -> Iterator[str]:
    """What has to be known before anybody is a member or is none."""
    whole = (servers.unreachable, servers.wrong_name, servers.too_many, servers.unreadable)
    blocks = [*look_blocks(it, now), *(b for view in it.views for f in whole for b in f(it, view))]
    if blocks:
        yield from dict.fromkeys(text(attrs.evolve(b, detail="")) for b in told(blocks))
    elif any(view.meta is None for view in it.views):
        yield "the servers do not agree on a meta leader"


def _still_there(it: Case, name: str) -> Iterator[str]:
    """Signs of life, and assets that anybody counts it in."""
    for view in it.views:
        alive, groups = tuple(signs_of_life(view, name)), counting_on(view, name)
        yield from alive
        if groups and not alive:
            yield f"{name} is gone but is still a member of {named(str(min(groups)))}"


def signs_of_life(view: View, name: str) -> Iterator[str]:
    """Why a member without a pod may run all the same."""
    member = next((m for m in view.meta.replicas if m.name == name), None) if view.meta else None
    if connected := tuple(_connections(view, name)):
        yield from connected
    elif member is None or not (member.offline or member.active >= MISSED):
        yield f"the meta leader has not missed {name} yet"


def _connections(view: View, name: str) -> Iterator[str]:
    """The first server that is connected to it."""
    peers = (peer for peer, said in view.answered.items() if name in said.peers)
    yield from islice((CONNECTED.format(name, peer) for peer in peers), 1)


def counting_on(view: View, name: str) -> list[Asset]:
    """The streams and consumers that anybody says it holds, or is to hold."""
    return [group.asset for group in view.of_server.get(name, ())]


def left_empty(context: Context) -> frozenset[int]:
    """Servers that are noted to have left empty, and that both looks show to be no members.

    Whatever else is gone may have gone with data that nobody else has.
    """
    gone, it = _gone(context), _latest(context)
    if not gone or it is None:
        return frozenset()
    if any(True for _ in unsure(it, context.state.now)):
        return frozenset()
    return frozenset(
        index
        for index, name in gone.items()
        if not any(name in members_of(view) or counting_on(view, name) for view in it.views)
    )


def rejoined(context: Context) -> frozenset[int]:
    """Servers beyond size that left empty, are members all the same, and do not run.

    Such as one that somebody started once more, or of a meta group that came back from a backup.
    Streams with one replica may have come to them since, and nobody else tells of these: so they
    are not taken out of the group, but have to come back, and leave again.
    """
    it, volumes = _latest(context), volumes_of(context)
    if it is None or volumes is None or any(True for _ in unsure(it, context.state.now)):
        return frozenset()
    members = members_of(it.first) & members_of(it.second) - _connected(it)
    names = {index: context.desired.target.server_name(index) for index in volumes.left}
    others = without(of_others(names, context.servers, context.size), departed_of(context))
    return frozenset(index for index, name in others.items() if name in members)


def _connected(it: Case) -> frozenset[str]:
    """Servers to which any other one is connected, whether or not they have a pod."""
    return frozenset(peer for v in it.views for said in v.answered.values() for peer in said.peers)


def is_missed(context: Context, name: str) -> bool:
    """Whether some stream counts on it: it came to the server in the moment in which that left."""
    it = _latest(context)
    return it is not None and any(counting_on(view, name) for view in it.views)


def runs_without_pod(context: Context, name: str) -> bool:
    """Whether both looks show that the server runs: others are connected to it and hear of it."""
    it = _latest(context)
    return it is not None and all(_is_alive(view, name) for view in it.views)


def _is_alive(view: View, name: str) -> bool:
    heard = (m for m in view.meta.replicas if m.name == name) if view.meta else ()
    return name in view.connected and any(not m.offline and m.active < MISSED for m in heard)


def members_of(view: View) -> frozenset[str]:
    """Who belongs to the meta group, as its only leader tells it."""
    return view.members


def returning(context: Context) -> tuple[tuple[int, str], ...]:
    """Index and name of pods that are made again, so that their servers leave empty.

    Their pods went away by themselves: they are members still, nobody noted that they held nothing,
    and their volumes are there.
    """
    cluster = context.desired.target.name
    without_pods = of_others(_to_leave_empty(context), context.servers, context.size)
    return tuple((index, pod_name(cluster, index)) for index in without_pods)


def surely_returning(context: Context) -> tuple[Server, ...]:
    """Servers beyond size whose pods would be made again just so, if they went away now."""
    return _named_so(context, _to_leave_empty)


def with_volumes(context: Context) -> tuple[Server, ...]:
    """Servers beyond size that have what they would come back with, whatever looks show."""
    return _named_so(context, _may_have_something)


def _named_so(
    context: Context, found: Callable[[Context], Mapping[int, str]]
) -> tuple[Server, ...]:
    beyond = excess(context.servers, context.size)
    names = found(context) if beyond else {}
    noted = ((server, names.get(server.index)) for server in beyond)
    return tuple(server for server, name in noted if name == name_of(server))


def _to_leave_empty(context: Context) -> dict[int, str]:
    """Names of servers beyond size, with and without a pod, that may have something, by index."""
    it = _latest(context)
    if it is None:
        return {}
    found = _may_have_something(context)
    if nobody_leads(it):
        return belonging(context, it, found)
    members = members_of(it.first) & members_of(it.second)
    return {index: name for index, name in found.items() if name in members}


def without_a_leader(context: Context) -> tuple[str, ...]:
    """Why the meta group stays without one, if servers beyond size are down and do not return."""
    it = _latest(context)
    if it is None or not nobody_leads(it):
        return ()
    away = of_others(_may_have_something(context), context.servers, context.size)
    return tuple(words_of(context, it, away))


def _may_have_something(context: Context) -> dict[int, str]:
    """The same by their volumes alone: nobody noted that they left empty."""
    volumes = volumes_of(context) if stores(context) else None
    if volumes is None or volumes.note is None:
        return {}
    target, departed = context.desired.target, departed_of(context)
    return {
        index: target.server_name(index)
        for index, claim in without(volumes.others, departed).items()
        if is_as_noted(claim, volumes.note.get(index))
    }


def not_yet_members(context: Context) -> tuple[Server, ...]:
    """Servers that run, and that the meta leader did not list in either of the latest looks."""
    it = _latest(context)
    if it is None or len(context.servers) < 2:
        return ()
    if any(view.meta is None for view in it.views):
        return ()
    members = members_of(it.first) | members_of(it.second)
    storing = (server for server in context.servers if not lacks_store(server.pod))
    return tuple(s for s in storing if s.ready and name_of(s) not in members)


def _latest(context: Context) -> Case | None:
    if not stores(context) or is_switched_off(context):
        return None
    return None if unanswered((JetStreamLook(),), context.state) else case_of(context)
