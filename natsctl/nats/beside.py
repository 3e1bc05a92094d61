"""Compute beside the event loop, in a thread that nobody leaves alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

_T = TypeVar("_T")


async def beside(
    threads: Executor | None,
    stop: Callable[[], object],
    compute: Callable[..., _T],
    /,
    *given: object,
) -> _T:
    """What a function returns in a thread; this ends when the thread has ended, never before.

    A thread cannot be cancelled. If this is, `stop` is called, which has to let the thread end
    soon, and who waits goes on holding its turn meanwhile: turns bound what threads hold as well.
    """
    thread = asyncio.get_running_loop().run_in_executor(threads, compute, *given)
    cancelled: asyncio.CancelledError | None = None
    while not thread.done():
        try:
            await asyncio.wait({thread})
        except asyncio.CancelledError as error:
            cancelled = error
            stop()
    try:
        if cancelled is not None:
            thread.exception()  # looked at, so that it is not reported as one that nobody knows of
            raise cancelled
        return thread.result()
    finally:
        # An error knows this function: a circle would keep all that was given until it is found.
        del thread, cancelled, given
