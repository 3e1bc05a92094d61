"""Who is a member of the meta group: no server that left, and a new one once its leader says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.plan.departures.leave import Leaving
from natsctl.plan.departures.members import (
    is_missed,
    next_to_forget,
    not_yet_members,
    runs_without_pod,
    without_a_leader,
)
from natsctl.plan.departures.note import departed_of, noting
from natsctl.plan.departures.vanished import next_vanished
from natsctl.plan.rules.rule import Decision, Progress, Rank, names_of, waits
from natsctl.plan.servers.identity import has_server

if TYPE_CHECKING:
    from natsctl.plan.context import Context
    from natsctl.plan.servers.server import Server

NOT_LISTED: Final = (
    "the meta leader does not list them yet: for five minutes after a server was removed, its name "
    "cannot return"
)


def note_departures(context: Context) -> Decision:
    """Take back what is noted of servers that stay, or that hold something by now.

    A server was noted right after its pod was asked to go. While that is there, the note counts
    only as long as the server does not say that it holds something. If the pod is gone and the
    server runs all the same, as on a node that is cut off, streams may come to it unseen.
    """
    departed = departed_of(context)
    there = {server.index: server for server in context.servers}
    kept = {i: n for i, n in departed.items() if _counts(context, i, n, there.get(i))}
    return Decision(noting(context, kept)) if kept != departed else Decision()


def _counts(context: Context, index: int, name: str, server: Server | None) -> bool:
    if has_server(context.size, index):
        return False
    if server is None:
        return not is_missed(context, name) and not runs_without_pod(context, name)
    return server.terminating and not _holds_something(context, server)


def _holds_something(context: Context, server: Server) -> bool:
    """What the last look tells: a stream may have been created in the moment in which it left."""
    looks = context.state.jetstream[-1:]
    said = (look.reports.get(server.pod.metadata.uid) for look in looks)
    return any(report is not None and bool(report.groups) for report in said)


def remove_members(context: Context) -> Decision:
    """Take a server that left, and is proven to be gone, out of the meta group.

    Then those that are gone with their volumes, if somebody decided that.
    """
    step = next_to_forget(context)
    if step == Leaving():
        step = next_vanished(context)
    return Decision(step.actions, waiting=step.waiting, queries=step.queries)


REMOVING: Final = Progress(
    "ScalingDown", lambda decision: f"a server has left{waits(decision)}", yields=True
)


def await_members(context: Context) -> Decision:
    """Does nothing but tell which servers run and store nothing yet."""
    coming = not_yet_members(context)
    return Decision(waiting=(NOT_LISTED,), servers=coming) if coming else Decision()


def _joining(decision: Decision) -> str:
    return f"{names_of(decision.servers)} store nothing yet{waits(decision)}"


JOINING: Final = Progress("Joining", _joining, Rank.LAST)


def await_leader(context: Context) -> Decision:
    """Does nothing but tell what the meta group needs of servers beyond size that are away."""
    return Decision(waiting=without_a_leader(context))


LEADERLESS: Final = Progress(
    "ScalingDown",
    lambda decision: f"servers beyond spec.size are down{waits(decision)}",
    Rank.FIRST,
    yields=True,
)
