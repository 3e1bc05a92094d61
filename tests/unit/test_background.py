"""What goes on beside an end-to-end test never outlives it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.e2e import background as beside
from tests.e2e.background import background


async def until_told(stop: threading.Event) -> None:
    """What ends when it should."""
    while not stop.is_set():  # noqa: ASYNC110 - another thread sets it
        await asyncio.sleep(0.01)


async def for_ever(stop: threading.Event) -> None:
    """What waits for servers that are gone."""
    await asyncio.Event().wait()


async def failing(stop: threading.Event) -> None:
    """What meets what it did not expect."""
    raise ValueError("of the work")


def test_it_ends_with_the_context() -> None:
    """It goes on until then."""
    threads = threading.active_count()
    with background("asking", until_told, lambda: True, []):
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads


def test_what_goes_on_is_ended_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would keep the process of the tests from its end; what it met tells why."""
    monkeypatch.setattr(beside, "ENDING", 0.1)
    threads = threading.active_count()
    met = [OSError("nobody is there")]
    with (
        pytest.raises(AssertionError, match=r"asking goes on 0.1 s after the end.*nobody is there"),
        background("asking", for_ever, lambda: True, met),
    ):
        pass
    assert threading.active_count() == threads


def test_what_never_begins_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test fails for that reason."""
    monkeypatch.setattr(beside, "STARTING", 0.0)
    monkeypatch.setattr(beside, "ENDING", 0.1)
    threads = threading.active_count()
    with (
        pytest.raises(AssertionError, match="asking begins: not within 0 s"),
        background("asking", for_ever, lambda: False, []),
    ):
        pytest.fail("the context was entered")
    assert threading.active_count() == threads


def test_a_failure_of_the_work_is_one_of_the_test() -> None:
    """At the end of the context."""
    with (
        pytest.raises(AssertionError, match="of the work"),
        background("asking", failing, lambda: False, []),
    ):
        pass
