"""How little memory an answer of /jsz takes while it is read, whatever it says."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress

import attrs
import pytest

from natsctl.nats.jetstream_answers import FEW_VALUES, MAX_VALUES, Jsz, report
from natsctl.nats.pages import LONGEST
from tests.unit.plan.gates.recorded import body, situation


def test_a_few_bytes_do_not_become_millions_of_objects() -> None:
    answers = situation("healthy").answers("nats-1")
    many = body({"account_details": [{"name": "a", "stream_detail": [1] * (2 * MAX_VALUES)}]})
    tracemalloc.start()
    try:
        said = report("nats-1", attrs.evolve(answers, jsz=[many]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "values" in said.problem
    assert peak < 10 * len(many)


def peak_of(part: bytes) -> int:
    """Bytes that reading a part of an answer takes at most, be it refused or not."""
    tracemalloc.start()
    try:
        with suppress(ValueError):
            Jsz().add(part)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_short_parts_take_little_memory() -> None:
    """They are read at the same time."""
    parts = (
        body({"account_details": [{"name": "a", "stream_detail": [1] * count}]})
        for count in (FEW_VALUES, 10 * FEW_VALUES)
    )
    for part in parts:
        assert peak_of(part) < 5 * 2**20


ONE_ACCOUNT = b'{"name":"a","stream_detail":[', b"]}"


@pytest.mark.parametrize(
    ("unit", "within"),
    [
        (b"0", ONE_ACCOUNT),
        (b'{"name":"a"}', ONE_ACCOUNT),
        (b'{"name":"a"}', (b"", b"")),
        (b'{"name":"a","stream_detail":[]}', (b"", b"")),
        (b'ab"', (b"", b"")),
    ],
    ids=["numbers", "streams", "accounts", "accounts with streams", "no texts"],
)
def test_the_longest_part_takes_little_memory(unit: bytes, within: tuple[bytes, bytes]) -> None:
    """Several are read at the same time, and anybody who may write pods may have sent them."""
    values = sum(unit.count(mark) for mark in (b"{", b"[", b",")) + 1
    count = min(LONGEST // (len(unit) + 1), MAX_VALUES // values) - 10
    begin, end = b'{"server_id":"a","now":"b","account_details":[' + within[0], within[1] + b"]}"
    part = begin + b",".join([unit] * count) + end
    assert peak_of(part) < 48 * 2**20
