"""Texts of strangers are kept once, and never for ever."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from natsctl.model.shared_texts import LATELY, LONGEST, shared, sharing

ROOT = Path(__file__).resolve().parents[3]


def for_ever(_: str) -> int:
    """References of an interned text, as CPython 3.12.0 to 3.12.6 count them."""
    return 2**32 - 1


def invented(number: int) -> str:
    return f"server-{number}-" + "x" * (LONGEST - 16)


def kept_after(sharing_them: Callable[[str], str], count: int) -> int:
    """Bytes that are left of so many texts that nobody uses any more."""
    sharing_them(invented(-1))
    tracemalloc.start()
    try:
        for number in range(count):
            sharing_them(invented(number))
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("of", [shared, sharing(), sharing(for_ever)])
def test_equal_texts_are_one(of: Callable[[str], str]) -> None:
    one, other = invented(1), invented(1)
    assert one is not other
    assert of(one) is of(other)
    assert of(one) == other


@pytest.mark.parametrize("of", [sharing(), sharing(for_ever)])
def test_what_strangers_invent_does_not_stay(of: Callable[[str], str]) -> None:
    assert kept_after(of, 10 * LATELY) < 4 * 2**20


def test_long_ones_do_not_stay_where_some_are_kept() -> None:
    of, long = sharing(for_ever), "x" * (LONGEST + 1)
    assert of(long) is long
    assert kept_after(lambda text: of(text * 9), LATELY) < 2**20


def test_nobody_else_interns() -> None:
    """Elsewhere, nobody would see to it that they go."""
    users = [p for p in ROOT.glob("natsctl/**/*.py") if "sys.intern" in p.read_text()]
    assert [path.name for path in users] == ["shared_texts.py"]


def test_this_build_needs_no_list_of_its_own() -> None:
    if sys.version_info >= (3, 13):
        assert sharing() is sys.intern
