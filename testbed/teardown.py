"""The end of a testbed, whatever state it is in."""

from __future__ import annotations

import shutil
from contextlib import suppress

from testbed import cgroups, node
from testbed.layout import RUN_ROOT, Testbed, cache


def remove(testbed: Testbed) -> bool:
    """Remove all of a testbed; returns whether there was anything.

    All its processes are in its control group. With the last of them the kernel frees
    their namespaces, and with these every mount, link, address and firewall rule.
    """
    existed = cgroups.exists(testbed.cgroup) or testbed.run.exists()
    cgroups.kill(testbed.cgroup)
    cgroups.remove(testbed.cgroup)
    if testbed.run.exists():
        shutil.rmtree(testbed.run)
    with suppress(OSError):
        RUN_ROOT.rmdir()
    if not RUN_ROOT.exists():
        _remove_mount_points()
    return existed


def _remove_mount_points() -> None:
    """Empty folders, if no testbed is left that shows its own there."""
    for path in node.PRIVATE:
        with suppress(OSError):
            path.rmdir()


def keep_logs(testbed: Testbed) -> None:
    """Save the logs of a failed start from its removal, in the cache."""
    kept = cache() / "failed" / testbed.name
    shutil.rmtree(kept, ignore_errors=True)
    if testbed.logs.exists():
        shutil.copytree(testbed.logs, kept)
