"""Servers beyond size leave one at a time, from the highest index; with streams, emptied before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.plan.actions import DeleteServer
from natsctl.plan.claims.found import stored_nothing
from natsctl.plan.departures.leave import Leaving, next_to_leave
from natsctl.plan.departures.members import next_to_forget
from natsctl.plan.departures.never_ran import next_that_never_ran
from natsctl.plan.departures.note import departed_of, noting
from natsctl.plan.jetstream import name_of, stores
from natsctl.plan.rules.rolling_update import obstacles_to_return
from natsctl.plan.rules.rule import Decision, Progress, names_of, waits
from natsctl.plan.servers.identity import excess, wanted
from natsctl.plan.servers.server import lacks_store
from natsctl.plan.switched_off import is_switched_off, leave_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.actions import Action
    from natsctl.plan.context import Context
    from natsctl.plan.evidence import Evidence
    from natsctl.plan.servers.server import Server


def scale_down(context: Context) -> Decision:
    """Delete one excess server, unless it would leave clients nowhere to go."""
    leaving = excess(context.servers, context.size)
    if not leaving:
        return Decision()
    server = leaving[0]
    stays_up = any(s.healthy for s in wanted(context.servers, context.size))
    if context.size > 0 and server.healthy and not stays_up:
        return Decision(waiting=("none of the remaining servers is healthy",), servers=leaving)
    if stores(context) and (step := next_that_never_ran(context, leaving)) != Leaving():
        return _decision(step, leaving)
    if stores(context) and lacks_store(server.pod):
        return Decision(tuple(_bare(context, server)), servers=leaving)
    if stores(context) and is_switched_off(context):
        leave = leave_of(context)
        gone = () if leave.waiting else (_removal(context, server, leave.evidence),)
        return Decision(gone, leave.waiting, leave.queries, leaving)
    if held := obstacles_to_return(context):
        return Decision(waiting=tuple(held.values()), servers=leaving)
    if stores(context):
        # Until the one before is forgotten, it counts for the quorum.
        left = next_to_forget(context).waiting
        step = Leaving(waiting=left) if left else next_to_leave(context, leaving)
        return _decision(step, leaving)
    return Decision((_removal(context, server),), servers=leaving)


def _message(decision: Decision) -> str:
    return f"removing {names_of(decision.servers)}, one at a time{waits(decision)}"


PROGRESS: Final = Progress("ScalingDown", _message, yields=True)


def _bare(context: Context, server: Server) -> Iterator[Action]:
    """A server without JetStream beside others that have it: it holds nothing.

    The others may count it all the same, if they knew it when they started, and are to forget it;
    but not if it may have stored something before it ran without JetStream. Then it has to come
    back with its volume, and to leave empty.
    """
    yield _removal(context, server)
    if stored_nothing(context, server.index):
        yield from noting(context, {**departed_of(context), server.index: name_of(server)})


def _removal(context: Context, server: Server, evidence: Evidence | None = None) -> DeleteServer:
    return DeleteServer(
        name=server.name,
        uid=server.pod.metadata.uid,
        reason="ScalingDown",
        message=f"scaling down to {context.size}: removing {server.name}",
        evidence=evidence,
    )


def _decision(step: Leaving, leaving: tuple[Server, ...]) -> Decision:
    return Decision(step.actions, step.waiting, step.queries, leaving, moves=step.moves)
