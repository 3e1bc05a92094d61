"""Whether two looks are two looks: apart, fresh, and of servers that did not restart between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.jetstream_look import TOGETHER
from natsctl.model.times import moment
from natsctl.plan.gates.verdict import Block, Why

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.model.jetstream import JetStreamReport
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Look

APART: Final = 0.9
"""Seconds between the first questions of both looks. By a server's own clock, half of it is enough
between its answers, because they take some time."""
FRESH: Final = 10.0
"""Seconds after which the second look is too old to act upon."""


def look_blocks(case: Case, now: float) -> Iterator[Block]:
    """`now` is of the clock of the looks."""
    first, second = case.first.look, case.second.look
    if problem := _problem(first, second, now):
        yield Block(Why.LOOKS, detail=problem)
    for name in sorted(case.first.answered.keys() & case.second.answered.keys()):
        if problem := _changed(case.first.answered[name], case.second.answered[name]):
            yield Block(Why.LOOKS, name, detail=problem)


def _problem(first: Look, second: Look, now: float) -> str:
    """Comparisons that a time that is no number does not pass."""
    if not second.began - first.began >= APART:
        return "the looks are too close together"
    if not second.began - first.began <= TOGETHER:
        return "the first look is too old"
    if not 0 <= now - second.began <= FRESH:
        return "the second look is too old"
    return ""


def _changed(before: JetStreamReport, after: JetStreamReport) -> str:
    if (before.server_id, before.started) != (after.server_id, after.started):
        return "it restarted between the looks"
    earlier, later = moment(before.now), moment(after.now)
    if earlier is None or later is None or (later - earlier).total_seconds() < APART / 2:
        return "its second answer is not newer than the first"
    return ""
