"""Servers beyond size leave one at a time, from the highest index; with streams, emptied before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.actions import DeleteServer
from natsctl.plan.departures.leave import Leaving, next_to_leave
from natsctl.plan.departures.members import next_to_forget
from natsctl.plan.departures.never_ran import next_that_never_ran
from natsctl.plan.jetstream import stores
from natsctl.plan.rules.rolling_update import obstacles_to_return
from natsctl.plan.rules.rule import Decision
from natsctl.plan.server_identity import excess, wanted

if TYPE_CHECKING:
    from natsctl.plan.context import Context
    from natsctl.plan.servers import Server


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
    if held := obstacles_to_return(context):
        return Decision(waiting=tuple(held.values()), servers=leaving)
    if stores(context):
        # Until the one before is forgotten, it counts for the quorum.
        left = next_to_forget(context).waiting
        step = Leaving(waiting=left) if left else next_to_leave(context, leaving)
        return _decision(step, leaving)
    action = DeleteServer(
        name=server.name,
        uid=server.pod.metadata.uid,
        reason="ScalingDown",
        message=f"scaling down to {context.size}: removing {server.name}",
    )
    return Decision((action,), servers=leaving)


def _decision(step: Leaving, leaving: tuple[Server, ...]) -> Decision:
    return Decision(step.actions, step.waiting, step.queries, leaving, moves=step.moves)
