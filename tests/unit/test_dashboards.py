"""Panels of the dashboards ask for metrics that there are, each in its place."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from natsctl.controllers.cluster.metrics_series import FAMILIES
from tests.dashboards import DASHBOARDS, OF_STREAMS, Panel, panels
from tests.unit.test_metrics_document import counted, shown

METRIC = re.compile(r"\bnatsctl_\w+")
PREFIX = "natsctl_jetstream_"
CLUSTERS = next(path for path in DASHBOARDS if path.stem == "clusters")


def asked(panel: Panel) -> str:
    return " ".join(target["expr"] for target in panel["targets"])


def covered(panel: Panel) -> set[tuple[int, int]]:
    """The places of the grid that a panel takes."""
    x, y, w, h = (panel["gridPos"][side] for side in "xywh")
    return set(itertools.product(range(x, x + w), range(y, y + h)))


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
class TestPanels:
    def test_they_ask_for_metrics_that_there_are(self, dashboard: Path) -> None:
        known = counted() | shown()
        metrics = {m for _, panel in panels(dashboard) for m in METRIC.findall(asked(panel))}
        assert metrics
        assert metrics - known.keys() == set()

    def test_none_lies_on_another(self, dashboard: Path) -> None:
        places = [covered(panel) for _, panel in panels(dashboard)]
        assert sum(map(len, places)) == len(set().union(*places))

    def test_each_has_its_own_number(self, dashboard: Path) -> None:
        rows = [p for p in json.loads(dashboard.read_text())["panels"] if p["type"] == "row"]
        numbers = [p["id"] for p in (*rows, *(panel for _, panel in panels(dashboard)))]
        assert len(numbers) == len(set(numbers))


def test_every_metric_of_jetstream_has_a_panel() -> None:
    text = " ".join(asked(panel) for row, panel in panels(CLUSTERS) if row == OF_STREAMS)
    there = {family.name for family in FAMILIES if family.name.startswith(PREFIX)}
    assert there == set(re.findall(rf"{PREFIX}\w+", text))


def test_where_no_cluster_has_jetstream_its_row_is_closed_and_says_so() -> None:
    """No query of it matches a series of another cluster, so that no number stands there."""
    (row,) = (p for p in json.loads(CLUSTERS.read_text())["panels"] if p["type"] == "row")
    assert (row["title"], row["collapsed"]) == (OF_STREAMS, True)
    for panel in row["panels"]:
        others = [m for m in METRIC.findall(asked(panel)) if not m.startswith(PREFIX)]
        assert not others or 'condition="JetStream"' in asked(panel), panel["title"]
        assert panel["fieldConfig"]["defaults"]["noValue"] == "no cluster with JetStream"


def test_no_other_panel_depends_on_jetstream() -> None:
    outside = [panel for row, panel in panels(CLUSTERS) if row != OF_STREAMS]
    assert not [panel["title"] for panel in outside if PREFIX in asked(panel)]
