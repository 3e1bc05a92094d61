"""What somebody decided counts for the step that they were told of, and for no other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs
import msgspec
import pytest

from natsctl.plan.gates.verdict import Purpose, Why
from natsctl.plan.overrides import override_value, overrides_of
from natsctl.plan.state import ClusterState
from tests.unit.plan.gates.world import World
from tests.unit.plan.looks import NAMES, Named
from tests.unit.plan.restarts.test_gated import (
    AFTER,
    BEFORE,
    decision,
    process,
    restarted,
    state_of,
)
from tests.unit.plan.world import context, desired

KEY = r"nats\.io/override-([a-z-]+)=(\S+)"


def leaderless() -> World:
    world = Named()
    world.stream("ORDERS", members=world.names, leader="")
    return world


def annotated(
    state: ClusterState, notes: Mapping[str, str], *, generation: int = 1
) -> ClusterState:
    """The same with these overrides, such as `no-leader`."""
    given = {f"nats.io/override-{key}": text for key, text in notes.items()}
    meta = msgspec.structs.replace(state.cluster.metadata, annotations=given, generation=generation)
    return attrs.evolve(state, cluster=msgspec.structs.replace(state.cluster, metadata=meta))


def told(state: ClusterState) -> dict[str, str]:
    """The overrides that messages name, by predicate."""
    return dict(re.findall(KEY, " ".join(decision(state).waiting)))


def following(state: ClusterState) -> ClusterState:
    """Once somebody did what the message says."""
    return annotated(state, told(state))


def test_what_the_message_says_lets_the_server_go() -> None:
    state = state_of(leaderless())
    assert restarted(state) == []
    assert told(state)["no-leader"].startswith("pod-3-0.")
    assert restarted(following(state)) == ["c-3"]


def test_it_is_used_up_by_the_restart() -> None:
    notes = told(state_of(leaderless()))
    renewed = tuple(process(i, AFTER if i == 3 else BEFORE, run=int(i == 3)) for i in range(1, 4))
    again = annotated(state_of(leaderless(), pods=renewed), {"no-leader": notes["no-leader"]})
    assert restarted(again) == []
    assert told(again)["no-leader"].startswith("pod-2-0.")


@pytest.mark.parametrize(
    "spec", [AFTER, AFTER | {"version": "2.14.9"}, AFTER | {"serverTags": ["a:b"]}]
)
def test_it_says_nothing_of_a_spec_that_was_changed_since(spec: dict[str, Any]) -> None:
    """Even if it is the same again: it was reverted, and nobody had to restart for that."""
    note = told(state_of(leaderless()))["no-leader"]
    later = annotated(state_of(leaderless(), spec), {"no-leader": note}, generation=3)
    assert restarted(later) == []


def test_nor_of_other_reasons_to_restart() -> None:
    """Such as certificates, which change without the spec."""
    state = following(state_of(leaderless()))
    goal = desired(AFTER)
    other = attrs.evolve(goal, revision={**goal.revision, "tls.certificates": "other"})
    assert restarted(attrs.evolve(state, desired=other)) == []


def test_nor_of_other_predicates() -> None:
    world = leaderless()
    state = following(state_of(world))
    world.groups[0].leader = NAMES["nats-1"]
    world.groups[0].moving = True
    moving = attrs.evolve(state_of(world), cluster=state.cluster)
    assert restarted(moving) == []


def test_nor_of_what_else_is_done_with_the_server() -> None:
    """Who lets a server restart does not let it lose its volume."""
    found = context(state_of(leaderless()))
    server = found.servers[2]
    values = {override_value(found, server, purpose) for purpose in Purpose}
    assert len(values) == len(Purpose)
    value = override_value(found, server, Purpose.RESTART)
    given = context(annotated(found.state, {"no-leader": value, "quorum": value}))
    assert overrides_of(given, server, Purpose.RESTART) == {Why.NO_LEADER, Why.QUORUM}
    assert overrides_of(given, server, Purpose.REPLACE) == frozenset()
    assert overrides_of(given, found.servers[1], Purpose.RESTART) == frozenset()


@pytest.mark.parametrize("value", ["", "pod-3-0", "pod-3-0.", "*"])
def test_less_than_the_whole_value_is_none(value: str) -> None:
    assert restarted(annotated(state_of(leaderless()), {"no-leader": value})) == []
