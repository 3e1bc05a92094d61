"""Turns for long answers: quick and slow ones do not wait for each other, and none for ever."""

from __future__ import annotations

import asyncio

import pytest

from natsctl.nats.gate import LARGE, LARGE_QUICK, LARGE_SECONDS, LARGE_WAIT, LATE, Gate

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
