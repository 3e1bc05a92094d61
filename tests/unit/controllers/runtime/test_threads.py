"""Each purpose has threads of its own, and none outlives the process."""

from __future__ import annotations

import threading
from concurrent.futures import Executor

import attrs
import pytest

from natsctl.controllers.runtime.computing import AT_ONCE
from natsctl.controllers.runtime.threads import Threads, threads
from natsctl.nats.gate import LARGE, LARGE_SLOW, READERS, READING


def pools(found: Threads) -> dict[str, Executor]:
    return attrs.asdict(found, recurse=False)


def test_what_fills_one_keeps_no_other_waiting() -> None:
    go_on = threading.Event()
    with threads() as found:
        for name, filled in pools(found).items():
            waiting = [filled.submit(go_on.wait, 9) for _ in range(50)]
            for other in pools(found).keys() - {name}:
                assert pools(found)[other].submit(int, "7").result(9) == 7
            go_on.set()
            assert all(each.result(9) for each in waiting)
            go_on.clear()


@pytest.mark.parametrize(("name", "count"), [("clusters", AT_ONCE), ("answers", READERS)])
def test_who_has_a_turn_finds_a_thread(name: str, count: int) -> None:
    barrier = threading.Barrier(count)
    with threads() as found:
        waiting = [pools(found)[name].submit(barrier.wait, 9) for _ in range(count)]
        assert sorted(each.result(9) for each in waiting) == list(range(count))


def test_there_is_a_thread_for_each_turn_of_answers() -> None:
    assert READERS == LARGE + LARGE_SLOW + READING


def test_they_end_with_the_process() -> None:
    with threads() as found:
        started = [
            pool.submit(threading.current_thread).result(9) for pool in pools(found).values()
        ]
    assert not any(thread.is_alive() for thread in started)
