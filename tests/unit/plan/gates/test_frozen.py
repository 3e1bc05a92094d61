"""Which copies no longer change because a write failed, and which only are late."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import pytest

from natsctl.model.jetstream import Asset, Health, JetStreamReport, Replica, Store
from natsctl.plan.gates.case import Case, case
from natsctl.plan.gates.frozen import RECOVERED, STILL, frozen, frozen_copies
from natsctl.plan.gates.look import Look
from tests.unit.plan.gates.recorded import Situation, situations
from tests.unit.plan.gates.world import World

S = Asset("A", "S")
LESS = Store(97, 1, 97)


def later(world: World, seconds: float = STILL) -> Look:
    """Ask everybody so long after the last look."""
    world.clock += seconds - 2.0
    return world.look()


def looks(world: World, seconds: float = STILL) -> Case:
    """Two looks at servers that have run for a while."""
    world.clock = max(world.clock, RECOVERED)
    return case("", world.names, (world.look(), later(world, seconds)))


def behind(name: str, leader: str = "nats-1") -> World:
    world = World()
    world.stream(leader=leader).stores[name] = LESS
    return world


def test_copies_that_are_the_same_are_not_frozen() -> None:
    world = World()
    world.stream()
    assert frozen(looks(world)) == {}


def test_a_copy_that_stands_still_behind_its_leader_which_calls_it_current() -> None:
    assert frozen(looks(behind("nats-3"))) == {"nats-3": (S,)}


def test_a_leader_that_stands_still_behind_its_followers() -> None:
    """They apply what it has, so what it lacks it did not write."""
    assert frozen(looks(behind("nats-1"))) == {"nats-1": (S,)}


def test_the_older_look_is_compared_while_messages_are_written() -> None:
    world = World()
    toy = world.stream()
    world.clock = RECOVERED
    toy.stores = dict.fromkeys(world.names, Store(100, 1, 100))
    first = world.look()
    toy.stores = {name: Store(160, 1, 160) for name in world.names} | {"nats-3": Store(100, 1, 100)}
    assert frozen(case("", world.names, (first, later(world)))) == {}
    second = later(world)
    assert frozen(case("", world.names, (second, later(world)))) == {"nats-3": (S,)}


def test_one_that_catches_up_is_late() -> None:
    world = World()
    toy = world.stream()
    world.clock = RECOVERED
    toy.stores["nats-3"] = Store(50, 1, 50)
    first = world.look()
    toy.stores["nats-3"] = Store(80, 1, 80)
    assert frozen(case("", world.names, (first, later(world)))) == {}


def test_one_that_its_leader_calls_bad_is_told_as_that() -> None:
    world = behind("nats-3")
    world.groups[0].seen["nats-3"] = Replica("nats-3", current=False, active=0.1, lag=3)
    it = looks(world)
    assert frozen(it) == {}
    assert frozen_copies(it) == {"nats-3"}


def test_looks_that_are_close_together_only_decide_the_order() -> None:
    it = looks(behind("nats-3"), STILL - 0.1)
    assert frozen(it) == {}
    assert frozen_copies(it) == {"nats-3"}


@pytest.mark.parametrize("seconds", [RECOVERED - 1, RECOVERED])
def test_a_server_that_has_just_started_reads_its_store(seconds: float) -> None:
    world = behind("nats-3")
    world.clock = seconds - 2 - STILL
    it = case("", world.names, (world.look(), later(world)))
    assert bool(frozen(it)) == (seconds >= RECOVERED)


def test_a_server_without_a_clock_is_not_judged() -> None:
    it = looks(behind("nats-3"))
    answered = dict(it.second.answered)
    answered["nats-3"] = attrs.evolve(answered["nats-3"], started="yesterday")
    assert frozen(attrs.evolve(it, second=attrs.evolve(it.second, answered=answered))) == {}


def failing(look: Look, health: Mapping[str, Health]) -> Look:
    told: dict[str, JetStreamReport] = {
        name: attrs.evolve(said, health=health.get(name, said.health))
        for name, said in look.reports.items()
    }
    return attrs.evolve(look, reports=told)


@pytest.mark.parametrize(("asset", "known"), [(S, (S,)), (None, ())])
def test_a_server_that_tells_of_a_failed_write(
    asset: Asset | None, known: tuple[Asset, ...]
) -> None:
    world = World()
    world.stream()
    told = {"nats-2": Health(503, "write error", asset, write_failed=True)}
    first, second = world.look(), world.look()
    both = case("", world.names, (failing(first, told), failing(second, told)))
    assert frozen(both) == {"nats-2": known}
    assert frozen_copies(both) == {"nats-2"}
    assert frozen(case("", world.names, (failing(first, told), second))) == {}


@pytest.mark.parametrize("it", situations(), ids=lambda it: f"{it.version}-{it.name}")
def test_of_the_recorded_situations_none_is_taken_for_it(it: Situation) -> None:
    """The same answers, recorded again after a while: all that is not frozen, or moves."""
    reports = it.reports()
    first, second = Look(0.0, reports), Look(STILL, reports)
    assert frozen(case("", it.expected, (first, second))) == {}
