"""Who has waited to restart, and since when."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.api.types.status import ClusterStatus, JetStreamStatus, WaitingStatus
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.looks import Named
from tests.unit.plan.restarts.test_gated import AFTER, BEGUN, process, state_of

SINCE = "2026-01-01T00:00:00Z"


def held_up(spec: Any = AFTER, pods: tuple[Any, ...] = (), **changes: Any) -> ClusterState:
    """A cluster that waits for a stream that nobody leads."""
    world = Named()
    world.stream("ORDERS", members=world.names, leader="")
    return state_of(world, spec, pods, **{"timestamp": SINCE, **changes})


def waiting(state: ClusterState) -> WaitingStatus | None:
    found = status(state).jetstream
    return found.waiting if found is not None else None


def since(waits: WaitingStatus | None) -> ClusterStatus:
    return ClusterStatus(jetstream=attrs.evolve(BEGUN, waiting=waits))


def test_it_begins_with_the_first_server_that_waits() -> None:
    assert waiting(held_up()) == WaitingStatus("c-3", SINCE)


def test_nobody_waits_where_one_may_go_or_all_are_renewed() -> None:
    before = since(WaitingStatus("c-3", SINCE))
    assert waiting(state_of(Named(), status=before)) is None
    renewed = tuple(process(index, AFTER) for index in range(1, 4))
    assert waiting(held_up(pods=renewed, status=before)) is None


@pytest.mark.parametrize(
    ("at", "reported"),
    [
        ("00:01:59", 0),
        ("00:02:00", 2),
        ("00:09:59", 2),
        ("00:10:00", 10),
        ("00:59:59", 10),
        ("01:00:00", 60),
        ("23:00:00", 60),
    ],
)
def test_it_is_due_after_some_minutes(at: str, reported: int) -> None:
    state = held_up(status=since(WaitingStatus("c-3", SINCE)), timestamp=f"2026-01-01T{at}Z")
    assert waiting(state) == WaitingStatus("c-3", SINCE, reported)


def test_what_was_reported_is_not_reported_again() -> None:
    before = WaitingStatus("c-3", SINCE, 10)
    state = held_up(status=since(before), timestamp="2026-01-01T00:02:00Z")
    assert waiting(state) == before


def test_while_nothing_is_known_it_goes_on() -> None:
    """And nothing is reported: what it waits for is not known either."""
    before = WaitingStatus("c-3", SINCE)
    later = held_up(status=since(before), timestamp="2026-01-01T00:02:00Z")
    state = attrs.evolve(later, jetstream=())
    assert waiting(state) == before
    assert waiting(attrs.evolve(state, status=since(None))) is None


def test_it_begins_anew_with_another_server_or_without_a_time() -> None:
    later = "2026-01-01T05:00:00Z"
    for before in (WaitingStatus("c-2", SINCE), WaitingStatus("c-3", "a while ago", 60)):
        state = held_up(status=since(before), timestamp=later)
        assert waiting(state) == WaitingStatus("c-3", later)


def test_nobody_waits_while_it_is_paused() -> None:
    before = since(WaitingStatus("c-3", SINCE))
    assert waiting(held_up(AFTER | {"rollout": {"paused": True}}, status=before)) is None
    assert waiting(attrs.evolve(held_up(status=before), paused=True)) is None


def test_while_the_spec_is_not_accepted_it_stays() -> None:
    before = WaitingStatus("c-3", SINCE)
    assert waiting(attrs.evolve(held_up(status=since(before)), desired=None)) == before


def test_there_may_be_no_status_of_jetstream_yet() -> None:
    state = attrs.evolve(held_up(status=ClusterStatus()), seen=None)
    found = status(state).jetstream
    assert found is not None
    assert found.broken_before is not None
    assert attrs.evolve(found, broken_before=None, waiting=None) == JetStreamStatus()
