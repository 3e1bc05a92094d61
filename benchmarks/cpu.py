"""Processor time of everything that takes part: what a busy machine does not distort."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import cgroups
from testbed.layout import Testbed

if TYPE_CHECKING:
    from collections.abc import Iterable

TICKS = os.sysconf("SC_CLK_TCK")


def seconds(pid: int) -> float:
    """User and system time of one process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def of_all(clients: Iterable[int]) -> float:
    """The same of the whole testbed and of its clients; a process that ended counts no more."""
    testbed = Testbed(os.environ["NATSCTL_TESTBED"])
    total = 0.0
    for pid in {*cgroups.members(testbed.cgroup), *clients}:
        with suppress(OSError):
            total += seconds(pid)
    return total
