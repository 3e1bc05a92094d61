"""RFC 3339 text becomes a time, and a time text, in one module."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import natsctl
from natsctl.model.times import LONG_AGO, known, moment, precise, written, written_seconds

PACKAGE = Path(natsctl.__file__).parent
NOON = datetime(2026, 1, 2, 12, 0, 5, 678901, UTC)
CONVERSIONS = {"fromisoformat", "isoformat", "strptime", "strftime"}
# The reloader stays small: the module of datetimes alone would be a fifth of it.
APART = {"model/times.py", "sidecar/reloader.py"}


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-02T12:00:05Z", NOON.replace(microsecond=0)),
        ("2026-01-02T12:00:05.678901Z", NOON),
        ("2026-01-02T14:00:05.678901+02:00", NOON),
    ],
)
def test_text_is_read(text: str, time: datetime) -> None:
    assert moment(text) == known(text) == time


@pytest.mark.parametrize(
    "text", [None, "", "yesterday", "2026-13-01T00:00:00Z", "2026-01-02T12:00"]
)
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert moment(text) is None


def test_a_zone_may_be_assumed() -> None:
    assert moment("2026-01-02T12:00:05.678901", UTC) == NOON
    assert moment("2026-01-02T14:00:05.678901+02:00", UTC) == NOON


@given(st.text())
def test_no_text_of_strangers_raises(text: str) -> None:
    assert moment(text) is None or moment(text) is not None
    moment(text, UTC)


def test_times_are_written_in_utc() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=2)))
    assert written(elsewhere) == "2026-01-02T12:00:05Z"
    assert written(NOON, "microseconds") == "2026-01-02T12:00:05.678901Z"
    assert precise(NOON) == "2026-01-02T12:00:05.678+00:00"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, LONG_AGO),
        (1767355205.9, "2026-01-02T12:00:05Z"),
        (1e300, LONG_AGO),
        (float("nan"), LONG_AGO),
    ],
)
def test_seconds_are_written(seconds: float, text: str) -> None:
    assert written_seconds(seconds) == text


def conversions(text: str) -> list[str]:
    names = (node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute))
    return [name for name in names if name in CONVERSIONS]


def test_no_other_module_reads_or_writes_times() -> None:
    found = {
        path: uses
        for file in sorted(PACKAGE.rglob("*.py"))
        if (path := str(file.relative_to(PACKAGE))) not in APART
        and (uses := conversions(file.read_text()))
    }
    assert found == {}


def test_such_a_use_is_noticed() -> None:
    assert conversions("datetime.fromisoformat(text)") == ["fromisoformat"]


def test_the_name_of_a_bound_token_stands_once() -> None:
    found = [
        str(file.relative_to(PACKAGE))
        for file in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and node.value == "-bound-token"
    ]
    assert found == ["model/names.py"]
