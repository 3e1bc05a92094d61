"""docs/conformance.md names every scenario, and tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "conformance.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")]
SCENARIOS = {*map(str, range(1, 27)), *(f"U{i}" for i in range(1, 7)), "H1"}
EXAMPLE = re.compile(r"`(examples/[\w-]+\.yaml)`")
# `tests/a.py::test_b`, `a.py` (in tests/e2e), or `::test_b` in the file named before.
NAMED = re.compile(r"`([\w/]*\.py)?(?:::(test_\w+))?`")


@cache
def functions_of(file: Path) -> frozenset[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = ast.walk(ast.parse(file.read_text()))
    return frozenset(node.name for node in nodes if isinstance(node, functions))


def named(row: str) -> list[tuple[Path, str]]:
    """File and function of every test in a row; no function: the whole file."""
    found, file = [], ""
    for given, function in NAMED.findall(row):
        file = given or file
        found.append((ROOT / (file if "/" in file else f"tests/e2e/{file}"), function))
    return found


def test_every_scenario_has_a_row() -> None:
    numbers = [number.strip() for row in ROWS for number in row.split("|")[1].split(",")]
    assert {number for number in numbers if number in SCENARIOS} == SCENARIOS


@pytest.mark.parametrize("row", [row for row in ROWS if ".py" in row], ids=lambda row: row[:40])
def test_tests_of_a_row_exist(row: str) -> None:
    tests = named(row)
    assert tests, "names a test"
    for file, function in tests:
        assert file.is_file(), file
        assert not function or function in functions_of(file), f"{file}::{function}"


def test_every_scenario_names_a_test() -> None:
    assert [row for row in ROWS if re.match(r"\| [UH]?\d", row) and not named(row)] == []


def test_examples_are_those_there_are() -> None:
    there = {f"examples/{file.name}" for file in (ROOT / "examples").iterdir()}
    assert set(EXAMPLE.findall(PAGE)) == there
