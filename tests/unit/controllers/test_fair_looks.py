"""No namespace keeps the servers of others from being asked: in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from natsctl.controllers.supervisor import fair_gate
from natsctl.nats.gate import LARGE_QUICK, Gate
from natsctl.nats.jetstream import AT_ONCE, SECONDS

pytestmark = pytest.mark.looptime
SERVERS = 3


def now() -> float:
    return asyncio.get_running_loop().time()


async def ask(gate: Gate, owner: str, seconds: float) -> None:
    """One server with a long answer that takes so long, as `natsctl.nats.jetstream` asks it."""

    async def read(slow: bool) -> None:
        most = SECONDS if slow else LARGE_QUICK
        async with (
            asyncio.timeout(SECONDS) as clock,
            gate.longest_answer(owner, clock, most, slow=slow),
        ):
            await asyncio.sleep(seconds)

    async with gate.slow.turn(owner):
        await gate.quickly_or_slowly(owner, read)


async def look(gate: Gate, owner: str, seconds: float) -> float:
    """All servers of one cluster; how long that takes."""
    began, turns = now(), asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with turns:
            await ask(gate, owner, seconds)

    async with asyncio.TaskGroup() as group:
        for _ in range(SERVERS):
            group.create_task(one())
    return now() - began


async def for_ever(gate: Gate, owner: str, seconds: float) -> None:
    """A cluster whose servers take their time, looked at again and again."""
    while True:
        try:
            await look(gate, owner, seconds)
        except* TimeoutError:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def beside(owners: int, clusters: int, seconds: float = 3600.0) -> AsyncIterator[Gate]:
    """So many namespaces with so many clusters each whose servers take so long."""
    gate = fair_gate()
    tasks = [
        asyncio.create_task(for_ever(gate, f"slow-{owner}", seconds))
        for owner in range(owners)
        for _ in range(clusters)
    ]
    yield gate
    while going := [task for task in tasks if not task.done()]:
        for task in going:
            task.cancel()  # a group that fails at this very moment does not hear of it
        await asyncio.wait(going, timeout=1)


@pytest.mark.parametrize("owners", [1, 2, 5, 7])
async def test_quick_looks_wait_for_nobody_who_is_slow(owners: int) -> None:
    async with beside(owners, 10) as gate:
        await asyncio.sleep(LARGE_QUICK * owners + 5)
        for _ in range(20):
            assert await look(gate, "mine", 0.2) < 1.0
            await asyncio.sleep(5)


@pytest.mark.parametrize("owners", [1, 2])
async def test_slow_looks_find_a_turn_beside_two_namespaces_that_want_all(owners: int) -> None:
    async with beside(owners, 20) as gate:
        await asyncio.sleep(60)
        await look(gate, "mine", 5.0)
        for _ in range(5):
            assert await look(gate, "mine", 5.0) <= SERVERS * 5.0 + 0.1


@pytest.mark.parametrize("wait", [0.0, 0.5, 20.0])
@pytest.mark.parametrize(
    ("owners", "seconds"), [(0, 0.0), (1, 0.9), (2, 3600.0), (5, 1.1), (12, 0.9), (12, 3600.0)]
)
async def test_however_many_are_slow_a_server_waits_for_one_turn_of_each(
    owners: int, seconds: float, wait: float
) -> None:
    """So much at most: nobody knows yet who is slow, or all are as slow as a quick one may be."""
    async with beside(owners, 2, seconds) as gate:
        await asyncio.sleep(wait)
        bound = SERVERS * (0.1 + LARGE_QUICK * (owners + 2) / 2) + 0.1
        for _ in range(3):
            assert await look(gate, "mine", 0.1) <= bound
