"""Turns are bounded, and nobody's many wait before another's first."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natsctl.kube.turns import Turns

pytestmark = pytest.mark.looptime


async def hold(turns: Turns, owner: str, seconds: float, order: list[str]) -> None:
    async with turns.turn(owner):
        order.append(owner)
        await asyncio.sleep(seconds)


async def test_one_owner_alone_holds_half_of_all_turns() -> None:
    turns, order = Turns(32), list[str]()
    tasks = [asyncio.create_task(hold(turns, "a", 1, order)) for _ in range(40)]
    await asyncio.sleep(0.5)
    assert len(order) == 16
    await asyncio.gather(*tasks)
    assert len(order) == 40


@pytest.mark.parametrize("owners", [1, 2, 5])
async def test_who_holds_none_finds_one_free_however_much_others_want(owners: int) -> None:
    turns, order = Turns(32), list[str]()
    for owner in range(owners):
        for _ in range(100):
            asyncio.get_running_loop().create_task(hold(turns, str(owner), 3600, order))
    await asyncio.sleep(1)
    started = asyncio.get_running_loop().time()
    async with turns.turn("late"):
        assert asyncio.get_running_loop().time() == started
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_owners_take_turns_when_there_are_few() -> None:
    turns, order = Turns(2), list[str]()
    many = [asyncio.create_task(hold(turns, "many", 1, order)) for _ in range(20)]
    await asyncio.sleep(0.5)
    few = [asyncio.create_task(hold(turns, name, 1, order)) for name in ("b", "c", "b")]
    await asyncio.gather(*many, *few)
    assert order.index("c") < 4
    assert max(i for i, name in enumerate(order) if name == "b") < 7


async def test_a_turn_that_is_put_aside_is_another_ones() -> None:
    turns = Turns(1)
    async with turns.turn("a") as turn:
        async with turn.aside(), turns.turn("b"):
            pass
        taking = asyncio.create_task(hold(turns, "b", 0, []))
        await asyncio.sleep(1)
        assert not taking.done()
    await taking


async def test_what_has_begun_goes_on_before_others_of_its_owner_begin() -> None:
    """Thousands that all began before the first ended would wait longer than a pass may take."""
    turns, order = Turns(2), list[str]()

    async def step(name: str) -> None:
        async with turns.turn("a") as turn:
            order.append(f"{name} begins")
            await asyncio.sleep(1)
            async with turn.aside():
                await asyncio.sleep(1.5)
            order.append(f"{name} ends")
            await asyncio.sleep(1)

    await asyncio.gather(*(step(name) for name in "123456"))
    begun = [sum("begins" in event for event in order[:n]) for n in range(len(order))]
    ended = [sum("ends" in event for event in order[:n]) for n in range(len(order))]
    assert max(b - e for b, e in zip(begun, ended, strict=True)) <= 3
    assert [event[0] for event in order if "ends" in event] == list("123456")


@pytest.mark.parametrize("owners", [1, 50])
async def test_few_are_let_in_at_once_so_that_the_event_loop_goes_on(owners: int) -> None:
    turns, computed = Turns(32, at_once=4), [0]

    async def compute(owner: str) -> None:
        async with turns.turn(owner) as turn:
            computed[-1] += 1
            async with turn.aside():
                await asyncio.sleep(0)
            computed[-1] += 1

    async def count_rounds() -> None:
        while True:
            await asyncio.sleep(0)
            computed.append(0)

    rounds = asyncio.create_task(count_rounds())
    await asyncio.gather(*(compute(str(number % owners)) for number in range(500)))
    rounds.cancel()
    assert sum(computed) == 1000
    assert max(computed) < 2 * 4  # from one count to the next are parts of two rounds


async def test_an_error_while_it_is_aside_gives_nothing_back_twice() -> None:
    turns = Turns(1)
    with suppress(ValueError):
        async with turns.turn("a") as turn, turn.aside():
            raise ValueError
    order: list[str] = []
    tasks = [asyncio.create_task(hold(turns, "a", 1, order)) for _ in range(2)]
    await asyncio.sleep(0.5)
    assert order == ["a"]
    await asyncio.gather(*tasks)


async def test_who_is_cancelled_at_the_very_moment_of_his_turn_leaves_it_to_the_next() -> None:
    turns = Turns(1)
    order: list[str] = []
    async with turns.turn("a"):
        second = asyncio.create_task(hold(turns, "b", 0, order))
        third = asyncio.create_task(hold(turns, "c", 0, order))
        await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait_for(third, 1)
    assert order == ["c"]


HOLDERS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 5), st.integers(0, 12)),
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.sampled_from([1, 4, math.inf]), HOLDERS)
async def test_turns_are_never_lost_nor_doubled(
    capacity: int, at_once: float, holders: list[tuple[str, int, int, int]]
) -> None:
    """Whoever comes when, holds it for how long, and is cancelled when."""
    turns, held = Turns(capacity, at_once), Counter[str]()

    async def live(owner: str, start: int, seconds: int) -> None:
        await asyncio.sleep(start)
        async with turns.turn(owner) as turn:
            held[owner] += 1
            try:
                assert held.total() <= capacity
                await asyncio.sleep(seconds / 2)
            finally:
                held[owner] -= 1
            async with turn.aside():
                await asyncio.sleep(1)

    tasks = []
    for owner, start, seconds, end in holders:
        tasks.append(asyncio.create_task(live(owner, start, seconds)))
        asyncio.get_running_loop().call_later(end, tasks[-1].cancel)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not [t for t in tasks if not t.cancelled() and t.exception()]
    assert turns == Turns(capacity, at_once)
