"""What is shown again and again, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest

from natsctl.cli.status.display import CLEAR, END_OF_LINE, END_OF_SCREEN, HOME, Display


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_is_cleared_once_and_then_written_over() -> None:
    terminal = Terminal()
    display = Display(terminal)
    assert display.redraws
    display.redraw("a\nb\n")
    display.redraw("c\n")
    first = f"{CLEAR}{HOME}a{END_OF_LINE}\nb{END_OF_LINE}\n{END_OF_SCREEN}"
    assert terminal.getvalue() == f"{first}{HOME}c{END_OF_LINE}\n{END_OF_SCREEN}"


def test_a_terminal_that_is_too_low_does_not_scroll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "5")
    terminal = Terminal()
    display = Display(terminal)
    display.redraw("1\n2\n3\n4\n5\n6\n")
    shown = terminal.getvalue()
    assert "3" in shown
    assert "(3 more lines)" in shown
    assert shown.count("\n") == 4


def test_elsewhere_only_what_changed_is_added() -> None:
    stream = io.StringIO()
    display = Display(stream)
    assert not display.redraws
    for text, about in (("one\n", "1"), ("one again\n", "1"), ("two\n", "2")):
        display.append(text, about)
    assert stream.getvalue() == "one\ntwo\n"
