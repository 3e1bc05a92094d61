"""What a step rests on counts for ten seconds, and while servers are as they were judged."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.model.objects import Pod
from natsctl.plan.evidence import evidence_of
from tests.unit.plan.world import pod, terminating

SPEC = {"size": 3, "version": "2.14.10", "jetstream": {}}
SEEN = 100.0
CHANGED = "a server has changed since the servers were asked"


def server(index: int, **changes: Any) -> Pod:
    container = {"name": "nats", "restartCount": 0, "state": {"running": {}}} | changes
    return pod(index, SPEC, ready=changes.get("ready", True), containerStatuses=[container])


def servers() -> list[Pod]:
    return [server(index) for index in (1, 2, 3)]


@pytest.mark.parametrize("age", [0.0, 9.9, 10.0])
def test_it_counts_while_it_is_fresh_and_nothing_changed(age: float) -> None:
    assert evidence_of(servers(), SEEN).objection(servers(), SEEN + age) == ""


@pytest.mark.parametrize("age", [10.1, 600.0, -0.1, float("nan")])
def test_answers_that_are_old_or_of_no_known_time_count_no_more(age: float) -> None:
    said = evidence_of(servers(), SEEN).objection(servers(), SEEN + age)
    assert said == "the answers of the servers are older than 10 seconds"


LATER: dict[str, list[Pod]] = {
    "gone": servers()[:2],
    "another pod": [*servers()[:2], pod(3, SPEC, run=1)],
    "restarted": [*servers()[:2], server(3, restartCount=1)],
    "not ready": [*servers()[:2], server(3, ready=False)],
    "asked to go": [*servers()[:2], terminating(server(3))],
}


@pytest.mark.parametrize("later", LATER.values(), ids=LATER)
def test_a_server_that_changed_ends_it(later: list[Pod]) -> None:
    assert evidence_of(servers(), SEEN).objection(later, SEEN + 1) == CHANGED


def test_who_was_not_judged_does_not_matter() -> None:
    """As of several servers that hold nothing up and go together."""
    it = evidence_of([server(3)], SEEN)
    assert it.objection([terminating(server(2)), server(3)], SEEN + 1) == ""


def test_where_all_pods_were_counted_one_that_came_ends_it() -> None:
    """As of a name that nobody had, and that is to be taken out of the meta group."""
    it = evidence_of(servers(), SEEN, [*servers(), server(4)])
    assert it.objection([*servers(), server(4)], SEEN + 1) == ""
    assert it.objection(servers(), SEEN + 1) == ""
    assert it.objection([*servers(), server(5)], SEEN + 1) == CHANGED


def test_a_server_that_does_not_run_may_be_replaced_at_any_time_unless_it_runs_by_then() -> None:
    away = server(3, ready=False, state={"waiting": {"reason": "ErrImagePull"}})
    it = evidence_of([away])
    assert it.objection([away], SEEN + 600) == ""
    assert it.objection([server(3, ready=False)], SEEN) == CHANGED
