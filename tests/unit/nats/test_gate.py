"""Turns for long answers: quick and slow ones do not wait for each other, and none for ever."""

from __future__ import annotations

import asyncio

import pytest

from natsctl.controllers.supervisor import fair_gate
from natsctl.nats.gate import HEAVY, LARGE, LARGE_QUICK, LARGE_SECONDS, LARGE_WAIT, LATE, Gate

pytestmark = pytest.mark.looptime


def now() -> float:
    return asyncio.get_running_loop().time()


async def read(gate: Gate, owner: str, seconds: float, most: float = 15.0) -> None:
    """A long answer that takes so long."""

    async def once(slow: bool) -> None:
        async with (
            asyncio.timeout(1) as clock,
            gate.longest_answer(owner, clock, most if slow else LARGE_QUICK, slow=slow),
        ):
            await asyncio.sleep(seconds)

    await gate.quickly_or_slowly(owner, once)


async def test_a_quick_one_makes_nobody_late() -> None:
    gate = Gate()
    await read(gate, "a", 0.9)
    assert now() == 0.9
    assert not gate.is_late("a")


async def test_a_slow_one_is_read_again_and_from_then_on_among_the_slow() -> None:
    gate = Gate()
    await read(gate, "a", 10)
    assert now() == pytest.approx(LARGE_QUICK + 10)
    await read(gate, "a", 10)
    assert now() == pytest.approx(LARGE_QUICK + 20)
    assert not gate.is_late("b")


async def test_its_owner_is_quick_again_after_a_while() -> None:
    gate = Gate()
    await read(gate, "a", 10)
    await asyncio.sleep(LATE)
    assert not gate.is_late("a")
    await read(gate, "b", 10)
    assert set(gate.late) == {"b"}, "and the process forgets it"


async def test_one_that_takes_longer_than_slow_ones_may_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        await read(Gate(), "a", 16)
    assert now() == pytest.approx(LARGE_QUICK + 15)


async def test_a_turn_that_does_not_come_is_not_waited_for() -> None:
    gate = Gate()
    async with gate.large.turn("a"), gate.large.turn("b"):
        with pytest.raises(TimeoutError):
            await read(gate, "c", 1)
    assert now() == pytest.approx(LARGE_WAIT)
    assert not gate.is_late("c")


async def test_who_becomes_late_while_others_of_it_wait_does_not_cost_as_much_for_each() -> None:
    gate = Gate()
    tasks = [asyncio.create_task(read(gate, "a", 5)) for _ in range(10)]
    await asyncio.sleep(LARGE_QUICK + 0.1)
    async with asyncio.timeout(0.1), gate.large.turn("b"), gate.large.turn("b"):
        pass
    await asyncio.gather(*tasks)


async def test_a_page_has_its_seconds_from_when_its_turn_comes() -> None:
    gate, began = Gate(), list[float]()

    async def hold() -> None:
        async with gate.large.turn("a"):
            await asyncio.sleep(20)

    async def page() -> None:
        async with asyncio.timeout(0.5) as clock, gate.long_answer("c", clock):
            began.append(now())
            await asyncio.sleep(60)

    holders = [asyncio.create_task(hold()) for _ in range(LARGE)]
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await page()
    assert began == [pytest.approx(20)]
    assert now() == pytest.approx(20 + LARGE_SECONDS)
    await asyncio.gather(*holders)


class TestPartsOfALongAnswer:
    @staticmethod
    async def parts(gate: Gate, owner: str, size: int, count: int = 1) -> float:
        """How long it takes to read so many parts, each of which takes a second."""
        began = now()
        for _ in range(count):
            async with gate.part(owner, size):
                await asyncio.sleep(1)
        return now() - began

    async def test_are_read_at_the_same_time(self) -> None:
        gate = Gate()
        found = await asyncio.gather(*(self.parts(gate, owner, HEAVY) for owner in "abcdef"))
        assert found == [1.0] * 6

    async def test_are_read_one_at_a_time_if_they_are_heavy(self) -> None:
        """And a namespace that has many keeps others waiting for two of them at most."""
        gate = fair_gate()
        theirs = [asyncio.create_task(self.parts(gate, "a", HEAVY + 1, 20)) for _ in range(3)]
        await asyncio.sleep(0.5)
        assert await self.parts(gate, "b", HEAVY + 1, 5) <= (2 + 1) * 5
        assert not any(task.done() for task in theirs)
        await asyncio.gather(*theirs)
        assert now() == pytest.approx(65)

    async def test_belong_among_the_slow_if_they_are_heavy(self) -> None:
        gate = Gate()
        gate.leave_to_slow("a", HEAVY)
        assert not gate.is_late("a")
        with pytest.raises(TimeoutError):
            gate.leave_to_slow("a", HEAVY + 1)
        assert gate.is_late("a")
        assert not gate.is_late("b")
