"""Limits of processor time, by what a known piece of work takes there and then.

By its own clock of processor time, a machine that is shared takes up to seven times as long at one
moment as at another.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

QUIET = 0.01
"""Seconds that the piece of work takes on a machine that does nothing else."""
_TEXT = json.dumps({f"key {number}": ["value"] * 9 for number in range(100)})


def allowed(seconds: float) -> float:
    """What takes so many seconds on a quiet machine may take this long on this one, now."""
    return seconds * max(1.0, *(_piece() / QUIET for _ in range(3)))


def unserved() -> float:
    """Seconds that this thread was ready to run and no processor took it; none where unknown.

    Second figure of schedstat: https://docs.kernel.org/scheduler/sched-stats.html
    """
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def _piece() -> float:
    started = time.thread_time()
    for _ in range(120):
        read = json.loads(_TEXT)
        sum(len(item) for values in read.values() for item in values)
    return time.thread_time() - started


@contextmanager
def without_what_was_before() -> Iterator[None]:
    """A collection of garbage in here leaves alone what the tests before left: it is not ours.

    So do all collections after it: to look through thousands of tests again each time takes long.
    """
    gc.collect()
    gc.freeze()
    yield
