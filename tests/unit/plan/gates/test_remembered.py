"""Baselines that survive the process, and rows that nobody should have written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.model.jetstream import MAX_NAME, Asset
from natsctl.plan.gates.remembered import read, written
from natsctl.plan.gates.verdict import MAX_BASELINE, USUAL, Baseline, Block, Why

NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
BLOCKS = st.builds(
    Block,
    st.sampled_from(sorted(USUAL)),
    st.just("") | NAMES,
    st.builds(Asset, NAMES, NAMES, st.just("") | NAMES),
)


@given(st.frozensets(BLOCKS, max_size=10).map(Baseline))
def test_what_was_written_is_read_again(baseline: Baseline) -> None:
    assert read(written(baseline)) == baseline


def test_rows_are_in_order_and_without_what_does_not_apply() -> None:
    blocks = {
        Block(Why.REPLICA, "nats-3", Asset("A", "S")),
        Block(Why.NO_LEADER, asset=Asset("A", "B", "c")),
    }
    assert written(Baseline(frozenset(blocks))) == [
        {"why": "no-leader", "account": "A", "stream": "B", "consumer": "c"},
        {"why": "replica", "server": "nats-3", "account": "A", "stream": "S"},
    ]


def test_names_that_cannot_be_shown_are_left_out() -> None:
    assert written(Baseline(frozenset({Block(Why.MOVING, asset=Asset("A", "\x1b"))}))) == []


@pytest.mark.parametrize(
    "rows",
    [
        None,
        "rows",
        {"why": "replica"},
        [None, 3, "x"],
        [{}],
        [{"why": ["replica"]}],
        [{"why": "nonsense", "stream": "S"}],
        [{"why": "replica", "stream": 3}],
        [{"why": "replica", "stream": "S" * (MAX_NAME + 1)}],
        [{"why": "unreachable", "server": "nats-1"}],
        [{"why": "hosted", "server": "nats-1", "account": "A", "stream": "S"}],
    ],
)
def test_what_natsctl_does_not_write_is_left_out(rows: Any) -> None:
    assert read(rows) == Baseline()


def test_as_many_are_read_as_are_written() -> None:
    rows = [{"why": "replica", "account": "A", "stream": f"s{n}"} for n in range(MAX_BASELINE + 9)]
    assert len(read(rows).blocks) == MAX_BASELINE
