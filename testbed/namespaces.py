"""Namespaces for network and mounts, held by a process and gone with the last process in them.

Nothing of them is visible on the machine: no entry in its mount table, no link, no name.
"""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import build, processes, progress
from testbed.compat import set_namespace
from testbed.layout import Testbed, TestbedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CLONE_NEWNET = 0x40000000
CONTROL_PLANE = "control-plane"


def holder(name: str) -> str:
    """The label of the process that holds the namespaces `name`."""
    return f"{name}-holder"


def create(
    testbed: Testbed,
    name: str,
    binds: Mapping[Path, Path],
    group: str,
    *,
    follows: str | None = None,
) -> None:
    """Make new namespaces in which each target path of `binds` shows another file or folder.

    What is mounted in the namespaces `follows` from then on is seen in these, too.
    """
    pause = build.program("pause")
    mounts_of = ["nsenter", f"--target={_pid(testbed, follows)}", "--mount"] if follows else []
    unshare: list[str | Path] = [
        *mounts_of,
        "unshare",
        "--net",
        "--mount",
        "--propagation",
        "slave" if follows else "private",
        "--",
        pause,
    ]
    processes.start(testbed, holder(name), unshare, group=group)
    pid = _pid(testbed, name)
    program = Path(f"/proc/{pid}/comm")
    processes.wait_ready(testbed, holder(name), lambda: program.read_text().strip() == "pause")
    # Shared again, but among the processes inside only: volumes of pods may need it.
    mounts = [f"mount --bind '{source}' '{target}'" for target, source in binds.items()]
    run(testbed, name, "\n".join([*mounts, "mount --make-rshared /", "ip link set lo up"]))


def entry(testbed: Testbed, name: str) -> list[str]:
    """The beginning of a command line that runs the rest of it in the namespaces."""
    return ["nsenter", f"--target={_pid(testbed, name)}", "--net", "--mount", "--"]


def call(
    testbed: Testbed, name: str, argv: Sequence[str | Path], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command in the namespaces to its end, or to that of this process."""
    command = progress.dying_with_us([*entry(testbed, name), *argv])
    return subprocess.run(command, input=stdin, text=True, capture_output=True, check=False)


def run(testbed: Testbed, name: str, script: str) -> None:
    """Run a shell script in the namespaces; raises TestbedError with what failed."""
    done = call(testbed, name, ["sh", "-eu"], script)
    if done.returncode:
        raise TestbedError(f"in {name}: {done.stderr.strip()}\n{script}")


def start(testbed: Testbed, name: str, label: str, argv: Sequence[str | Path], group: str) -> None:
    """Start a program inside of the namespaces."""
    processes.start(testbed, label, [*entry(testbed, name), *argv], group=group)


def connect(testbed: Testbed, name: str, address: tuple[str, int], seconds: float) -> socket.socket:
    """A TCP connection made inside of the namespaces, usable outside."""
    with _entered(_pid(testbed, name)):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.settimeout(seconds)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


@contextmanager
def _entered(pid: int) -> Iterator[None]:
    """Move this thread, and only it, into another process's network namespace for a moment."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    away = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        set_namespace(away, CLONE_NEWNET)
        yield
    finally:
        set_namespace(home, CLONE_NEWNET)
        os.close(away)
        os.close(home)


def _pid(testbed: Testbed, name: str) -> int:
    process = processes.recorded(testbed, holder(name))
    if process is None or not process.alive():
        raise TestbedError(
            f"testbed {testbed.name!r} has no running {name}: python3 -m testbed status"
        )
    return process.pid
