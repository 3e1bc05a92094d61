"""What the benchmark sees of a pod on its way to Ready."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.kubelet import MILESTONES, Times

RUNNING: dict[str, Any] = {"state": {"running": {}}}
WAITING: dict[str, Any] = {"state": {"waiting": {}}}


@pytest.mark.parametrize(
    ("spec", "status", "reached"),
    [
        ({}, {}, ["created"]),
        ({"nodeName": "a"}, {}, ["created", "scheduled"]),
        ({"nodeName": "a"}, {"containerStatuses": [RUNNING, WAITING]}, ["created", "scheduled"]),
        (
            {"nodeName": "a"},
            {"containerStatuses": [RUNNING, RUNNING]},
            ["created", "scheduled", "running"],
        ),
    ],
)
def test_a_pod_comes_to_one_milestone_after_the_other(
    spec: dict[str, Any], status: dict[str, Any], reached: list[str]
) -> None:
    pod = {"metadata": {}, "spec": spec, "status": status}
    assert [name for name, holds in MILESTONES.items() if holds(pod)] == reached


def test_the_timeline_has_the_median_of_each_milestone() -> None:
    seen = tuple(dict.fromkeys(MILESTONES, seconds) for seconds in (1.0, 5.0, 2.0))
    assert set(Times((), (), seen).timeline().values()) == {2.0}
