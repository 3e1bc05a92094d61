"""Servers that store streams are looked at, and no others."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.plan.queries import JetStreamLook
from natsctl.plan.rules.jetstream import NEW, OFTEN, look_at_streams
from natsctl.plan.state import ClusterState
from natsctl.plan.status.jetstream import SHORT
from tests.unit.plan.status.test_jetstream import looked, well
from tests.unit.plan.world import context, running

PLAIN = {"size": 3, "version": "2.14.10"}


def asked(state: ClusterState) -> frozenset[object]:
    decision = look_at_streams(context(state))
    assert (decision.actions, decision.waiting, decision.servers) == ((), (), ())
    return frozenset(decision.queries)


def test_servers_without_jetstream_are_not_asked() -> None:
    assert asked(running(PLAIN)) == frozenset()


def test_others_once_a_minute() -> None:
    state = running(PLAIN | {"jetstream": {}})
    assert asked(attrs.evolve(state, quiet=NEW)) == {JetStreamLook()}


def test_and_more_often_after_a_change_until_the_status_tells_what_lasts() -> None:
    state = running(PLAIN | {"jetstream": {}})
    assert asked(attrs.evolve(state, quiet=NEW - 1)) == {JetStreamLook(OFTEN)}
    assert NEW >= SHORT + OFTEN


@pytest.mark.parametrize(("percent", "seconds"), [(88, 60.0), (90, OFTEN), (94, OFTEN), (95, 5.0)])
def test_and_more_often_near_the_limit_at_which_streams_lose_their_leaders(
    percent: int, seconds: float
) -> None:
    state = attrs.evolve(looked(well(), used=percent), quiet=NEW)
    assert asked(state) == {JetStreamLook(seconds)}


@pytest.mark.parametrize("ailment", [{"gave_up": ("c-1",)}, {"frozen": {"c-1": ()}}])
def test_and_more_often_while_a_server_waits_for_room_to_come_back(ailment: Any) -> None:
    """Its disk was full, and only a look shows that there is room."""
    state = attrs.evolve(looked(well()), quiet=NEW)
    assert state.seen is not None
    assert asked(state) == {JetStreamLook()}
    ill = attrs.evolve(state, seen=attrs.evolve(state.seen, **ailment))
    assert asked(ill) == {JetStreamLook(OFTEN)}
