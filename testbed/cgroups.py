"""Control groups: they hold every process of a testbed, so that none can escape its end."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.layout import TestbedError

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 20.0
UNIFIED_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids", "hugetlb")


def hierarchies() -> list[Path]:
    """The mount points of all hierarchies, version 1 and 2; the tracking one comes first."""
    mounts = [line.split()[:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    found = {Path(path) for _, path, kind in mounts if kind in ("cgroup", "cgroup2")}
    if not found:
        raise TestbedError("this machine has no control groups mounted")
    return sorted(found, key=lambda path: (path.name != "pids", str(path)))


def create(group: str) -> None:
    """Create a group in every hierarchy, usable by processes at once."""
    for hierarchy in hierarchies():
        with _tree_held(hierarchy):
            _create_below(hierarchy, group)


def _create_below(hierarchy: Path, group: str) -> None:
    folder = hierarchy
    for part in Path(group).parts:
        _delegate(folder)
        folder = folder / part
        folder.mkdir(exist_ok=True)
        _inherit_cpuset(folder)


@contextmanager
def _tree_held(hierarchy: Path) -> Iterator[None]:
    """Hold the tree of a hierarchy against the other testbeds of this machine.

    They share the parent of their groups: the last one removes it, which must not happen
    between the making of the parent and of the group below. The mount point is the lock,
    since caches, where other locks are kept, may differ between two testbeds.
    """
    descriptor = os.open(hierarchy, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _delegate(folder: Path) -> None:
    """Version 2 only: let the groups below use the controllers."""
    switch = folder / "cgroup.subtree_control"
    if not switch.exists() or not (folder / "cgroup.controllers").read_text().split():
        return
    for controller in UNIFIED_CONTROLLERS:
        with suppress(OSError):
            switch.write_text(f"+{controller}")


def _inherit_cpuset(folder: Path) -> None:
    """Version 1 only: a cpuset group takes no process before both files are filled."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        if file.exists() and not (folder / "cgroup.controllers").exists():
            file.write_text((folder.parent / name).read_text())


def tracking(group: str) -> Path:
    """The folder of a group in the hierarchy that says which processes belong to it."""
    return hierarchies()[0] / group


def members(group: str) -> set[int]:
    """The ids of all processes in a group and the groups below it."""
    found: set[int] = set()
    for folder in _tree(tracking(group)):
        with suppress(OSError):
            found.update(map(int, (folder / "cgroup.procs").read_text().split()))
    return found


def kill(group: str) -> None:
    """Kill all processes of a group and of the groups below it, and wait for their end."""
    deadline = time.monotonic() + PATIENCE
    while pids := members(group):
        if time.monotonic() > deadline:
            raise TestbedError(f"processes {sorted(pids)} of {group} cannot be killed")
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def remove(group: str) -> None:
    """Remove a group, and all below it, from every hierarchy; all processes must be gone.

    The parent of all testbeds goes with the last of them.
    """
    for hierarchy in hierarchies():
        for folder in reversed(_tree(hierarchy / group)):
            _remove_folder(folder)
        with _tree_held(hierarchy), suppress(OSError):
            (hierarchy / Path(group).parts[0]).rmdir()


def _remove_folder(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while folder.exists():
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            # The kernel lets go of the last process a moment after its end.
            if time.monotonic() > deadline:
                raise TestbedError(f"cannot remove {folder}: {error.strerror}") from None
            time.sleep(0.02)


def exists(group: str) -> bool:
    return any((hierarchy / group).exists() for hierarchy in hierarchies())


def _tree(folder: Path) -> list[Path]:
    """The folder and all below it, parents first."""
    return [Path(path) for path, _, _ in os.walk(folder)]
