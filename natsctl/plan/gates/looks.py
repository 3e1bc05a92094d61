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
"""Seconds from the last answer of the second look after which it is too old to act upon."""
SPREAD: Final = 30.0
"""Seconds between the first and the last answer of a look. What is longer makes the first ones too
old. Servers with thousands of streams answer one after the other, each in up to 15 seconds."""


def look_blocks(case: Case, now: float) -> Iterator[Block]:
    """`now` is of the clock of the looks.

    Its age counts from its last answer, so one that takes long can be acted upon. What was said
    first is FRESH and SPREAD seconds old by then at most.
    """
    first, second = case.first.look, case.second.look
    if is_slow(second):
        yield Block(Why.SLOW)
    elif problem := _problem(first, second, now):
        yield Block(Why.LOOKS, detail=problem)
    for name in sorted(case.first.answered.keys() & case.second.answered.keys()):
        if problem := _changed(case.first.answered[name], case.second.answered[name]):
            yield Block(Why.LOOKS, name, detail=problem)


def is_slow(look: Look) -> bool:
    """Whether its answers come too far apart to be judged together."""
    return not look.spread <= SPREAD


def _problem(first: Look, second: Look, now: float) -> str:
    """Comparisons that a time that is no number does not pass."""
    if not second.began - first.began >= APART:
        return "the looks are too close together"
    if not second.began - first.ended <= TOGETHER:
        return "the first look is too old"
    if not 0 <= now - second.ended <= FRESH:
        return "the second look is too old"
    return ""


def _changed(before: JetStreamReport, after: JetStreamReport) -> str:
    if (before.server_id, before.started) != (after.server_id, after.started):
        return "it restarted between the looks"
    earlier, later = moment(before.now), moment(after.now)
    if earlier is None or later is None or (later - earlier).total_seconds() < APART / 2:
        return "its second answer is not newer than the first"
    return ""
