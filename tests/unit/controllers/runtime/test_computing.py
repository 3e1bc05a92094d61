"""Light computing stays on the event loop, heavy computing leaves it free, and others a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest

from natsctl.controllers.runtime.computing import (
    AT_ONCE,
    GROUP,
    LIGHT,
    SERVER,
    Computing,
    is_heavy,
    of_documents,
    of_looks,
    of_servers,
)
from natsctl.model.jetstream import Asset, Group, JetStreamReport
from natsctl.model.jetstream_look import Look


@pytest.mark.parametrize("heavy", [False, True])
async def test_where_it_is_computed(heavy: bool) -> None:
    where = await Computing().computed("ns", heavy, threading.current_thread)
    assert (where is not threading.current_thread()) == heavy


async def test_an_error_reaches_who_asked() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await Computing().computed("ns", True, int, "seven")


@attrs.define
class Work:
    """Something that goes on until it is let go; `running` are those at it now, by owner."""

    go_on: threading.Event = attrs.field(factory=threading.Event)
    running: list[str] = attrs.field(factory=list)

    def compute(self, owner: str) -> str:
        self.running.append(owner)
        assert self.go_on.wait(9)
        return owner


class TestTurns:
    async def test_who_wants_all_threads_leaves_some_to_others(self) -> None:
        """Whatever a namespace has to compute, and whoever came first."""
        work, found = Work(), Computing()
        greedy = [found.computed("greedy", True, work.compute, "greedy") for _ in range(20)]
        tasks = [asyncio.create_task(each) for each in greedy]
        await asyncio.sleep(0.01)
        others = [found.computed(f"{n}", True, work.compute, f"{n}") for n in range(2)]
        tasks += [asyncio.create_task(each) for each in others]
        await asyncio.sleep(0.05)
        assert sorted(work.running) == ["0", "1", *["greedy"] * (AT_ONCE // 2)]
        work.go_on.set()
        assert len(await asyncio.gather(*tasks)) == 22

    async def test_a_turn_lasts_until_its_thread_has_ended(self) -> None:
        """A thread cannot be cancelled; who is, does not wait for it."""
        work = Work()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            found = Computing(threads)
            task = asyncio.create_task(found.computed("ns", True, work.compute, "ns"))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert found.turns._held == {"ns": 1}
            work.go_on.set()
            await asyncio.sleep(0.05)
            assert not found.turns._held

    async def test_what_is_light_takes_none(self) -> None:
        found = Computing()
        async with found.turns.turn("ns"), found.turns.turn("ns"):
            assert await found.computed("ns", False, int, "7") == 7


def test_weights_add_up() -> None:
    assert not is_heavy(of_servers(3), of_documents({"size": 3}))
    assert is_heavy(of_servers(LIGHT // SERVER), of_documents({"size": 3}))
    assert is_heavy(of_documents(["x" * LIGHT]))


def test_streams_weigh_in_each_look_at_each_server() -> None:
    groups = {Asset("A", str(n)): Group(Asset("A", str(n)), 3) for n in range(50)}
    said = {uid: JetStreamReport(uid, groups=groups) for uid in ("1", "2", "3")}
    assert sum(of_looks([Look(0.0, said, {})] * 2)) == 2 * 3 * 50 * GROUP
    assert sum(of_looks([])) == 0


def test_no_more_is_looked_at_than_needed() -> None:
    def weights() -> Iterator[int]:
        yield LIGHT + 1
        pytest.fail("the first was enough")

    assert is_heavy(weights())
