"""How the steps of two tracks are told, when they run side by side."""

from __future__ import annotations

import contextlib

import pytest

from demo.teller import DemoFailed, Teller


def test_what_belongs_to_a_step_is_told_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    first = Teller.of(2)
    second = first.beside()
    with first.step("Scale"):
        first.say("$ kubectl scale")
        with second.step("Upgrade"):
            first.say("scaled")
            second.say("upgraded")
    told = [line.strip() for line in capsys.readouterr().out.split("\n")]
    assert [line for line in told if line and "step done" not in line] == [
        "[  0.0 s] 1/2 Upgrade",
        "upgraded",
        "[  0.0 s] 2/2 Scale",
        "$ kubectl scale",
        "scaled",
    ]


def test_a_step_that_fails_is_told_without_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller.of(1)
    with contextlib.suppress(DemoFailed), teller.step("Scale"):
        teller.say("$ kubectl scale")
        raise DemoFailed("it did not")
    assert capsys.readouterr().out == "\n[  0.0 s] 1/1 Scale\n          $ kubectl scale\n"


def test_what_is_awaited_is_told_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.teller.PATIENCE", 0.0)
    teller = Teller.of(1)
    with teller.step("Scale"):
        teller.waiting_for("a-4 to be ready")
        assert capsys.readouterr().out == "... 0 s: Scale: waiting: a-4 to be ready\n"


def test_text_without_a_step_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    Teller.of(1).say("the end")
    assert capsys.readouterr().out == "          the end\n"
