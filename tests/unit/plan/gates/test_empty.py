"""Whether a server may start with an empty volume, in recorded situations of real servers."""

from __future__ import annotations

import pytest

from natsctl.plan.gates.empty import may_be_empty
from natsctl.plan.gates.verdict import Verdict, Why
from tests.unit.plan.gates.recorded import Situation, situations
from tests.unit.plan.gates.test_recorded import looks
from tests.unit.plan.gates.world import State, World


def verdict(it: Situation, target: str) -> Verdict:
    return may_be_empty(target, it.expected, looks(it), 3.0)


def dead(it: Situation) -> str:
    (name,) = (name for name, pages in it.pages.items() if pages is None)
    return name


@pytest.mark.parametrize("it", situations("r1-consumer-host-gone"), ids=lambda it: it.version)
def test_one_may_while_the_others_are_full_members(it: Situation) -> None:
    assert verdict(it, dead(it)).ok


@pytest.mark.parametrize("it", situations("wiped-catching-up"), ids=lambda it: it.version)
def test_no_second_one_may_while_the_first_gets_its_data(it: Situation) -> None:
    """It was wiped, and is away from the others for the moment."""
    second = next(name for name in it.expected if name != dead(it))
    assert not verdict(it, second).ok


@pytest.mark.parametrize("it", situations("no-quorum"), ids=lambda it: it.version)
def test_nobody_may_where_the_quorum_is_lost(it: Situation) -> None:
    assert not any(verdict(it, name).ok for name in it.expected)


def test_what_has_two_replicas_needs_no_leader_if_one_of_them_is_the_servers() -> None:
    world = World(states={"nats-2": State.DOWN})
    world.stream("PAIR", members=("nats-2", "nats-3"), leader="")
    both = world.look(), world.look()
    found = may_be_empty("nats-2", world.names, both, world.clock + 1)
    assert found.ok
    assert {block.why for block in found.known} == {Why.NO_LEADER}
    assert not may_be_empty("nats-1", world.names, both, world.clock + 1).ok


def test_a_server_that_answers_is_no_reason_for_a_group_to_have_no_leader() -> None:
    world = World()
    world.stream("PAIR", members=("nats-2", "nats-3"), leader="")
    both = world.look(), world.look()
    assert not may_be_empty("nats-2", world.names, both, world.clock + 1).ok
