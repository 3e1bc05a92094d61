"""A look is shown in a few words, however much it contains."""

from __future__ import annotations

import pytest

from natsctl.model.jetstream import JetStreamReport
from natsctl.model.jetstream_look import Look


def test_of_reports_only_their_number_is_shown() -> None:
    reports = {f"pod-{i}": JetStreamReport(f"c-{i}") for i in range(3)}
    assert repr(Look(1.0, reports)) == "Look(began=1.0, reports=3 servers, runs={})"


def said(heard: float, problem: str = "") -> JetStreamReport:
    return JetStreamReport("c", problem=problem, heard=heard)


@pytest.mark.parametrize(
    ("reports", "ended", "spread"),
    [
        ([], 100.0, 0.0),
        ([said(101.0), said(108.0), said(104.0)], 108.0, 7.0),
        ([said(101.0), said(116.0, "no answer in time")], 116.0, 0.0),
        ([said(0.0), said(103.0)], 103.0, 0.0),
    ],
    ids=["nobody", "one after the other", "one is silent", "one is not timed"],
)
def test_a_look_ends_with_the_last_answer(
    reports: list[JetStreamReport], ended: float, spread: float
) -> None:
    look = Look(100.0, dict(zip("abc", reports, strict=False)))
    assert (look.ended, look.spread) == (ended, spread)
