"""What is kept of all looks is bounded for the process, and for each namespace."""

from __future__ import annotations

import pytest

from natsctl.nats import allowance
from natsctl.nats.allowance import Allowance

MINE, BESIDE, OTHER = ("ns", "c"), ("ns", "d"), ("other", "c")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "OF_ONE", 100)
    monkeypatch.setattr(allowance, "ALL", 150)


def test_a_namespace_never_takes_all() -> None:
    found = Allowance()
    assert found.take(MINE, 60)
    assert found.take(BESIDE, 40)
    assert not found.take(MINE, 1)
    assert found.take(OTHER, 50)
    assert not found.take(("third", "c"), 1)


def test_what_is_not_taken_is_not_counted() -> None:
    found = Allowance()
    assert not found.take(MINE, 101)
    assert found.take(MINE, 100)
    assert found.kept == {MINE: 100}


def test_what_is_dropped_makes_room() -> None:
    found = Allowance()
    assert found.take(MINE, 100)
    found.note(MINE, 40)
    assert found.take(MINE, 60)
    found.note(MINE, 0)
    assert found.kept == {}
    found.note(MINE, 0)
    assert found.take(BESIDE, 100)


def test_nothing_always_fits() -> None:
    found = Allowance()
    assert found.take(MINE, 100)
    assert found.take(MINE, 0)
