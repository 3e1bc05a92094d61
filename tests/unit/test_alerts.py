"""The chart's alerts say what to do, and each is tried; promtool does that in tests/server."""

from __future__ import annotations

import re
from typing import Any

import yaml

from deploy import render

FILE = render.CHART / "files" / "alerts.yaml"
TESTS = sorted((render.ROOT / "tests" / "alerts").glob("*.yaml"))
STATE = re.compile(r'alertstate="(\w+)"')


def alerts() -> dict[str, dict[str, Any]]:
    """By name."""
    groups = yaml.safe_load(FILE.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def tried() -> list[tuple[str, set[str], str]]:
    """Of every test: the alert, which states it is seen in, and its series."""
    return [
        (test["name"], set(STATE.findall(str(test["promql_expr_test"]))), str(test["input_series"]))
        for file in TESTS
        for test in yaml.safe_load(file.read_text())["tests"]
    ]


def test_each_is_tried_both_ways() -> None:
    """It fires for one, and keeps quiet beside it or in a test of its own."""
    assert {alert for alert, states, _ in tried() if "firing" in states} == alerts().keys()
    quiet = {alert for alert, states, series in tried() if "quiet" in series or not states}
    assert quiet == alerts().keys()


def test_each_that_waits_is_seen_waiting() -> None:
    waiting = {name for name, alert in alerts().items() if "for" in alert}
    assert {alert for alert, states, _ in tried() if "pending" in states} == waiting


def test_each_says_what_to_do() -> None:
    for name, alert in alerts().items():
        assert alert["labels"]["severity"] in ("critical", "warning")
        told = alert["annotations"]
        assert told.keys() == {"summary", "description", "runbook_url"}
        assert told["runbook_url"] == f"RUNBOOKS/metrics-and-alerts.md#{name.lower()}"
