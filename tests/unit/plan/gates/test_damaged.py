"""Copies that lost a part of a stream, and who holds all of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natsctl.model.jetstream import Asset, Store
from natsctl.plan.gates.damaged import Damage, damaged
from natsctl.plan.gates.stores import Copy, lost_parts
from tests.unit.plan.gates.costs import calls
from tests.unit.plan.gates.recorded import Situation, situations
from tests.unit.plan.gates.test_recorded import looks
from tests.unit.plan.gates.world import Toy, World

LOST = Store(40, 61, 100)


def found(world: World) -> tuple[Damage, ...]:
    return damaged(world.names, (world.look(), world.look()))


def stream(world: World, **stores: Store) -> Toy:
    toy = world.stream()
    toy.stores |= {name.replace("_", "-"): store for name, store in stores.items()}
    return toy


@pytest.mark.parametrize(
    "it",
    situations("damaged-replica") + situations("damaged-replica-leads"),
    ids=lambda it: f"{it.version}-{it.name}",
)
def test_the_recorded_ones_are_found(it: Situation) -> None:
    (damage,) = damaged(it.expected, looks(it))
    assert damage.asset == Asset("APP", "S")
    assert damage.full == ("nats-1", "nats-2")
    assert [name for name, _ in damage.less] == ["nats-3"]
    assert damage.leads == (it.name == "damaged-replica-leads")
    assert damage.sure


@pytest.mark.parametrize(
    "it",
    [it for it in situations() if not it.name.startswith(("damaged", "just-restarted"))],
    ids=lambda it: f"{it.version}-{it.name}",
)
def test_nothing_else_that_was_recorded_is_damage(it: Situation) -> None:
    assert damaged(it.expected, looks(it)) == ()


def test_holes_in_between_are_damage_too() -> None:
    world = World()
    stream(world, nats_2=Store(90, 1, 100))
    (damage,) = found(world)
    assert [(name, copy.second.messages) for name, copy in damage.less] == [("nats-2", 90)]


def test_each_may_lack_what_another_has() -> None:
    world = World()
    stream(world, nats_1=Store(90, 1, 100), nats_2=LOST, nats_3=Store(90, 1, 100))
    (damage,) = found(world)
    assert damage.full == ()
    assert damage.leads


def test_it_is_found_without_a_leader() -> None:
    world = World()
    stream(world, nats_3=LOST).leader = ""
    (damage,) = found(world)
    assert (damage.leader, damage.leads) == ("", False)


def test_it_is_found_while_messages_are_written() -> None:
    world = World()
    toy = stream(world, nats_3=LOST)
    first = world.look()
    toy.stores = dict.fromkeys(toy.members, Store(150, 1, 150)) | {"nats-3": Store(90, 61, 150)}
    (damage,) = damaged(world.names, (first, world.look()))
    assert [name for name, _ in damage.less] == ["nats-3"]


def test_one_that_catches_up_or_drops_its_oldest_is_not_damaged() -> None:
    world = World()
    toy = stream(world, nats_3=Store(30, 61, 90))
    assert found(world) == ()
    toy.stores["nats-3"] = LOST
    first = world.look()
    toy.stores = dict.fromkeys(toy.members, Store(90, 61, 150))
    assert damaged(world.names, (first, world.look())) == ()


def test_where_acknowledgements_remove_messages_one_comparison_is_not_enough() -> None:
    world = World()
    stream(world, nats_3=LOST).settles_late = True
    (damage,) = found(world)
    assert not damage.sure


def test_copies_that_agree_are_no_damage() -> None:
    world = World()
    stream(world)
    world.stream("S", consumer="c")
    assert found(world) == ()


@st.composite
def stores(draw: st.DrawFn) -> Store:
    last = draw(st.integers(0, 6))
    return Store(draw(st.integers(0, last)), draw(st.integers(0, 6)), last)


@settings(max_examples=500)
@given(st.dictionaries(st.sampled_from("abcdef"), st.builds(Copy, stores(), stores())))
def test_all_copies_are_compared_at_once_as_each_with_each(copies: dict[str, Copy]) -> None:
    less = (
        name for name in sorted(copies) if any(lacks(copies[name], it) for it in copies.values())
    )
    assert lost_parts(copies) == [*less]


def lacks(one: Copy, other: Copy) -> bool:
    """Of the same time, a number that stands still in both is larger."""
    begin, other_begin = ({it.first.begin, it.second.begin} for it in (one, other))
    holes, other_holes = ({it.first.deleted, it.second.deleted} for it in (one, other))
    more = (
        len(mine) == len(its) == 1 and min(mine) > min(its)
        for mine, its in ((begin, other_begin), (holes, other_holes))
    )
    return one.second.last >= other.first.last and any(more)


def test_twice_the_copies_cost_twice_as_much() -> None:
    """A stream has five at most, but anybody may say that he has one."""

    def cost(count: int) -> int:
        copies = {f"nats-{n}": Copy(Store(n, 1, n), Store(n, 1, n)) for n in range(count)}
        return calls(lambda: lost_parts(copies))

    assert cost(400) < 2.5 * cost(200)
