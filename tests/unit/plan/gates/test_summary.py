"""JetStream in numbers."""

from __future__ import annotations

import attrs
import pytest

from natsctl.model.jetstream import Replica, Store, Usage, Volume
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.summary import Summary, summary
from tests.unit.plan.gates.recorded import VERSIONS, Situation, situation, situations
from tests.unit.plan.gates.test_recorded import looks
from tests.unit.plan.gates.world import State, World


def told(world: World) -> Summary:
    return summary(world.names, (world.look(), world.look()))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorded_cluster_that_is_well(version: str) -> None:
    it = situation("healthy", version)
    found = summary(it.expected, looks(it))
    assert found.meta_leader in it.expected
    assert found.groups == found.healthy > 5
    assert (found.short, found.leaderless, found.behind, found.missing) == (0, 0, 0, 0)
    assert found.file.keys() == found.memory.keys() == set(it.expected)


def test_volumes_are_told_where_somebody_tells() -> None:
    world = World(volumes={"nats-2": Volume(1, 2)})
    assert told(world).volumes == {"nats-2": Volume(1, 2)}
    first = world.look()
    world.volumes = {"nats-3": Volume(3, 4)}
    late = summary(world.names, (first, world.look()))
    assert late.volumes == {"nats-2": Volume(1, 2), "nats-3": Volume(3, 4)}


def test_each_group_counts_once() -> None:
    world = World(5)
    world.stream("well")
    world.stream("well", consumer="c")
    world.stream("nobody", leader="")
    world.stream("short", members=["nats-1", "nats-2"], replicas=3)
    world.stream("moving").moving = True
    world.stream("ill").seen["nats-3"] = Replica("nats-3")
    world.stream("damaged").stores["nats-3"] = Store(40, 61, 100)
    world.stream("behind").stores["nats-3"] = Store(40, 1, 40)
    found = told(world)
    assert (found.groups, found.healthy, found.short, found.leaderless) == (8, 2, 1, 1)
    assert found.behind == 3
    assert found.file["nats-1"] == Usage(10, 100)


def test_replicas_on_a_server_that_is_away_are_behind() -> None:
    world = World(states={"nats-3": State.DOWN})
    world.stream("three")
    world.stream("alone", members=["nats-1"])
    assert told(world).behind == 1


@pytest.mark.parametrize("it", situations("removed-dead"), ids=lambda it: it.version)
def test_a_server_that_the_meta_leader_does_not_list_is_missing(it: Situation) -> None:
    everybody = sorted({*it.expected, "nats-1", "nats-2", "nats-3"})
    assert summary(everybody, looks(it)).missing == 1


def test_without_a_meta_leader_nobody_knows_who_is_missing() -> None:
    assert told(World(meta_leader="")).missing == 0


def test_who_does_not_answer_has_no_numbers() -> None:
    found = told(World(states={"nats-3": State.DOWN}, meta_leader=""))
    assert found.file.keys() == {"nats-1", "nats-2"}
    assert found.meta_leader == ""


def test_without_a_cluster_there_are_no_leaders_to_miss() -> None:
    world = World(1)
    world.stream(members=["nats-1"], leader="")
    alone = [
        Look(it.began, {"nats-1": attrs.evolve(it.reports["nats-1"], meta=None)})
        for it in (world.look(), world.look())
    ]
    found = summary(world.names, (alone[0], alone[1]))
    assert (found.groups, found.healthy, found.leaderless) == (1, 1, 0)
    assert (found.behind, found.missing) == (0, 0)
