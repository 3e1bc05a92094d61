"""Leave to write, which ends: what a client asks for right before it sends anything that changes.

A fence is a context manager around one write. Entering it raises Fenced when nothing may be written
any more; else it tells how long this write may take. It sees how the write ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import attrs

WRITE_TIMEOUT = 4.5
"""Seconds for a write at most."""


@attrs.frozen
class Permit:
    """Leave to send one write. `seconds` it may take; `left` tells how many of them remain.

    What is sent within these seconds, the API server may still be busy with for as long again.
    """

    seconds: float
    left: Callable[[], float]


Fence = Callable[[], AbstractContextManager[Permit | None]]


@contextmanager
def unfenced() -> Iterator[None]:
    """The fence of a client that may always write (the lease itself, commands, tests)."""
    yield
