"""Start the testbed's processes and know which of them are alive."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import cgroups
from testbed.layout import Testbed, TestbedError
from testbed.progress import tail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# The shell enters the group and leaves its own line of /proc as the record, then becomes the
# program: process id and start time stay what they were, so nothing ever runs unrecorded.
START = 'echo $$ > "$1"; cat /proc/$$/stat > "$2"; shift 2; exec "$@"'


class StartFailed(TestbedError):
    """A part of the testbed ended, or was not ready in time; carries the end of its log."""


@dataclass(frozen=True)
class Process:
    """A process by id and start time (clock ticks since boot), which no other ever shares."""

    pid: int
    started: int

    def alive(self) -> bool:
        try:
            state, started = _state_and_start(Path(f"/proc/{self.pid}/stat").read_text())
        except (OSError, ValueError, IndexError):
            return False
        return started == self.started and state != "Z"


def start(
    testbed: Testbed,
    label: str,
    argv: Sequence[str | Path],
    *,
    group: str,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Start a program in a control group, its output in the log `label`.

    The record `label` is written by the process itself before the program begins.
    """
    procs = cgroups.tracking(group) / "cgroup.procs"
    record = testbed.processes / label
    record.unlink(missing_ok=True)
    shell = ["sh", "-c", START, label, str(procs), str(record), *map(str, argv)]
    output = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    os.posix_spawn(
        "/bin/sh",
        shell,
        environment or {"PATH": os.environ["PATH"]},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log(testbed, label), output, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    wait_until(lambda: recorded(testbed, label) is not None, f"{label} to be started")


def log(testbed: Testbed, label: str) -> Path:
    return testbed.logs / f"{label}.log"


def recorded(testbed: Testbed, label: str) -> Process | None:
    """The process of that label, or None if none was started."""
    record = testbed.processes / label
    try:
        text = record.read_text()
        _, started = _state_and_start(text)
        return Process(int(text.split(maxsplit=1)[0]), started)
    except (OSError, ValueError, IndexError):
        return None


def alive(testbed: Testbed, label: str) -> bool:
    process = recorded(testbed, label)
    return process is not None and process.alive()


def labels(testbed: Testbed) -> list[str]:
    """The labels of all processes that were started."""
    if not testbed.processes.exists():
        return []
    return sorted(record.name for record in testbed.processes.iterdir())


def _state_and_start(stat: str) -> tuple[str, int]:
    """Fields 3 and 22 of /proc/PID/stat; field 2 may hold blanks and is closed by a bracket."""
    fields = stat.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def wait_until(ready: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait for a condition; raise StartFailed if it does not come in time."""
    deadline = time.monotonic() + seconds
    pause = 0.002
    while not ready():
        if time.monotonic() > deadline:
            raise StartFailed(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(pause)
        pause = min(pause * 2, 0.1)


def wait_ready(
    testbed: Testbed, label: str, ready: Callable[[], bool], seconds: float = 60.0
) -> None:
    """Wait until a process is ready; its end, or a delay, raises StartFailed with its log."""

    def ready_or_dead() -> bool:
        if not alive(testbed, label):
            raise StartFailed(f"{label} ended\n{tail(log(testbed, label))}")
        return ready()

    try:
        wait_until(ready_or_dead, f"{label} to be ready", seconds)
    except StartFailed as error:
        if "in vain" not in str(error):
            raise
        raise StartFailed(f"{error}\n{tail(log(testbed, label))}") from None
