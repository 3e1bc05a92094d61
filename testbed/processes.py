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
        """Whether any thread still runs: a killed program keeps its ports until the last one ends.

        Its first thread may be a zombie before the others have ended.
        """
        try:
            fields = _fields(Path(f"/proc/{self.pid}/stat").read_text())
            state, threads, started = fields[0], int(fields[17]), int(fields[19])
        except (OSError, ValueError, IndexError):
            return False
        return started == self.started and (state != "Z" or threads > 1)


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
        started = int(_fields(text)[19])
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


def _fields(stat: str) -> list[str]:
    """/proc/PID/stat from field 3 on; field 2 may hold blanks and is closed by a bracket."""
    return stat.rpartition(")")[2].split()


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
