"""Servers beyond size that are gone with their volumes: forgotten only if somebody says so.

They are members still, and count for each quorum. What only they had is gone already, but nobody
knows what that was: no other server tells of it. And once the meta group has forgotten a member,
servers may create its streams again, empty, so that a volume that is found again is of no use. So
somebody has to decide that, and everything else is certain: that it does not run, and that each
group which counts on it can do without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.foreign import named
from natsctl.model.server_identity import claim_name, pod_name
from natsctl.plan.actions import RemoveMember
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.departures.leave import Leaving, pods_of
from natsctl.plan.departures.members import members_of, signs_of_life, unsure
from natsctl.plan.departures.unled import without_volumes
from natsctl.plan.evidence import evidence_of
from natsctl.plan.gates.gate import OF_BOTH
from natsctl.plan.gates.servers import jetstream_off
from natsctl.plan.gates.verdict import Why
from natsctl.plan.gates.words import OVERRIDE, annotation, some_of, text
from natsctl.plan.jetstream import case_of, expected, name_of, queries_of, stores
from natsctl.plan.overrides import overrides_with
from natsctl.plan.queries import JetStreamLook, unanswered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from natsctl.plan.context import Context
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Told

ASK: Final = (
    "{pod} is gone with its volume before it was empty, and {server} is still a member of the meta "
    "group: {restore}, or set spec.size to {size}; to have the meta group forget it, with "
    "everything that only {pod} had, annotate the cluster: {annotation}"
)
RESTORED: Final = "if somebody restored {0} with its data, annotate it with {1}"
NEEDED: Final = "{server} is gone, but too few good copies of {asset} are on other servers"


def next_vanished(context: Context) -> Leaving:
    """What to do about the last server beyond size that is gone with its volume."""
    gone = _members_that_are_gone(context)
    if not gone:
        return Leaving()
    index = max(gone)
    value = value_of(context, index, gone[index])
    if Why.HOSTED not in overrides_with(context, value):
        return Leaving(waiting=(_question(context, index, gone[index], value),))
    queries, it = queries_of(context), case_of(context)
    if it is None or unanswered(queries, context.state):
        return Leaving(queries=queries)
    if why := tuple(some_of(_obstacles(context, it, gone[index], gone))):
        return Leaving(waiting=why, queries=queries)
    return Leaving((_removal(context, it, index, gone[index]),), queries=queries)


def value_of(context: Context, index: int, server: str) -> str:
    """What the annotation says: the server, which loss of a volume, and for which spec."""
    volumes = volumes_of(context)
    noted = volumes.note.get(index) if volumes is not None and volumes.note is not None else None
    claim = noted.claim if noted is not None else ""
    return f"{server}.{claim}.{context.state.cluster.metadata.generation}"


def _members_that_are_gone(context: Context) -> dict[int, str]:
    """By index. Both looks list them, and no server of theirs is there, or is to be."""
    it = case_of(context) if stores(context) else None
    if it is None or unanswered((JetStreamLook(),), context.state):
        return {}
    members = members_of(it.first) & members_of(it.second) - expected(context)
    target = context.desired.target
    names = {index: target.server_name(index) for index in without_volumes(context)}
    return {index: name for index, name in names.items() if name in members}


def _question(context: Context, index: int, server: str, value: str) -> str:
    cluster, volumes = context.desired.target.name, volumes_of(context)
    name, live = claim_name(cluster, index), volumes.others.get(index) if volumes else None
    return ASK.format(
        pod=pod_name(cluster, index),
        server=server,
        restore=f"restore {name}" if live is None else RESTORED.format(name, live.restored_word),
        size=index,
        annotation=annotation(Why.HOSTED, value),
    )


def _obstacles(context: Context, it: Case, server: str, gone: Mapping[int, str]) -> Iterator[str]:
    yield from unsure(it, context.state.now)
    for view in it.views:
        yield from (text(attrs.evolve(b, detail="")) for b in jetstream_off(it, view))
        yield from signs_of_life(view, server)
        for told in view.of_server.get(server, ()):
            if not _can_do_without(told, frozenset(gone.values())):
                yield NEEDED.format(server=server, asset=named(str(told.asset)))
    counting = {told.asset for view in it.views for told in view.of_server.get(server, ())}
    differing = (block for compare in OF_BOTH for block in compare(it))
    yield from (text(attrs.evolve(b, detail="")) for b in differing if b.asset in counting)


def _can_do_without(told: Told, gone: frozenset[str]) -> bool:
    """Whether it has a leader and a quorum of good members, and all that are not gone are good."""
    staying = told.members - gone
    settled = bool(told.leader) and not told.moving and not staying & told.bad.keys()
    return settled and len(staying) >= len(told.members) // 2 + 1


def _removal(context: Context, it: Case, index: int, server: str) -> RemoveMember:
    leader = next(s for s in context.servers if name_of(s) == it.second.meta_leaders[0])
    pod = pod_name(context.desired.target.name, index)
    message = (
        f"{pod} is gone with its volume: taking {server} out of the meta group, as decided by "
        f"{OVERRIDE}{Why.HOSTED}; streams and consumers of which it had the only copy are lost, or "
        "come back empty"
    )
    seen = evidence_of(pods_of(context), it.second.look.ended, context.state.pods)
    return RemoveMember(pod, server, leader.pod.metadata.uid, message, seen)
