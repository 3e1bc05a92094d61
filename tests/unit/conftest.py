"""The event loop that tests without one of their own find."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import settings


@pytest.fixture(autouse=True, scope="session")
def _loop_of_the_main_thread() -> Iterator[None]:
    """looptime asks for one around every test, and nobody closes the one that asking makes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()


# The same examples in every run: what fails here fails for everybody. `make fuzz` draws others.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")
