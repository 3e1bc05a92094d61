"""The running nats-server, as its pid file and the kernel tell."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# A server writes its pid file right after its start.
STALE_SECONDS = 2.0
# When a process has outlived this, it was the clock that moved and not the pid that is used again.
OLD_SECONDS = 60.0
_LONGEST = 20  # digits of a pid


class NotRunning(Exception):
    """There is no server to signal; str() says why."""


class Process(NamedTuple):
    """One life of a server.

    `ticks` is the kernel's count of its start, which with the pid makes it unique. `started` is
    when it may have begun to read its files, in Unix seconds.
    """

    pid: int
    ticks: int
    started: float

    @property
    def identity(self) -> tuple[int, int]:
        """Equal for the same life only."""
        return self.pid, self.ticks


def find(pid_file: str) -> Process:
    """The process that the pid file names; raises NotRunning."""
    pid, written = _recorded(pid_file)
    if pid == os.getpid():
        raise NotRunning(
            f"{pid_file} contains pid {pid}, which is this process: the pod needs "
            "shareProcessNamespace: true"
        )
    ticks = _start_ticks(pid)
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / TICKS_PER_SECOND
    started = time.time() - age
    if started > written + STALE_SECONDS and age < OLD_SECONDS:
        raise NotRunning(f"{pid_file} is older than the process {pid}: not written by it")
    return Process(pid, ticks, min(started, written))


def _recorded(pid_file: str) -> tuple[int, float]:
    """The pid in the file, and when it was written."""
    try:
        with open(pid_file, encoding="ascii", errors="replace") as file:
            text, written = file.read().strip(), os.fstat(file.fileno()).st_mtime
    except OSError as error:
        raise NotRunning(f"cannot read {pid_file}: {error.strerror}") from error
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST or int(text) == 0:
        raise NotRunning(f"{pid_file} contains no pid")
    return int(text), written


def _start_ticks(pid: int) -> int:
    """When the process started, in clock ticks since the machine did (proc(5), field 22)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            state, *fields = file.read().rpartition(")")[2].split()
    except OSError as error:
        raise NotRunning(f"no process has pid {pid}") from error
    if state in "ZX":
        raise NotRunning(f"process {pid} has ended")
    return int(fields[18])
