"""A server beyond size that never ran has nothing to move: its pod goes at once.

Such as one that no node had room for. It can say nothing of itself, so its pod has to show that it
never ran, and all others that it is a member of nothing: its volume may be that of an earlier pod.
"""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING

import attrs

from natsctl.model.foreign import named
from natsctl.model.server_identity import is_name_of
from natsctl.plan.actions import DeleteServer
from natsctl.plan.departures.leave import Leaving, pods_of
from natsctl.plan.departures.members import counting_on, members_of, unsure
from natsctl.plan.departures.note import departed_of
from natsctl.plan.evidence import evidence_of
from natsctl.plan.gates import servers
from natsctl.plan.gates.case import case
from natsctl.plan.gates.verdict import told
from natsctl.plan.gates.words import SOME, some_of, text
from natsctl.plan.jetstream import expected, looks_of, name_of, queries_of
from natsctl.plan.queries import unanswered
from natsctl.plan.servers.pod_runs import has_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.plan.context import Context
    from natsctl.plan.evidence import Evidence
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import View
    from natsctl.plan.servers.server import Server

STRANGER = "the meta group or a stream has a member that is not a server of this cluster: {}"


def next_that_never_ran(context: Context, leaving: Sequence[Server]) -> Leaving:
    """What to do with the first of these servers that never ran; nothing if all of them did."""
    idle = tuple(server for server in leaving if _is_idle(context, server))
    if not idle:
        return Leaving()
    queries, looks = queries_of(context), looks_of(context)
    if looks is None or unanswered(queries, context.state):
        return Leaving(queries=queries)
    it = case("", expected(context) - set(map(name_of, idle)), looks)
    free = tuple(server for server in idle if not _is_counted_on(it, name_of(server)))
    if not free:
        return Leaving()
    if why := tuple(_unclear(context, it, idle)):
        return Leaving(waiting=why, queries=queries)
    seen = evidence_of(pods_of(context), looks[-1].ended, context.state.pods)
    return Leaving((_removal(context, free[0], seen),), queries=queries)


def _removal(context: Context, server: Server, seen: Evidence) -> DeleteServer:
    message = f"scaling down to {context.size}: removing {server.name}, which never ran"
    uid = server.pod.metadata.uid
    return DeleteServer(server.name, uid, "ScalingDown", message, evidence=seen)


def _is_idle(context: Context, server: Server) -> bool:
    ours = is_name_of(context.desired.target.name, server.index, name_of(server))
    return ours and not server.terminating and not has_run(server.pod)


def _is_counted_on(it: Case, name: str) -> bool:
    """Whether it is a member of anything, or seems to run all the same."""
    return any(
        name in members_of(view) or counting_on(view, name) or name in view.connected
        for view in it.views
    )


def _unclear(context: Context, it: Case, idle: Sequence[Server]) -> Iterator[str]:
    """What has to be known before nobody counts on them.

    A leader that restarted knows no names of members that are away.
    """
    yield from unsure(it, context.state.now)
    off = (block for view in it.views for block in servers.jetstream_off(it, view))
    yield from dict.fromkeys(text(attrs.evolve(block, detail="")) for block in told(off))
    known = it.expected | set(map(name_of, idle)) | set(departed_of(context).values())
    strangers = {name for view in it.views for name in _members(view)} - known
    some = nsmallest(SOME + 1, strangers)
    yield from some_of(STRANGER.format(named(name)) for name in some)


def _members(view: View) -> Iterator[str]:
    """Of the meta group and of all streams and consumers."""
    yield from members_of(view)
    for group in view.groups.values():
        yield from group.members
