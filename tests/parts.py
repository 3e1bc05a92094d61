"""Runs tests in parts side by side, each on a testbed of its own if they need one.

`python -m tests.parts N TIER COMMAND...` runs the command N times and puts the tier and the part's
number before each line. The command's pytest finds in NATSCTL_PART which modules are its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

PART = "NATSCTL_PART"
SECONDS = {
    "e2e/test_auth.py": 90,
    "e2e/test_clients.py": 60,
    "e2e/test_dashboards.py": 70,
    "e2e/test_describe.py": 25,
    "e2e/test_gateways.py": 70,
    "e2e/test_high_availability.py": 190,
    "e2e/test_install.py": 340,
    "e2e/test_jetstream.py": 470,
    "e2e/test_network_policy.py": 40,
    "e2e/test_node_tags.py": 115,
    "e2e/test_readme.py": 190,
    "e2e/test_reload.py": 165,
    "e2e/test_roll.py": 170,
    "e2e/test_service_accounts.py": 80,
    "e2e/test_sidecars.py": 130,
    "e2e/test_takeover.py": 150,
    "e2e/test_tls.py": 250,
    "e2e/test_tutorial.py": 140,
    "e2e/test_volume_growth.py": 60,
    "integration/test_faults.py": 200,
    "integration/test_operator.py": 46,
    "integration/test_references.py": 44,
    "server/crashes/test_crashes.py": 130,
    "server/test_fuzz.py": 32,
    "unit/api/test_parse.py": 15,
    "unit/cli/test_words_of_strangers.py": 35,
    "unit/controllers/runtime/test_lease.py": 11,
    "unit/controllers/test_broken_before.py": 50,
    "unit/controllers/test_circular_waits.py": 125,
    "unit/controllers/test_crashes.py": 175,
    "unit/controllers/test_departures.py": 25,
    "unit/controllers/test_fairness.py": 50,
    "unit/controllers/test_hostile_objects.py": 14,
    "unit/controllers/test_jetstream_status.py": 19,
    "unit/controllers/test_watchdog.py": 37,
    "unit/nats/test_jetstream.py": 11,
    "unit/plan/gates/test_invariants.py": 17,
    "unit/plan/test_invariants.py": 29,
    "unit/plan/test_reload_invariants.py": 17,
    "unit/render/objects/test_network_policy.py": 18,
    "unit/render/revision/test_revision.py": 10,
}
"""What modules take whose number of tests says little."""
USUAL = {"e2e": 8.0, "integration": 1.5, "server": 0.1, "unit": 0.04}
"""Seconds of any other test, by the folder."""
FAILURES = re.compile(r"=+ (FAILURES|ERRORS) =+")
"""What pytest prints before the first failure."""
LINES_REPEATED = 100
TESTS = Path(__file__).parent
NO_TESTS = int(pytest.ExitCode.NO_TESTS_COLLECTED)


def deal(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what belongs to this part, if these tests run in parts."""
    if PART not in os.environ:
        return
    mine = own(Counter(map(_module, items)), os.environ[PART])
    config.hook.pytest_deselected(items=[item for item in items if _module(item) not in mine])
    items[:] = [item for item in items if _module(item) in mine]


def _module(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).as_posix()


def own(modules: Mapping[str, int], part: str) -> set[str]:
    """Which of the modules (with their numbers of tests) belong to a part, such as `1/2`.

    The longest are dealt first, each to the part that has the least to do.
    """
    number, _, parts = part.partition("/")
    loads = dict.fromkeys(range(1, int(parts or 1) + 1), 0.0)
    mine = set()
    for seconds, module in sorted(_weights(modules), reverse=True):
        least = min(loads, key=lambda one: (loads[one], one))
        loads[least] += seconds
        mine |= {module} if least == int(number or 1) else set()
    return mine


def _weights(modules: Mapping[str, int]) -> Iterable[tuple[float, str]]:
    for name, tests in modules.items():
        yield SECONDS.get(name, USUAL.get(name.partition("/")[0], 1.0) * tests), name


def run(parts: int, tier: str, command: Sequence[str]) -> int:
    """Run all parts to their ends; the worst exit status, of those that had anything to do."""
    name = os.environ.get("NATSCTL_TESTBED") or "natsctl"
    running = [
        subprocess.Popen(
            command,
            env={**os.environ, PART: f"{part}/{parts}", "NATSCTL_TESTBED": f"{name}-{tier}-{part}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for part in range(1, parts + 1)
    ]
    failures: dict[int, list[str]] = {part: [] for part in range(1, parts + 1)}
    tellers = [
        threading.Thread(
            target=_tell, args=(f"{tier} {number}", process.stdout or (), failures[number])
        )
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
        _repeat(tier, failures)


def _tell(part: str, lines: Iterable[str], failures: list[str]) -> None:
    for line in lines:
        print(f"{part}| {line}", end="", flush=True)
        if failures or FAILURES.match(line):
            failures.append(line)


def _repeat(tier: str, failures: Mapping[int, Sequence[str]]) -> None:
    """Print what failed once more: another part that ends later has hidden it by then."""
    for part, lines in failures.items():
        if not lines:
            continue
        print(f"\n== {tier} part {part} FAILED, its last lines once more:", flush=True)
        for line in lines[-LINES_REPEATED:]:
            print(f"{tier} {part}| {line}", end="", flush=True)


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
