"""Locks between processes, kept in the cache and released by the kernel when a process dies."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from testbed.layout import cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def held(name: str, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock `name`; `on_wait` is called once if another process has it."""
    folder = cache() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
