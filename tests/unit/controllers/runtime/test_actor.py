"""An actor knows nothing of what it reconciles: a second kind is a second reconciler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest

from natsctl.controllers.runtime.actor import (
    FIRST_RETRY,
    LAST_RETRY,
    RESYNC,
    Actor,
    Retry,
    StillTrying,
    Wait,
)
from natsctl.kube.errors import Conflict, Stale, Terminal, Transient
from natsctl.kube.turns import Turn, Turns

Step = Wait | Retry | Exception


@attrs.define
class Script:
    """Does what a test says, one thing for each pass, and is gone when that is over."""

    steps: list[Step]
    at: list[float] = attrs.field(factory=list)
    failures: list[Exception] = attrs.field(factory=list)
    forgotten: bool = False

    def exists(self) -> bool:
        return bool(self.steps)

    def forget(self) -> None:
        self.forgotten = True

    async def reconcile(self, turn: Turn) -> Wait | Retry:
        self.at.append(asyncio.get_running_loop().time())
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def failed(self, error: Exception, began: float) -> None:
        self.failures.append(error)

    def __str__(self) -> str:
        return "backup ns/b"

    @property
    def pauses(self) -> list[float]:
        return [after - before for before, after in zip(self.at, self.at[1:], strict=False)]


@asynccontextmanager
async def living(*steps: Step) -> AsyncIterator[tuple[Actor[Script], Script]]:
    script = Script(list(steps))
    actor = Actor(("ns", "b"), Turns(1), script)
    async with asyncio.TaskGroup() as group:
        group.create_task(actor.run(lambda: False))
        yield actor, script
    assert script.forgotten


@pytest.mark.looptime
async def test_it_waits_as_long_as_it_was_told() -> None:
    async with living(Wait(7.0), Wait(3.0), Wait(0.0)) as (_, script):
        pass
    assert script.pauses == [7.0, 3.0]


@pytest.mark.looptime
async def test_who_wakes_it_need_not_wait() -> None:
    async with living(Wait(), Wait(), Wait(0.0)) as (actor, script):
        await asyncio.sleep(5.0)
        actor.wake()
        actor.wake()
    first, second = script.pauses
    assert first == 5.0
    assert 0.8 * RESYNC <= second <= 1.2 * RESYNC, "woken twice, and looked once"


@pytest.mark.looptime
async def test_each_try_waits_longer_than_the_one_before_and_success_ends_that() -> None:
    async with living(*[Retry()] * 12, Wait(1.0), Retry(), Wait(0.0)) as (_, script):
        pass
    *tries, waited, again = script.pauses
    for number, pause in enumerate(tries):
        assert 0.8 <= pause / min(FIRST_RETRY * 2**number, LAST_RETRY) <= 1.2
    assert waited == 1.0
    assert again <= 1.2 * FIRST_RETRY


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("error", "reported"),
    [
        (Transient(503, "Unavailable", "busy"), True),
        (Terminal(403, "Forbidden", "no"), True),
        (Conflict(409, "Conflict", "changed"), True),
        (Stale("the answers are old"), True),
        (StillTrying(Transient(503, "Unavailable", "busy")), False),
        (ZeroDivisionError(), True),
    ],
)
async def test_an_error_ends_nothing(error: Exception, reported: bool) -> None:
    async with living(error, Wait(0.0)) as (_, script):
        pass
    assert script.failures == ([error] if reported else [])
    (pause,) = script.pauses
    assert pause <= 1.2 * FIRST_RETRY


@pytest.mark.looptime
async def test_an_api_server_that_says_when_is_believed() -> None:
    busy = Transient(429, "TooManyRequests", "later")
    busy.retry_after = 9.0
    async with living(busy, Wait(0.0)) as (_, script):
        pass
    assert script.pauses == [9.0]


@pytest.mark.looptime
async def test_a_moment_that_is_a_hair_away_is_no_reason_to_run_in_circles() -> None:
    """10.24 and 20 seconds are not quite 30.24: until the clock moves, it is not due."""
    async with living(Wait(10.24 + 20.0 - 30.24), Wait(0.0), Wait(0.0)) as (_, script):
        pass
    assert all(pause >= 0.001 for pause in script.pauses)
