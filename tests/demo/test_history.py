"""What the demo concludes from a list of watch events."""

from __future__ import annotations

from typing import Any

import pytest

from demo.history import Sighting, gone, most_down, sighting, uids

NAMES = ("a-1", "a-2")


def seen(at: float, type_: str, name: str, uid: str, *, serving: bool = False) -> Sighting:
    return Sighting(at, type_, name, uid, serving)


def pod(**changes: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": changes.pop("ready", "True")}]
    metadata = {"name": "a-1", "uid": "u", **changes}
    return {"metadata": metadata, "status": {"conditions": conditions}}


@pytest.fixture
def both_serve() -> list[Sighting]:
    return [seen(0, "ADDED", name, "old", serving=True) for name in NAMES]


def test_a_ready_pod_serves() -> None:
    assert sighting(1.5, "MODIFIED", pod()) == seen(1.5, "MODIFIED", "a-1", "u", serving=True)


@pytest.mark.parametrize(
    ("type_", "item"),
    [
        ("MODIFIED", pod(ready="False")),
        ("MODIFIED", pod(deletionTimestamp="2026-01-01T00:00:00Z")),
        ("DELETED", pod()),
        ("ADDED", {"metadata": {"name": "a-1", "uid": "u"}}),
    ],
    ids=["not ready", "leaving", "deleted", "new"],
)
def test_any_other_pod_does_not(type_: str, item: dict[str, Any]) -> None:
    assert not sighting(0, type_, item).serving


def test_one_after_the_other_is_one_at_a_time(both_serve: list[Sighting]) -> None:
    rolled = [
        seen(1, "MODIFIED", "a-2", "old"),
        seen(2, "DELETED", "a-2", "old"),
        seen(3, "ADDED", "a-2", "new"),
        seen(4, "MODIFIED", "a-2", "new", serving=True),
        seen(5, "MODIFIED", "a-1", "old"),
    ]
    assert len(most_down(both_serve + rolled, NAMES, since=0.5)) == 1


def test_two_down_at_the_same_time_are_found(both_serve: list[Sighting]) -> None:
    overlap = [seen(1, "DELETED", "a-2", "old"), seen(2, "MODIFIED", "a-1", "old")]
    assert most_down(both_serve + overlap, NAMES, since=0.5) == ["a-1", "a-2"]


def test_what_was_before_does_not_count(both_serve: list[Sighting]) -> None:
    assert most_down(both_serve, NAMES, since=0.5) == []


def test_pods_go_in_order(both_serve: list[Sighting]) -> None:
    deleted = [seen(1, "DELETED", "a-2", "old"), seen(2, "DELETED", "a-1", "old")]
    assert gone(both_serve + deleted) == ["a-2", "a-1"]


def test_a_successor_takes_the_name(both_serve: list[Sighting]) -> None:
    replaced = [seen(1, "DELETED", "a-1", "old"), seen(2, "ADDED", "a-1", "new")]
    assert uids(both_serve + replaced) == {"a-1": "new", "a-2": "old"}


def test_a_late_word_of_a_predecessor_does_not_count(both_serve: list[Sighting]) -> None:
    crossed = [seen(1, "ADDED", "a-1", "new"), seen(2, "DELETED", "a-1", "old")]
    assert uids(both_serve + crossed)["a-1"] == "new"
