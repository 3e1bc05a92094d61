"""What goes on beside a test, in a thread with a loop of its own, and ends with it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager

from tests.e2e.kubectl import until

STARTING, ENDING = 60.0, 60.0
_LOOK = 0.02
Work = Callable[[threading.Event], Coroutine[None, None, None]]


@contextmanager
def background(
    what: str, work: Work, begun: Callable[[], bool], errors: Sequence[Exception]
) -> Iterator[None]:
    """Have `work` go on from when it has begun until the context ends, which sets its event.

    It is cancelled if it goes on for longer than ENDING after that: a thread that waits for servers
    that are gone would keep the whole process from its end. Then, and if it fails, so does the
    context, and shows the last of the errors that `work` met.
    """
    stop, failed = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            asyncio.run(_limited(what, work, stop))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        until(f"{what} begins", lambda: failed or begun(), STARTING)
        yield
    finally:
        stop.set()
        thread.join()
    assert not failed, (failed, errors[-5:])


async def _limited(what: str, work: Work, stop: threading.Event) -> None:
    try:
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
            limiting = group.create_task(_limit(limit, stop))
            await work(stop)
            limiting.cancel()
    except TimeoutError:
        raise TimeoutError(f"{what} goes on {ENDING:g} s after the end") from None


async def _limit(limit: asyncio.Timeout, stop: threading.Event) -> None:
    while not stop.is_set():  # noqa: ASYNC110 - another thread sets it
        await asyncio.sleep(_LOOK)
    limit.reschedule(asyncio.get_running_loop().time() + ENDING)
