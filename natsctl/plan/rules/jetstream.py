"""Servers that store streams are looked at, so that status and metrics tell how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.held import asks_for_none
from natsctl.plan.jetstream import FIRST, stores
from natsctl.plan.queries import A_MINUTE, JetStreamLook
from natsctl.plan.rules.rule import Decision

if TYPE_CHECKING:
    from natsctl.plan.context import Context

NEW = 40.0
"""Seconds after a change in which things settle, and are looked at more often."""
OFTEN = 10.0
NEAR = ((95, 5.0), (90, OFTEN))
"""Percent of the limit of a store, and for how many seconds a look counts from there on."""


def look_at_streams(context: Context) -> Decision:
    """Does nothing but ask: once a minute, or more often if there may be news."""
    if not stores(context):
        return Decision()
    freshness = OFTEN if context.state.quiet < NEW or _waits_for_room(context) else A_MINUTE
    if asks_for_none(context.state.cluster.spec) and not _holds_something(context):
        freshness = FIRST
    return Decision(queries=frozenset((JetStreamLook(min(freshness, _near(context))),)))


def _waits_for_room(context: Context) -> bool:
    """Whether the disk below a server may have been full: it comes back once a look shows room."""
    seen = context.state.seen
    return seen is not None and bool(seen.gave_up or seen.frozen)


def _near(context: Context) -> float:
    """At the limit, streams have no leader until the reserve is lent, which takes a look."""
    seen = context.state.seen
    usages = seen.summary.file.values() if seen is not None else ()
    filled = max((it.used * 100 // it.limit for it in usages if it.limit > 0), default=0)
    return next((seconds for percent, seconds in NEAR if filled >= percent), A_MINUTE)


def _holds_something(context: Context) -> bool:
    """Whether somebody has to delete streams before JetStream is switched off."""
    looks = context.state.jetstream[-1:]
    return any(report.groups for look in looks for report in look.reports.values())
