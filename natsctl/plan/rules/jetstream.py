"""Servers that store streams are looked at, so that status and metrics tell how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.jetstream import stores
from natsctl.plan.queries import A_MINUTE, JetStreamLook
from natsctl.plan.rules.rule import Decision

if TYPE_CHECKING:
    from natsctl.plan.context import Context

NEW = 40.0
"""Seconds after a change in which things settle, and are looked at more often."""
OFTEN = 10.0


def look_at_streams(context: Context) -> Decision:
    """Does nothing but ask: once a minute, and more often after a change."""
    if not stores(context):
        return Decision()
    freshness = OFTEN if context.state.quiet < NEW else A_MINUTE
    return Decision(queries=frozenset((JetStreamLook(freshness),)))
