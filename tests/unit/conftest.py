"""The event loop that tests without one of their own find."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import coverage
import pytest
from hypothesis import settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is waited for in virtual time is in the loop or in its threads.

    Nothing comes from outside, and time goes on as soon as nothing is left to do: looptime's own 42
    rounds before that would take most of the time of these tests.
    """
    for item in items:
        if item.get_closest_marker("looptime"):
            item.add_marker(pytest.mark.looptime(noop_cycles=1))


@pytest.fixture(autouse=True, scope="session")
def _loop_of_the_main_thread() -> Iterator[None]:
    """looptime asks for one around every test, and nobody closes the one that asking makes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()


@pytest.fixture(autouse=True, scope="module")
def _measured_or_not(request: pytest.FixtureRequest) -> Iterator[None]:
    """Coverage slows every line down: tests marked `unmeasured` run without it.

    COVERAGE_PROCESS_START alone has to measure. `coverage run` measures once more beside it: what
    stops here is that one only, and such tests take three times as long.
    """
    measuring = coverage.Coverage.current()
    if measuring is None or request.node.get_closest_marker("unmeasured") is None:
        yield
        return
    measuring.stop()
    assert sys.gettrace() is None, "a second measurement of coverage goes on"
    yield
    measuring.start()


# The same examples in every run: what fails here fails for everybody. `make fuzz` draws others.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")
