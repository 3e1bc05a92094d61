"""Waits for changes of files: with inotify, or by letting time pass where that is exhausted."""

from __future__ import annotations

import errno
import os
import select
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from natsctl.compat import inotify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.ENOMEM, errno.ENOSYS)


class Watcher:
    """A set of paths, and a way to wait until something happens to one of them.

    The folders are watched, not the files: those are replaced. Polling forgets nothing either,
    because whoever waits looks at the files themselves.
    """

    def __init__(self, say: Callable[[str], None], interval: float, attempts: int) -> None:
        """Poll every `interval` seconds once inotify failed `attempts` times (0: at once)."""
        self._say = say
        self._interval = interval
        self._attempts = attempts
        self._descriptor: int | None = None
        self._names: dict[int, set[str]] = {}

    def __enter__(self) -> Watcher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def cover(self, paths: Iterable[str]) -> bool:
        """Watch these paths and no others; whether a folder is watched that was not before."""
        if self._attempts <= 0:
            return False
        try:
            return self._cover(paths)
        except OSError as error:
            self._attempts -= 1
            self._close()
            self._say(
                f"cannot watch: inotify reports {error.strerror}; "
                f"polling every {self._interval:g} s" + ("" if self._attempts else " from now on")
            )
            return False

    def wait(self, seconds: float) -> None:
        """Return when a path may have changed, at the latest after `seconds`."""
        if self._descriptor is None:
            time.sleep(min(seconds, self._interval))
            return
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._touched(left):
            pass

    def _cover(self, paths: Iterable[str]) -> bool:
        if self._descriptor is None:
            self._descriptor = inotify.open_queue()
        names: dict[int, set[str]] = defaultdict(set)
        for path in paths:
            folder, name = os.path.split(path)
            if (watch := _add(self._descriptor, folder)) is not None:
                names[watch].add(name)
        before, self._names = self._names, names
        for watch in before.keys() - names.keys():
            _remove(self._descriptor, watch)
        return bool(names.keys() - before.keys())

    def _touched(self, seconds: float) -> bool:
        assert self._descriptor is not None
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return True
        events = inotify.events(os.read(self._descriptor, 65536))
        return any(self._concerns(*event) for event in events)

    def _concerns(self, watch: int, name: str) -> bool:
        if watch < 0:
            return True  # events were lost
        names = self._names.get(watch)
        return names is not None and (not name or name in names)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._names = None, {}


def _add(descriptor: int, folder: str) -> int | None:
    """A folder that is not there, or not ours to see, is no reason to give up the others."""
    try:
        return inotify.add_watch(descriptor, folder)
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        return None


def _remove(descriptor: int, watch: int) -> None:
    """The kernel has removed the watch of a folder that is gone."""
    try:
        inotify.remove_watch(descriptor, watch)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
