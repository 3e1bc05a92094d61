"""Servers that store streams are looked at, and no others."""

from __future__ import annotations

import attrs

from natsctl.plan.queries import JetStreamLook
from natsctl.plan.rules.jetstream import NEW, OFTEN, look_at_streams
from natsctl.plan.state import ClusterState
from natsctl.plan.status.jetstream import SHORT
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
