"""What the status tells of quorums."""

from __future__ import annotations

import attrs
import pytest

from natsctl.model.jetstream import Asset, Replica
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.quorum import Quorum, quorum
from natsctl.plan.gates.quorum import State as Told
from tests.unit.plan.gates.recorded import Situation, situations
from tests.unit.plan.gates.test_recorded import looks
from tests.unit.plan.gates.world import State, World


def told(world: World) -> Quorum:
    return quorum(world.names, (world.look(), world.look()))


RECORDED = {
    "healthy": Told.OK,
    "target-is-meta-leader": Told.OK,
    "damaged-replica": Told.OK,
    "jetstream-disabled": Told.CRITICAL,
    "crashed-12s": Told.CRITICAL,
    "paused-server": Told.CRITICAL,
    "limit-reached": Told.LOST,
    "no-quorum": Told.LOST,
}


@pytest.mark.parametrize(
    "it",
    [it for it in situations() if it.name in RECORDED],
    ids=lambda it: f"{it.version}-{it.name}",
)
def test_recorded_situations(it: Situation) -> None:
    assert quorum(it.expected, looks(it)).state is RECORDED[it.name]


def test_a_healthy_cluster_has_it_without_any_one_server() -> None:
    world = World()
    world.stream()
    assert told(world) == Quorum(Told.OK)


def test_while_one_of_three_is_down_the_others_must_stay() -> None:
    world = World(states={"nats-3": State.DOWN})
    world.stream()
    assert told(world) == Quorum(Told.CRITICAL, ("nats-1", "nats-2"))


def test_a_bad_replica_makes_its_group_critical_only() -> None:
    world = World(5)
    world.stream(members=["nats-1", "nats-2", "nats-5"]).seen["nats-5"] = Replica("nats-5")
    assert told(world) == Quorum(Told.CRITICAL, ("nats-1", "nats-2"))


def test_a_group_without_a_leader_in_both_looks_has_lost_it() -> None:
    world = World()
    toy = world.stream(leader="")
    world.stream("one", members=["nats-1"], leader="")
    assert told(world) == Quorum(Told.LOST, lost=(Asset("A", "S"),))
    first = world.look()
    toy.leader = "nats-2"
    second = world.look()
    assert quorum(world.names, (first, second)).state is Told.OK
    assert quorum(world.names, (second, first)).state is Told.OK


def test_a_group_that_nobody_told_of_before_is_not_lost_yet() -> None:
    world = World()
    first = world.look()
    world.stream(leader="")
    assert quorum(world.names, (first, world.look())).state is Told.OK


def test_a_cluster_without_a_meta_leader_has_lost_it() -> None:
    assert told(World(meta_leader="")) == Quorum(Told.LOST, meta_lost=True)


def test_nobody_who_answers_is_not_known() -> None:
    assert told(World(states=dict.fromkeys(World().names, State.DOWN))) == Quorum(Told.UNKNOWN)


def test_a_server_without_a_cluster_has_none_to_lose() -> None:
    world = World(1)
    world.stream(members=["nats-1"], leader="", replicas=3)
    alone = [
        Look(it.began, {"nats-1": attrs.evolve(it.reports["nats-1"], meta=None)})
        for it in (world.look(), world.look())
    ]
    assert quorum(world.names, (alone[0], alone[1])) == Quorum(Told.OK)
