"""What the latest looks show to those who watch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs

from natsctl.model.jetstream import Asset, JetStreamReport, Replica, Store
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.quorum import State as Quorum
from natsctl.plan.gates.seen import Seen, seen
from natsctl.plan.gates.verdict import Block, Why
from tests.unit.plan.gates.world import State, World


def shown(world: World, between: Callable[[], None] = lambda: None) -> Seen:
    first = world.look()
    between()
    return seen(world.names, (first, world.look()))


def test_a_cluster_that_is_well() -> None:
    world = World()
    world.stream()
    found = shown(world)
    assert found.quorum.state is Quorum.OK
    assert (found.at, found.blocked, found.count) == (world.clock, (), 0)
    assert (found.damaged, found.off, found.silent) == ((), (), ())
    assert (found.summary.meta_leader, found.summary.groups) == ("nats-1", 1)


def test_a_server_that_was_silent_in_both_looks() -> None:
    found = shown(World(states={"nats-3": State.DOWN}))
    assert found.silent == ("nats-3",)
    assert found.off == ()
    assert found.quorum.must_stay == ("nats-1", "nats-2")
    assert Block(Why.UNREACHABLE, "nats-3") in found.blocked


def test_what_was_so_in_one_look_only_is_not_told() -> None:
    for before, after in ((State.DOWN, State.UP), (State.UP, State.DOWN)):
        world = World(states={"nats-3": before})
        world.stream()
        found = shown(world, partial(world.states.update, {"nats-3": after}))
        assert found.quorum.state is Quorum.OK
        assert (found.blocked, found.silent, found.off) == ((), (), ())


def test_why_a_server_says_nothing_is_told_only_if_it_is_the_same_in_both_looks() -> None:
    def details(first: str, second: str) -> list[str]:
        world = World()
        looks = [
            attrs.evolve(
                look,
                reports={**look.reports, "nats-3": JetStreamReport("nats-3", problem=problem)},
            )
            for look, problem in ((world.look(), first), (world.look(), second))
        ]
        blocked = seen(world.names, (looks[0], looks[1])).blocked
        return [block.detail for block in blocked if block.why is Why.UNREACHABLE]

    assert details("its answer is not UTF-8", "its answer is not UTF-8") == [
        "its answer is not UTF-8"
    ]
    assert details("its answer is not UTF-8", "no answer in time") == [""]


def test_a_server_without_jetstream_is_no_silent_one() -> None:
    found = shown(World(states={"nats-3": State.DISABLED}))
    assert (found.off, found.silent) == (("nats-3",), ())
    assert found.gave_up == ("nats-3",)
    assert shown(World()).gave_up == ()


def test_what_holds_servers_up_is_told_without_its_numbers() -> None:
    world = World()
    world.stream("S").seen["nats-3"] = Replica("nats-3", current=True, active=0.1, lag=900)
    found = shown(world)
    assert found.blocked == (Block(Why.REPLICA, "nats-3", Asset("A", "S")),)
    assert found.blocked[0].detail == ""
    assert found.count == 1


def test_servers_that_answer_too_far_apart_are_told_if_they_always_do() -> None:
    def slow(look: Look, seconds: float) -> Look:
        times = zip(look.reports.items(), (1.0, 2.0, seconds), strict=True)
        told = {name: attrs.evolve(it, heard=look.began + at) for (name, it), at in times}
        return attrs.evolve(look, reports=told)

    world = World()
    first, second = slow(world.look(), 40.0), slow(world.look(), 40.0)
    assert seen(world.names, (first, second)).blocked == (Block(Why.SLOW),)
    assert seen(world.names, (slow(first, 3.0), second)).blocked == ()


def test_more_than_can_be_told_is_counted() -> None:
    world = World()
    for number in range(50):
        world.stream(f"S{number:02}", leader="")
    found = shown(world)
    assert len(found.blocked) < found.count == 50


def test_damage_that_one_comparison_is_enough_for() -> None:
    world = World()
    world.stream("SURE").stores["nats-3"] = Store(40, 61, 100)
    late = world.stream("LATE")
    late.stores["nats-3"], late.settles_late = Store(40, 61, 100), True
    found = shown(world)
    assert [it.asset.stream for it in found.damaged] == ["SURE"]


def test_nobody_who_answers() -> None:
    found = shown(World(states=dict.fromkeys(World().names, State.DOWN)))
    assert found.quorum.state is Quorum.UNKNOWN
    assert found.silent == tuple(World().names)


def test_a_server_without_a_cluster_has_no_meta_group() -> None:
    world = World(1)
    alone = [
        Look(it.began, {"nats-1": attrs.evolve(it.reports["nats-1"], meta=None)})
        for it in (world.look(), world.look())
    ]
    found = seen(world.names, (alone[0], alone[1]))
    assert found.blocked == ()


def test_servers_have_the_names_of_their_pods() -> None:
    world = World()
    found = seen(world.names, (world.look(), world.look()), {"nats-1": "c-1"})
    assert (found.pod_of("nats-1"), found.pod_of("nats-2")) == ("c-1", "nats-2")
