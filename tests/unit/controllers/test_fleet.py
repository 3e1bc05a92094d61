"""How all actors end together, in virtual time."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest

from natsctl.controllers.runtime.actor import Actor
from tests.unit.controllers.virtual import Flight, flight

pytestmark = pytest.mark.looptime


async def while_it_ends(found: Flight) -> None:
    """Somebody creates a cluster in each turn of the event loop."""
    number = 0
    while not found.running.done():
        await found.create(f"late-{number}")
        await asyncio.sleep(0)
        number += 1


async def test_who_comes_while_all_are_cancelled_disturbs_nobody() -> None:
    async with flight() as found:
        await found.create("mine")
        await found.until(lambda: found.condition("mine", "Ready"))
        found.running.cancel()
        await while_it_ends(found)
        with pytest.raises(asyncio.CancelledError):
            await found.running


async def test_who_comes_while_all_end_for_a_defect_disturbs_nobody() -> None:
    async with flight() as found:
        await found.create("mine")
        await found.until(lambda: found.condition("mine", "Ready"))
        with patch.object(Actor, "run", side_effect=ValueError("a defect")):
            await found.create("other")
            await while_it_ends(found)
        with pytest.raises(ExceptionGroup, match="TaskGroup"):
            await found.running
