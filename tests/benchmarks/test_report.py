"""How figures are read from the operator, and told."""

from __future__ import annotations

import pytest

from benchmarks.process import Metrics
from benchmarks.report import LAST, TARGETS, last_line, lines

SCRAPE = """\
# HELP natsctl_writes_total Writes sent to the API server
# TYPE natsctl_writes_total counter
natsctl_writes_total{kind="Pod",verb="POST"} 3.0
natsctl_writes_total{kind="Pod",verb="DELETE"} 1.0
natsctl_writes_total{kind="Secret",verb="POST"} 1.0
natsctl_writes_created{kind="Pod",verb="POST"} 1.7e+09
natsctl_clusters 1.0
"""


def test_samples_are_added_up_by_label() -> None:
    writes = Metrics(SCRAPE).by("natsctl_writes_total", "kind")
    assert writes == {("Pod",): 4.0, ("Secret",): 1.0}


def test_a_metric_without_labels_has_a_total() -> None:
    assert Metrics(SCRAPE).total("natsctl_clusters") == 1.0


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(1.2, "met"), (1.25, "met"), (1.5, "MISSED by 0.25")]
)
def test_a_figure_is_judged_by_its_target(ratio: float, verdict: str) -> None:
    (line,) = lines({"floor_ratio": ratio, "rounds": 3})
    assert line.endswith(verdict)


def test_the_last_line_has_all_its_figures() -> None:
    assert last_line(dict.fromkeys(LAST, 1.0)) == (
        "BENCH floor_ratio=1 writes_per_cluster=1 converged_requests=1 rss_idle_mb=1 "
        "rss_1000_mb=1 start_s=1 ready3_s=1 replace_s=1 change_beside_slow_s=1"
    )


def test_what_was_not_measured_is_not_made_up() -> None:
    assert "floor_ratio=-" in last_line({})
    assert lines({}) == []


def test_every_figure_of_the_last_line_has_a_line_of_its_own() -> None:
    assert set(LAST) <= {target.key for target in TARGETS}


def test_growth_is_told_for_each_number_of_clusters_and_judged_at_the_most() -> None:
    units = {"looked_at": "s", "start": "cpu_ms", "restarted": "mb", "change": "cpu_ms"}
    figures = {
        f"{key}_{count}_{unit}": 21.0 for key, unit in units.items() for count in (1000, 5000)
    }
    printed = lines(figures)
    assert len(printed) == 8
    assert [line.split()[-1] for line in printed if "target" in line] == ["1", "met"]
    assert "with 5000 clusters" in printed[4]
    assert printed[4].endswith("MISSED by 1")
