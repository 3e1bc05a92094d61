"""Who goes first, who goes last, and who goes together."""

from __future__ import annotations

import attrs

from natsctl.model.jetstream import Health, Store
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.order import Candidate, Order, Step, order
from natsctl.plan.gates.verdict import Purpose
from tests.unit.plan.gates.recorded import situation
from tests.unit.plan.gates.world import State, World


def ordered(world: World, *candidates: Candidate) -> Order:
    looks = world.look(), world.look()
    return order(candidates or [Candidate(name) for name in world.names], world.names, looks)


def names(found: Order) -> list[str]:
    return [name for step in found.steps for name in step.servers]


def test_the_given_order_is_kept_and_the_meta_leader_is_last_after_it_steps_down() -> None:
    found = ordered(World())
    assert found.steps == (
        Step(("nats-2",)),
        Step(("nats-3",)),
        Step(("nats-1",), step_down=True),
    )


def test_servers_that_are_not_ready_go_first_even_if_one_of_them_leads() -> None:
    found = ordered(
        World(),
        Candidate("nats-3"),
        Candidate("nats-2", ready=False),
        Candidate("nats-1", ready=False),
    )
    assert names(found) == ["nats-2", "nats-1", "nats-3"]
    assert found.steps[1].step_down


def test_servers_whose_jetstream_is_off_go_together_without_a_gate_once_they_have_room() -> None:
    world = World(5, states=dict.fromkeys(("nats-2", "nats-4", "nats-5"), State.DISABLED))
    found = ordered(world, *(Candidate(name, room=name != "nats-4") for name in world.names))
    assert found.steps[0] == Step(("nats-2", "nats-5"), gated=False)
    assert all(step.gated for step in found.steps[1:])
    assert found.without_room == ("nats-4",)
    assert names(found) == ["nats-2", "nats-5", "nats-3", "nats-1"]


def test_a_server_without_jetstream_in_its_configuration_did_not_give_it_up() -> None:
    world = World(states={"nats-2": State.DISABLED})
    well = Health(200)
    first, second = (
        Look(it.began, {n: attrs.evolve(said, health=well) for n, said in it.reports.items()})
        for it in (world.look(), world.look())
    )
    found = order([Candidate("nats-2")], world.names, (first, second))
    assert found.steps == (Step(("nats-2",)),)


def test_a_server_that_does_not_run_waits_for_nobody() -> None:
    """Two of three started with a bad spec, and the meta group has no leader."""
    down = dict.fromkeys(("nats-1", "nats-2"), State.DOWN)
    world = World(states=down, meta_leader="")
    found = ordered(
        world,
        Candidate("nats-3"),
        Candidate("nats-1", ready=False, running=False),
        Candidate("nats-2", ready=False, running=True),
    )
    assert found.steps == (
        Step(("nats-1",), gated=False),
        Step(("nats-2",)),
        Step(("nats-3",)),
    )


def test_below_2_10_each_of_them_gets_an_empty_volume_through_the_gate() -> None:
    it = situation("jetstream-disabled", "2.9.25")
    looks = Look(0, it.reports()), Look(2, it.reports())
    candidates = [Candidate("nats-1"), Candidate("nats-2")]
    found = order(candidates, it.expected, looks)
    assert found.steps[0] == Step(("nats-2",), gated=True, purpose=Purpose.REPLACE)
    full = order([Candidate("nats-2", room=False)], it.expected, looks)
    assert full == Order((), ("nats-2",))


def test_one_look_is_not_enough_to_find_jetstream_off() -> None:
    world = World()
    first = world.look()
    world.states["nats-2"] = State.DISABLED
    found = order([Candidate("nats-2")], world.names, (first, world.look()))
    assert found.steps == (Step(("nats-2",)),)


def test_a_server_with_a_frozen_store_goes_before_others() -> None:
    world = World()
    toy = world.stream(leader="nats-1")
    toy.stores["nats-3"] = Store(97, 1, 97)
    assert names(ordered(world)) == ["nats-3", "nats-2", "nats-1"]


def test_a_store_that_catches_up_is_not_frozen() -> None:
    world = World()
    toy = world.stream(leader="nats-1")
    toy.stores["nats-3"] = Store(50, 1, 50)
    first = world.look()
    toy.stores["nats-3"] = Store(80, 1, 80)
    candidates = [Candidate(name) for name in world.names]
    assert names(order(candidates, world.names, (first, world.look()))) == [
        "nats-2",
        "nats-3",
        "nats-1",
    ]
