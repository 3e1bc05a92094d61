"""Wakes for what strangers do: at once, and then once a second."""

from __future__ import annotations

import asyncio

import pytest

from natsctl.controllers.runtime.pace import PERIOD, Pacer
from natsctl.kube.store import Key

pytestmark = pytest.mark.looptime
C, D = ("ns", "c"), ("ns", "d")


async def test_the_first_is_passed_on_at_once_and_many_together() -> None:
    woken: list[tuple[float, Key]] = []
    start = asyncio.get_running_loop().time()
    pace = Pacer(lambda key: woken.append((asyncio.get_running_loop().time() - start, key)))
    pace(C)
    for _ in range(100):
        pace(C)
    pace(D)
    assert woken == [(0, C), (0, D)]
    await asyncio.sleep(10 * PERIOD)
    ((at, key),) = woken[2:]
    assert at == pytest.approx(PERIOD)
    assert key == C


async def test_none_is_lost_and_after_a_pause_it_is_at_once_again() -> None:
    woken: list[Key] = []
    pace = Pacer(woken.append)
    for _ in range(45):
        pace(C)
        await asyncio.sleep(PERIOD / 10)
    assert len(woken) == 5
    await asyncio.sleep(2 * PERIOD)
    before = len(woken)
    pace(C)
    assert len(woken) == before + 1


async def test_clusters_leave_nothing() -> None:
    pace = Pacer(lambda key: None)
    pace(C)
    await asyncio.sleep(2 * PERIOD)
    assert pace == Pacer(pace.wake)
