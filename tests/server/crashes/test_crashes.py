"""The operator dies before and after writes and requests, and real servers lose nothing by it.

In each story, one cluster goes through what a user may do to it, while clients store messages. The
operator dies at every thirteenth moment, so it dies some times in each step. With NATSCTL_MATRIX it
does so with each of thirteen beginnings, and then at every single moment.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server import servers
from tests.server.crashes.deaths import Deaths
from tests.server.crashes.stories import End, Step, renewals, steps, switches
from tests.server.crashes.worlds import World, usual_ends, world

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]

EVERY = 13
FIRST = {EVERY: (3,)}
ALL = {EVERY: range(1, EVERY + 1), 1: (1,)}
STORIES = {
    "2.12.15 to 2.14.10": steps("2.12.15", "2.14.10"),
    "volumes renewed, 2.15.3": renewals("2.15.3"),
    "switched on and off, 2.12.15": switches("2.12.15"),
}
MORE_STORIES = {
    "2.15.3 to 2.14.10": steps("2.15.3", "2.14.10"),
    **{f"volumes renewed, {it}": renewals(it) for it in ("2.9.25", "2.10.29", "2.12.15")},
    **{f"switched on and off, {it}": switches(it) for it in ("2.9.25", "2.10.29", "2.15.3")},
}
MATRIX = bool(os.environ.get(servers.MATRIX))
TOLD = STORIES | MORE_STORIES if MATRIX else STORIES
MOMENTS = [
    (first, every) for every, firsts in (ALL if MATRIX else FIRST).items() for first in firsts
]


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize(("first", "every"), MOMENTS)
async def test_crashes_change_nothing_and_lose_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    first: int,
    every: int,
    name: str,
) -> None:
    story, deaths = TOLD[name], Deaths(first, every)
    usual = await asyncio.to_thread(usual_ends, story)
    async with world(tmp_path, deaths) as found:
        for step, end in zip(story, usual, strict=True):
            deaths.next_step()
            as_usual(step, await found.tell(step), end, found)
            with capsys.disabled():
                print(f"\n{step.name}, died at:", deaths_of(found), end="")
        assert await found.late() == []
        await found.everything_is_there()
    assert found.kubelet.accidents == []


def as_usual(step: Step, end: End, usual: End, found: World) -> None:
    """Nothing else came of a step than if nobody had died, and no more was away on the way."""
    where = f"{step.name}, died at {deaths_of(found)}"
    different = list(differences(usual.objects, end.objects))
    assert not different, f"{different}; {where}"
    more = end.deletions - usual.deletions
    assert not usual.deletions - end.deletions, where
    assert set(more) <= set(usual.deletions), where
    assert more.total() <= step.returns, where
    assert found.kubelet.most_away <= step.away, where


def deaths_of(found: World) -> str:
    """At which moments of this step the operator died."""
    return "; ".join(found.operator.deaths.died) or "none"


def differences(usual: Any, end: Any, path: str = "") -> Iterator[str]:
    """Where two objects differ, and how."""
    if isinstance(usual, dict) and isinstance(end, dict):
        for key in {**usual, **end}:
            yield from differences(usual.get(key), end.get(key), f"{path}/{key}")
    elif usual != end:
        yield f"{path}: {end!r} instead of {usual!r}"
