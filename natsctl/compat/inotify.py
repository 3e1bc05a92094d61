"""inotify(7), by the functions of the C library: the standard library has no words for it."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

READ_FROM: Final = "glibc 2.36"

IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE = 0x2, 0x4, 0x8
IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE = 0x40, 0x80, 0x100, 0x200
IN_DELETE_SELF, IN_MOVE_SELF, IN_ONLYDIR = 0x400, 0x800, 0x1000000
CHANGES = (
    IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE
) | (IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
EVENT = struct.Struct("iIII")


def open_queue() -> int:
    """The descriptor of a new queue of events; reading it does not block."""
    return call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)


def add_watch(queue: int, folder: str) -> int:
    """Have changes in a folder, and of the folder itself, come into the queue."""
    return call("inotify_add_watch", queue, os.fsencode(folder), CHANGES)


def remove_watch(queue: int, watch: int) -> None:
    """Have no more events of a watch."""
    call("inotify_rm_watch", queue, watch)


def events(data: bytes) -> Iterator[tuple[int, str]]:
    """Which watch it was and which name in its folder; no name stands for the folder itself."""
    at = 0
    while at < len(data):
        watch, _, _, length = EVENT.unpack_from(data, at)
        at += EVENT.size + length
        yield watch, os.fsdecode(data[at - length : at].rstrip(b"\0"))


def call(name: str, *arguments: int | bytes) -> int:
    """One of the functions; OSError with the kernel's reason, ENOSYS where there is none."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    result = int(function(*arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
