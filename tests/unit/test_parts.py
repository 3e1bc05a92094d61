"""How tests are dealt out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import parts


def test_every_module_belongs_to_one_part() -> None:
    modules = {f"test_{number}.py": number for number in range(20)} | {"e2e/test_install.py": 9}
    dealt = [parts.own(modules, f"{part}/3") for part in (1, 2, 3)]
    assert set().union(*dealt) == set(modules)
    assert sum(map(len, dealt)) == len(modules)


def test_the_parts_take_about_as_long() -> None:
    modules = {f"test_{number}.py": number for number in range(1, 20)}
    loads = [sum(modules[name] for name in parts.own(modules, f"{part}/2")) for part in (1, 2)]
    assert abs(loads[0] - loads[1]) <= 2


def test_one_part_is_everything() -> None:
    assert parts.own({"a": 1, "b": 2}, "1/1") == {"a", "b"}


def run(statuses: dict[str, int]) -> subprocess.CompletedProcess[str]:
    """Parts that say which they are and end with these statuses."""
    script = f"import os, sys; p = os.environ['{parts.PART}']; print(p); sys.exit({statuses}[p])"
    command = [sys.executable, "-m", "tests.parts", "2", "unit", sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_worst_status_counts_and_each_line_tells_its_part() -> None:
    done = run({"1/2": 0, "2/2": 1})
    assert done.returncode == 1
    assert sorted(done.stdout.splitlines()) == ["unit 1| 1/2", "unit 2| 2/2"]


@pytest.mark.parametrize(("first", "status"), [(0, 0), (1, 1), (5, 5)])
def test_a_part_without_a_test_does_not_fail(first: int, status: int) -> None:
    assert run({"1/2": first, "2/2": 5}).returncode == status


def test_failures_are_printed_once_more_when_all_parts_ended() -> None:
    script = (
        f"import os, sys; first = os.environ['{parts.PART}'] == '1/2'\n"
        "print('== FAILURES ==\\nE  why it failed' if first else 'passed'); sys.exit(first)"
    )
    command = [sys.executable, "-m", "tests.parts", "2", "unit", sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2:] == ["unit 1| == FAILURES ==", "unit 1| E  why it failed"]
    assert done.stdout.count("why it failed") == 2
