"""Servers are reloaded; a server's refusal is the answer for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.handlers.handler import (
    DONE,
    PENDING,
    Handler,
    HandlerContext,
    Result,
)
from natsctl.controllers.cluster.reload import Progress
from natsctl.plan.actions import ReloadServer
from natsctl.plan.state import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


async def _reload(action: ReloadServer, context: HandlerContext) -> Result:
    outcome = await context.reloader.reload(action)
    if isinstance(outcome, Refusal):
        return Result(refusals={action.uid: outcome})
    return DONE if outcome is Progress.DONE else PENDING


def _reloaded(done: Sequence[ReloadServer]) -> Iterator[Event]:
    return (Event("ReloadedServer", a.message) for a in done)


RELOAD = Handler(ReloadServer, _reload, _reloaded)
