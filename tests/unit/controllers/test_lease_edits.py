"""A Lease that others delete or write into, in virtual time: never two holders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.controllers.leases import Memory, candidate, held, now

pytestmark = pytest.mark.looptime


deleted = Memory.delete


def emptied(memory: Memory) -> None:
    memory.edit(holderIdentity="")


def gutted(memory: Memory) -> None:
    memory.edit(holderIdentity=None, leaseDurationSeconds=None, renewTime=None)


def emptied_twice(memory: Memory) -> None:
    emptied(memory)
    asyncio.get_running_loop().call_later(1.5, lambda: memory.edit(acquireTime=None))


@pytest.mark.parametrize("spoil", [deleted, emptied, emptied_twice, gutted])
@pytest.mark.parametrize("moment", [0.1, 1.0, 1.9])
async def test_a_holder_that_others_wrote_out_is_waited_for(
    spoil: Callable[[Memory], None], moment: float
) -> None:
    """It does not know yet, and may still write: nobody has the lease before it cannot."""
    memory, first = await held()
    second = candidate(memory, "b")
    keeping = asyncio.create_task(first.keep())
    taking = asyncio.create_task(second.acquire())
    await asyncio.sleep(20 + moment)
    spoil(memory)
    spoilt = now()
    while not taking.done() and now() - spoilt < 60:
        assert not (first.held and second.held)
        await asyncio.sleep(0.01)
    assert not (first.held and second.held)
    assert first.held or second.held
    await cancelled(keeping, taking)


async def cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("spoil", [deleted, emptied, emptied_twice])
async def test_a_holder_that_died_when_it_was_written_out_is_replaced(
    spoil: Callable[[Memory], None],
) -> None:
    memory, _ = await held()
    second = candidate(memory, "b")
    taking = asyncio.create_task(second.acquire())
    await asyncio.sleep(5)
    spoil(memory)
    spoilt = now()
    await taking
    assert 13 < now() - spoilt < 17


@pytest.mark.parametrize("seconds", [0, 1, 3, None])
async def test_a_duration_that_others_wrote_does_not_make_anybody_impatient(
    seconds: int | None,
) -> None:
    """The holder goes by what it was started with."""
    memory, first = await held()
    second = candidate(memory, "b")
    memory.edit(leaseDurationSeconds=seconds)
    spoilt = now()
    await second.acquire()
    assert not first.held
    assert 14 < now() - spoilt < 17
