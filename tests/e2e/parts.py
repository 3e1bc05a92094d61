"""Runs these tests in parts side by side, each on a testbed of its own.

`python -m tests.e2e.parts N COMMAND...` runs the command N times and puts the part's number before
each line. The command's pytest finds in NATSCTL_PART which modules are its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence

import pytest

PART = "NATSCTL_PART"
SECONDS = {
    "test_describe.py": 25,
    "test_high_availability.py": 170,
    "test_install.py": 240,
    "test_readme.py": 200,
    "test_reload.py": 110,
    "test_takeover.py": 140,
    "test_tls.py": 150,
    "test_tutorial.py": 50,
}
"""What modules take whose number of tests says little."""
USUAL = 8
"""Seconds of any other test."""
NO_TESTS = int(pytest.ExitCode.NO_TESTS_COLLECTED)


def own(modules: Mapping[str, int], part: str) -> set[str]:
    """Which of the modules (with their numbers of tests) belong to a part, such as `1/2`.

    The longest are dealt first, each to the part that has the least to do.
    """
    number, _, parts = part.partition("/")
    loads = dict.fromkeys(range(1, int(parts or 1) + 1), 0)
    mine = set()
    for seconds, module in sorted(_weights(modules), reverse=True):
        least = min(loads, key=lambda one: (loads[one], one))
        loads[least] += seconds
        mine |= {module} if least == int(number or 1) else set()
    return mine


def _weights(modules: Mapping[str, int]) -> Iterable[tuple[int, str]]:
    return ((SECONDS.get(name, USUAL * tests), name) for name, tests in modules.items())


def run(parts: int, command: Sequence[str]) -> int:
    """Run all parts to their ends; the worst exit status, of those that had anything to do."""
    name = os.environ.get("NATSCTL_TESTBED") or "natsctl"
    running = [
        subprocess.Popen(
            command,
            env={**os.environ, PART: f"{part}/{parts}", "NATSCTL_TESTBED": f"{name}-e2e-{part}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for part in range(1, parts + 1)
    ]
    tellers = [
        threading.Thread(target=_tell, args=(number, process.stdout or ()))
        for number, process in enumerate(running, 1)
    ]
    for teller in tellers:
        teller.start()
    try:
        ends = {abs(process.wait()) for process in running}
        return max(ends - {NO_TESTS}, default=NO_TESTS)
    finally:
        for teller in tellers:
            teller.join()


def _tell(part: int, lines: Iterable[str]) -> None:
    for line in lines:
        print(f"{part}| {line}", end="", flush=True)


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), sys.argv[2:]))
