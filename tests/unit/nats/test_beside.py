"""What is computed in a thread is waited for to its end, whoever gives up meanwhile."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import attrs
import pytest

from natsctl.nats.beside import beside


@attrs.define
class Work:
    """Something that goes on until it is told to stop; `stops` are how often it was."""

    go_on: threading.Event = attrs.field(factory=threading.Event)
    stops: int = 0
    ended: bool = False

    def compute(self) -> str:
        assert self.go_on.wait(9)
        self.ended = True
        return "done"

    def stop(self) -> None:
        self.stops += 1


async def test_gives_what_the_function_returns() -> None:
    work = Work()
    work.go_on.set()
    assert await beside(None, work.stop, work.compute) == "done"
    assert work.stops == 0


async def test_takes_the_threads_it_is_given() -> None:
    with ThreadPoolExecutor(1, "mine") as threads:
        where = await beside(threads, Work().stop, threading.current_thread)
    assert where.name.startswith("mine")


async def test_raises_what_the_function_raises() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await beside(None, Work().stop, int, "x")


async def test_who_is_cancelled_several_times_waits_for_the_end_all_the_same() -> None:
    work = Work()
    waiting = asyncio.create_task(beside(None, work.stop, work.compute))
    for count in (1, 2):
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.sleep(0.01)
        assert work.stops == count
        assert not waiting.done()
    work.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.ended


class Told(bytearray):
    """An answer; it is seen when it goes."""


async def test_what_was_refused_goes_at_once() -> None:
    """A few long answers a second that wait for the collector of circles fill the memory."""

    def refuse(answer: bytearray) -> None:
        raise ValueError(f"{len(answer)} bytes")

    answer = Told(b"x" * 1000)
    still_there = weakref.ref(answer)
    gc.collect()
    gc.disable()
    try:
        with suppress(ValueError):
            await beside(None, lambda: None, refuse, answer)
        del answer
        assert still_there() is None
    finally:
        gc.enable()
