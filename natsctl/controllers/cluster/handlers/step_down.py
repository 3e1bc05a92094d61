"""The leader of the meta group hands over before it stops, so that nobody waits for an election."""

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
from natsctl.model.outcome import Done
from natsctl.nats import jetstream_requests
from natsctl.plan.actions import StepDown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


async def _step_down(action: StepDown, context: HandlerContext) -> Result:
    """Whoever leads by now answers; what came of it, the next looks tell."""
    if context.jetstream is None:
        return PENDING
    outcome = await jetstream_requests.step_down(context.jetstream, action.preferred)
    return DONE if isinstance(outcome, Done) else PENDING


def _stepped_down(done: Sequence[StepDown]) -> Iterator[Event]:
    text = "{} hands over the meta group before it stops"
    return (Event("SteppingDown", text.format(action.name)) for action in done)


STEP_DOWN = Handler(StepDown, _step_down, _stepped_down)
