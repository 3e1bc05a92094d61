"""Control groups of testbeds that begin and end side by side on one machine."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from testbed import cgroups

PARENT = f"natsctl-cgroups-{os.getpid()}"
ROUNDS = 150


def test_the_end_of_one_testbed_never_takes_the_parent_from_the_start_of_another() -> None:
    with ThreadPoolExecutor(2) as pool:
        starts_and_ends = [pool.submit(_begin_and_end, name) for name in ("one", "two")]
    for started_and_ended in starts_and_ends:
        started_and_ended.result()
    assert not cgroups.exists(PARENT)


def _begin_and_end(name: str) -> None:
    group = f"{PARENT}/{name}"
    for _ in range(ROUNDS):
        cgroups.create(group)
        cgroups.create(f"{group}/system")
        cgroups.remove(group)
