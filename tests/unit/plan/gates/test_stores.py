"""When copies of a stream count as the same, while nothing is written and while much is."""

from __future__ import annotations

import pytest

from natsctl.model.jetstream import Asset, Store
from natsctl.plan.gates.gate import may_go
from natsctl.plan.gates.stores import IN_FLIGHT
from natsctl.plan.gates.verdict import Block, Verdict, Why
from tests.unit.plan.gates.world import World

S = Asset("A", "S")
Pair = tuple[Store, Store]


def compared(
    leader: Pair, other: Pair, target: str = "nats-2", mine: Pair | None = None
) -> Verdict:
    """nats-1 leads, nats-3 has the `other` copy; nats-2 has `mine`, or what the leader has."""
    world = World()
    toy = world.stream()
    looks = []
    for which in (0, 1):
        toy.stores = {
            "nats-1": leader[which],
            "nats-2": (mine or leader)[which],
            "nats-3": other[which],
        }
        looks.append(world.look())
    return may_go(target, world.names, (looks[0], looks[1]), world.clock + 1)


def still(store: Store) -> Pair:
    return store, store


FULL = still(Store(100, 1, 100))


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (Store(100, 1, 100), None),
        (Store(99, 1, 99), Why.STORE_BEHIND),
        (Store(40, 61, 100), Why.STORE_DIFFERS),
        (Store(99, 1, 100), Why.STORE_DIFFERS),
        (Store(0, 101, 100), Why.STORE_DIFFERS),
        (Store(0, 0, 0), Why.STORE_BEHIND),
        (Store(101, 1, 101), Why.STORE_DIFFERS),
        (Store(101, 0, 100), Why.STORE_DIFFERS),
    ],
)
def test_where_nothing_is_written_any_difference_counts(other: Store, why: Why | None) -> None:
    verdict = compared(FULL, still(other))
    assert (why in verdict.whys) if why else verdict.ok
    assert {(block.server, block.asset) for block in verdict.blocks} <= {("nats-3", S)}


def test_empty_stores_are_the_same_however_they_are_described() -> None:
    assert compared(still(Store(0, 0, 0)), still(Store(0, 1, 0))).ok
    assert compared(still(Store(0, 0, 50)), still(Store(0, 51, 50))).ok


def test_a_replica_that_catches_up_with_what_was_is_not_behind() -> None:
    leader = Store(1000, 1, 1000), Store(1400, 1, 1400)
    assert compared(leader, (Store(900, 1, 900), Store(1000, 1, 1000))).ok
    behind = compared(leader, (Store(900, 1, 900), Store(999, 1, 999)))
    assert behind.whys == {Why.STORE_BEHIND}


def test_a_hole_counts_while_messages_are_written() -> None:
    """The beginning and what was deleted stand still, so they are compared exactly."""
    leader = Store(1000, 1, 1000), Store(1400, 1, 1400)
    holes = Store(700, 1, 1000), Store(1100, 1, 1400)
    assert compared(leader, holes).whys == {Why.STORE_DIFFERS}
    beginning = Store(990, 11, 1000), Store(1390, 11, 1400)
    assert compared(leader, beginning).whys == {Why.STORE_DIFFERS}


def test_a_stream_that_drops_its_oldest_may_differ_by_what_is_in_flight() -> None:
    leader = Store(10_000, 1, 10_000), Store(10_000, 401, 10_400)
    near = Store(10_000, 1, 10_000), Store(10_000, 351, 10_350)
    assert compared(leader, near).ok
    moved = 2 * 400 + 400
    begin = 401 + moved + IN_FLIGHT
    for first, why in ((begin, set()), (begin + 1, {Why.STORE_DIFFERS})):
        lost = Store(10_001 - first, first, 10_000), Store(10_401 - first, first, 10_400)
        assert compared(leader, lost).whys == why


def test_a_follower_may_be_ahead_of_what_its_leader_said_a_moment_ago() -> None:
    leader = Store(1000, 1, 1000), Store(1400, 1, 1400)
    assert compared(leader, (Store(1010, 1, 1010), Store(1420, 1, 1420))).ok


def test_the_copy_of_the_target_may_lack_something() -> None:
    lacking = still(Store(40, 61, 100))
    assert compared(FULL, FULL, mine=lacking).ok


@pytest.mark.parametrize("more", [Store(101, 1, 101), Store(100, 1, 100)])
def test_the_fullest_copy_does_not_go(more: Store) -> None:
    """The leader and the other follower have lost the same."""
    less = still(Store(40, 61, 100))
    verdict = compared(less, less, mine=still(more))
    assert verdict.blocks == (Block(Why.STORE_DIFFERS, "nats-2", S),)
    assert verdict.blocks[0].detail.startswith("nats-2 has 10")


def test_a_stream_that_began_between_the_looks_has_nothing_to_compare() -> None:
    world = World()
    first = world.look()
    world.stream()
    assert may_go("nats-2", world.names, (first, world.look()), world.clock + 1).ok


def test_without_a_leader_there_is_nothing_to_compare_with() -> None:
    world = World()
    toy = world.stream(leader="")
    toy.stores["nats-3"] = Store(1, 1, 1)
    looks = world.look(), world.look()
    verdict = may_go("nats-2", world.names, looks, world.clock + 1)
    assert verdict.whys == {Why.NO_LEADER}
