"""Others may evict a server only while any one could go."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from natsctl.model.jetstream import Replica, Storage
from natsctl.plan.gates.budget import budget
from natsctl.plan.gates.look import Look
from tests.unit.plan.gates.recorded import VERSIONS, situation
from tests.unit.plan.gates.test_recorded import looks
from tests.unit.plan.gates.world import State, World


def allowed(
    world: World, overrides: Collection[str] = (), candidates: Collection[str] | None = None
) -> int:
    twice = world.look(), world.look()
    return budget(world.names, twice, world.clock + 1, None, overrides, candidates)


def test_a_healthy_cluster_can_lose_any_one_server() -> None:
    world = World()
    world.stream()
    world.stream("one", members=["nats-3"])
    assert allowed(world) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_so_can_a_recorded_one_and_none_that_has_a_server_down(version: str) -> None:
    for name, servers in (("healthy", 1), ("one-down", 0), ("removed-dead-2of2", 0)):
        it = situation(name, version)
        assert budget(it.expected, looks(it), 3.0) == servers


def test_no_server_may_go_while_a_single_one_could_not() -> None:
    world = World(5)
    world.stream(members=["nats-3", "nats-4", "nats-5"]).seen["nats-5"] = Replica("nats-5")
    assert allowed(world) == 0
    assert allowed(World(states={"nats-3": State.DOWN})) == 0


def test_only_those_count_that_anybody_may_want_to_evict() -> None:
    world = World()
    world.stream(members=["nats-2"], storage=Storage.MEMORY)
    assert allowed(world) == 0
    assert allowed(world, candidates=["nats-1"]) == 1
    assert allowed(world, overrides=["memory"]) == 1


def test_looks_that_are_too_old_allow_nothing() -> None:
    world = World()
    twice: tuple[Look, Look] = world.look(), world.look()
    assert budget(world.names, twice, world.clock + 60) == 0
