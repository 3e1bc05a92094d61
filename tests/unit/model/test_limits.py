"""What is looked at before anything is parsed."""

from __future__ import annotations

import json
import time
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.model.limits import BYTES, DEPTH, VALUES, Refused, check, load, natural, pruned
from tests.unit.pace import allowed

LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def depth(found: Any) -> int:
    if isinstance(found, dict):
        found = list(found.values())
    return 1 + max(map(depth, found), default=0) if isinstance(found, list) else 0


def cut(found: Any, levels: int) -> Any:
    """What `pruned` leaves, by the book."""
    if isinstance(found, list):
        return [cut(item, levels - 1) for item in found] if levels else None
    if isinstance(found, dict):
        return {key: cut(item, levels - 1) for key, item in found.items()} if levels else None
    return found


class TestLoad:
    @given(JSON)
    def test_json_is_what_it_says(self, value: Any) -> None:
        for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
            assert load(text.encode()) == value

    def test_other_encodings_are_read_as_before(self) -> None:
        for encoding in ("utf-8-sig", "utf-16", "utf-32"):
            assert load('{"ä": 1}'.encode(encoding)) == {"ä": 1}

    @pytest.mark.parametrize(
        ("raw", "words"),
        [
            (nested(DEPTH + 1), "levels deep"),
            (nested(10_000), "levels deep"),
            (b"[" * 10_000, "levels deep"),
            (b'{"a":' * 1000 + b"1", "levels deep"),
            (b"[" + b"1," * VALUES + b"1]", "values"),
            (b"[" + b"[]," * VALUES + b"1]", "values"),
            (b'"' + b"a" * BYTES + b'"', "bytes"),
            (b"1" * 5000, "64 bits"),
            (str(2**63).encode(), "64 bits"),
            (b"1e400", "too large"),
            (b"[NaN]", "has NaN"),
            (b"-Infinity", "has -Infinity"),
            (b'{"a": 1, "b": 2, "a": 1}', 'has the key "a" twice in one object; remove one'),
            (b'[{"b": {"\\u0061": 1, "a": 2}}]', 'has the key "a" twice'),
            (b'"\\ud800"', "an unpaired surrogate"),
            (b'{"\\uDC00": 1}', "an unpaired surrogate"),
        ],
    )
    def test_too_much_is_said_to_be_too_much(self, raw: bytes, words: str) -> None:
        with pytest.raises(Refused, match=words):
            load(raw)

    @pytest.mark.parametrize(
        "raw",
        [b"", b"[", b"]", b"\xff", b'"\\'],
    )
    def test_what_is_no_json_is_a_value_error(self, raw: bytes) -> None:
        with pytest.raises(ValueError, match=r".") as error:
            load(raw)
        assert not isinstance(error.value, Refused)

    def test_what_is_allowed_is_taken(self) -> None:
        assert depth(load(nested(DEPTH))) == DEPTH
        assert load(b'"\\ud83d\\ude00"') == "\U0001f600"
        assert load(str(2**63 - 1).encode()) == 2**63 - 1
        assert load(str(-(2**63)).encode()) == -(2**63)
        assert load(b"1e40") == 1e40

    @given(st.binary(max_size=200) | st.text('[]{},:"\\u1 ', max_size=200).map(str.encode))
    def test_nothing_else_is_raised(self, raw: bytes) -> None:
        try:
            load(raw)
        except ValueError:
            return


class TestCheck:
    @given(JSON)
    def test_only_what_stands_outside_of_texts_counts(self, value: Any) -> None:
        check(json.dumps([value, '[[{{,\\"' * 1000, "\\"]).encode(), values=500)

    @given(JSON, st.integers(0, 3))
    def test_long_texts_do_not_count_wherever_they_begin(self, value: Any, before: int) -> None:
        long = '[,"' * 15_000
        check(b" " * before + json.dumps([value, long, value, long]).encode(), values=500)

    def test_ends_are_no_values(self) -> None:
        check(b"[[],[],1]", values=5)
        with pytest.raises(Refused):
            check(b"[[],[],1]", values=4)

    @given(JSON, st.integers(0, 5))
    def test_depth_is_counted(self, value: Any, more: int) -> None:
        text = json.dumps(value).encode()
        missing = DEPTH - depth(value)
        check(b"[" * missing + text + b"]" * missing)
        missing += 1 + more
        with pytest.raises(Refused):
            check(b"[" * missing + text + b"]" * missing)


class TestPruned:
    @given(JSON, st.integers(0, 6))
    def test_what_is_deeper_is_null(self, value: Any, levels: int) -> None:
        for text in (json.dumps(value), json.dumps(value, separators=(",", ":"))):
            assert json.loads(pruned(text.encode(), levels)) == cut(value, levels)

    def test_after_many_brackets_the_rest_is_left_out(self) -> None:
        raw = json.dumps({"metadata": {"name": "a"}, "spec": [[1, 2]] * 100}).encode()
        assert json.loads(pruned(raw, 9, most=20)) == {"metadata": {"name": "a"}}
        assert pruned(raw, 9, most=1) == b"null"


HOSTILE = {
    "flat": b"[" + b"1," * 750_000 + b"1]",
    "brackets": nested(750_000),
    "objects": b"{" + b'"a":{"b":1},' * 100_000 + b'"c":1}',
    "texts": b"[" + b'"",' * 500_000 + b"1]",
    "backslashes": b'"' + b'\\"' * 750_000 + b'"',
    "an open text": b'["' * 500_000,
    "quotes": b'"' * 1_500_000,
    "short texts": b'"ab",' * 300_000,
    "no texts at all": b'ab"' * 500_000,
    "combs": b"[" + (b"[" * 60 + b"]" * 60 + b",") * 12_000 + b"1]",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_nothing_takes_long(raw: bytes) -> None:
    """By the processor's clock: the loop does nothing else meanwhile."""
    started = time.thread_time()
    with suppress(ValueError):
        load(raw, size=2 * BYTES)
    assert time.thread_time() - started < allowed(0.15)
    started = time.thread_time()
    pruned(raw)
    assert time.thread_time() - started < allowed(0.15)


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_looking_takes_little_memory(raw: bytes) -> None:
    """Of what is never parsed, too: several of these may be looked at at the same time."""
    tracemalloc.start()
    try:
        with suppress(ValueError):
            check(raw, size=2 * BYTES)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(raw)


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), ("9" * 20, 10**20 - 1)], ids=["0", "007", "long"]
)
def test_a_number_of_plain_digits(text: str, number: int) -> None:
    assert natural(text) == number


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", " 1", "1e3", "0x1", "1_0", "\u00b2", "\u0667", "9" * 21, "9" * 5000]
)
def test_what_looks_like_a_number_to_python_alone(text: str) -> None:
    """`isdigit` or `int` takes most of them; one of both raises then."""
    assert natural(text) is None
