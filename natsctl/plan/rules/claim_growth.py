"""Volumes grow in place: one claim after the other asks for what the spec says.

Or for more, if volumes grow by themselves and one is nearly full: that rests on a fresh look. The
limit of the store follows once the smallest volume has grown (`Stored.capacity`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.actions import GrowClaim
from natsctl.plan.claims.growth import growth_of
from natsctl.plan.claims.growth_words import progress, step
from natsctl.plan.jetstream import LAST
from natsctl.plan.queries import JetStreamLook, Query
from natsctl.plan.rules.rule import Decision

if TYPE_CHECKING:
    from natsctl.plan.claims.growth import Growth, Size
    from natsctl.plan.context import Context


def grow_claims(context: Context) -> Decision:
    """Have the next claim ask for another size, unless the API server refused that not long ago."""
    growth = growth_of(context)
    due, refused = growth.next, growth.refused
    waits = refused is not None and refused.due > context.state.now
    if due is None or waits:
        return Decision(waiting=progress(growth))
    rests_on = frozenset((JetStreamLook(LAST),)) if growth.step is not None else frozenset[Query]()
    return Decision((_grow(context, growth, due),), progress(growth), rests_on)


def next_growth_in(context: Context) -> float | None:
    """Seconds until the API server is asked again, if it refused; None: now, or never."""
    state = context.state
    refused = growth_of(context).refused if state.growths else None
    left = refused.due - state.now if refused is not None else 0.0
    return left if left > 0 else None


def _grow(context: Context, growth: Growth, due: Size) -> GrowClaim:
    meta, at = due.live.object.metadata, context.state.timestamp
    text = step(due, growth.step.why if growth.step is not None else "")
    return GrowClaim(meta.name, meta.uid, meta.resource_version, due.size, due.wanted, text, at)
