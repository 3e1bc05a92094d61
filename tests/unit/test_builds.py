"""No test waits for a build or a download: what is missing fails at once, with what makes it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from testbed import build, debian, layout, progress, stock, toolchain

ROOT = Path(__file__).parents[2]
ADVICE = r"still to be done: run make build \(or: python3 -m testbed prepare\)"
FETCHING = re.compile(r'"(apt-get|pip|npm|go)", "(install|download|build|get|mod)"')


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing was built yet."""
    monkeypatch.setenv("NATSCTL_TESTBED_CACHE", str(tmp_path))


def test_the_whole_suite_runs_without_builds() -> None:
    assert os.environ[progress.NO_BUILDS]


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("program", ["nats-server-2.12.15", "promtool", "kubectl", "nats-operator"])
def test_a_program_that_is_not_there_fails_at_once(program: str) -> None:
    with pytest.raises(layout.TestbedError, match=ADVICE):
        build.program(program)


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("tier", sorted(stock.STOCK))
def test_nothing_of_a_tier_is_made_meanwhile(tier: str) -> None:
    with pytest.raises(layout.TestbedError, match=ADVICE):
        stock.prepare([tier])


@pytest.mark.usefixtures("empty")
def test_a_package_that_is_not_there_fails_at_once() -> None:
    with pytest.raises(layout.TestbedError, match=ADVICE):
        debian.install({"no-such-program": "no-such-package"})


def test_a_go_module_that_is_not_there_is_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOFLAGS", "-modcacherw")
    (tmp_path / "go.mod").write_text("module m\n\nrequire example.test/none v1.0.0\n")
    with pytest.raises(layout.TestbedError, match=ADVICE):
        toolchain.module("example.test/none", tmp_path)


def test_no_test_fetches_or_builds_by_itself() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if FETCHING.search(path.read_text())
    }
    assert found <= {"tests/unit/test_builds.py"}
    assert FETCHING.search('["apt-get", "install"]')


def test_an_unknown_tier_is_named() -> None:
    with pytest.raises(layout.TestbedError, match=r"unknown tier 'e3e'; there are: unit, server"):
        stock.prepare(["e3e"])
