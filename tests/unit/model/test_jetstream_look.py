"""A look is shown in a few words, however much it contains."""

from __future__ import annotations

from natsctl.model.jetstream import JetStreamReport
from natsctl.model.jetstream_look import Look


def test_of_reports_only_their_number_is_shown() -> None:
    reports = {f"pod-{i}": JetStreamReport(f"c-{i}") for i in range(3)}
    assert repr(Look(1.0, reports)) == "Look(began=1.0, reports=3 servers, runs={})"
