"""Streams and consumers that a server may not leave."""

from __future__ import annotations

import attrs
import pytest

from natsctl.model.jetstream import (
    Asset,
    Replica,
    Storage,
    Store,
)
from natsctl.plan.gates.gate import may_go
from natsctl.plan.gates.look import HEARD_WITHIN, MOST_LAG
from natsctl.plan.gates.verdict import (
    Note,
    Purpose,
    Remark,
    Verdict,
    Why,
)
from tests.unit.plan.gates.world import State, World, changed, fine, judged

S = Asset("A", "S")


@pytest.mark.parametrize(
    ("seen", "good"),
    [
        (Replica("nats-3", current=True, active=HEARD_WITHIN - 0.1, lag=MOST_LAG), True),
        (Replica("nats-3", current=False), False),
        (Replica("nats-3", current=True, offline=True), False),
        (Replica("nats-3", current=True, active=HEARD_WITHIN), False),
        (Replica("nats-3", current=True, lag=MOST_LAG + 1), False),
        (Replica("nats-3", current=True, pending=True), False),
    ],
)
@pytest.mark.parametrize("consumer", ["", "c"])
def test_what_makes_a_replica_good(seen: Replica, good: bool, consumer: str) -> None:
    world = World()
    world.stream(consumer=consumer).seen["nats-3"] = seen
    verdict = judged(world)
    assert verdict.whys == (set() if good else {Why.REPLICA, Why.QUORUM})
    assert judged(world, "nats-3").ok


WAVERING = Replica("nats-3", current=False, active=0.4, lag=20)


def seen_in(first: Replica, second: Replica) -> Verdict:
    world = World()
    toy = world.stream()
    toy.seen["nats-3"] = first
    before = world.look()
    toy.seen["nats-3"] = second
    return may_go("nats-2", world.names, (before, world.look()), world.clock + 1)


def test_a_replica_that_is_not_current_in_one_of_two_looks_is_good() -> None:
    """2.9 says so of 1 % of all replicas under load."""
    assert seen_in(WAVERING, fine("nats-3")).ok
    assert seen_in(fine("nats-3"), WAVERING).ok
    assert seen_in(WAVERING, WAVERING).whys == {Why.REPLICA, Why.QUORUM}


@pytest.mark.parametrize(
    "seen",
    [
        attrs.evolve(WAVERING, active=0.0),
        attrs.evolve(WAVERING, active=HEARD_WITHIN),
        attrs.evolve(WAVERING, lag=MOST_LAG + 1),
        attrs.evolve(WAVERING, offline=True),
        attrs.evolve(WAVERING, pending=True),
    ],
)
def test_any_other_shortcoming_counts_in_either_look(seen: Replica) -> None:
    assert not seen_in(seen, fine("nats-3")).ok
    assert not seen_in(fine("nats-3"), seen).ok


def test_without_a_leader_in_the_other_look_nobody_called_it_good() -> None:
    world = World()
    toy = world.stream()
    toy.seen["nats-3"] = WAVERING
    first = world.look()
    toy.leader = ""
    verdict = may_go("nats-2", world.names, (first, world.look()), world.clock + 1)
    assert verdict.whys == {Why.NO_LEADER, Why.REPLICA, Why.QUORUM}


def test_one_that_does_not_say_that_it_holds_it_does_not_waver() -> None:
    world = World()
    toy = world.stream()
    toy.seen["nats-3"], toy.away = WAVERING, {"nats-3"}
    first = world.look()
    toy.seen, toy.away = {}, set()
    verdict = may_go("nats-2", world.names, (first, world.look()), world.clock + 1)
    assert verdict.whys == {Why.REPLICA, Why.QUORUM}


def test_what_followers_list_says_nothing() -> None:
    world = World()
    world.stream(leader="nats-2")  # nats-1 and nats-3 list placeholders
    assert judged(world, "nats-1").ok


def test_of_five_replicas_a_bad_one_blocks_without_a_loss_of_quorum() -> None:
    world = World(5)
    world.stream(members=world.names).seen["nats-5"] = Replica("nats-5")
    assert judged(world).whys == {Why.REPLICA}


def test_a_replica_has_to_say_itself_that_it_holds_it() -> None:
    world = World()
    world.stream()
    verdict = changed(world, "nats-3", groups={})
    assert verdict.whys == {Why.REPLICA, Why.QUORUM}
    assert "nats-3 does not say that it holds it" in verdict.blocks[1].detail


def test_a_ghost_among_the_members_is_not_good() -> None:
    world = World()
    toy = world.stream(members=["nats-1", "nats-3", "nats-9"])
    toy.seen["nats-9"] = fine("nats-9")
    (block,) = judged(world).blocks
    assert (block.why, block.server) == (Why.REPLICA, "nats-9")


def test_every_group_has_one_leader() -> None:
    world = World()
    toy = world.stream(leader="")
    (block,) = judged(world).blocks
    assert (block.why, block.asset) == (Why.NO_LEADER, S)
    toy.leader = "nats-1"
    assert changed(world, "nats-3", groups=led_by(world, "nats-3")).whys == {Why.TWO_LEADERS}


def led_by(world: World, name: str) -> object:
    (toy,) = world.groups
    toy.leader, before = name, toy.leader
    groups = world.report(name).groups
    toy.leader = before
    return groups


def test_a_single_replica_may_be_without_a_leader_on_the_target_only() -> None:
    world = World()
    world.stream(members=["nats-2"], leader="")
    assert judged(world).ok
    assert judged(world, "nats-3").whys == {Why.NO_LEADER}


def test_a_group_that_gets_other_members_blocks() -> None:
    world = World()
    toy = world.stream(members=["nats-1"])
    toy.moving = True
    assert judged(world).whys == {Why.MOVING}
    toy.moving, toy.members = False, ["nats-1", "nats-3"]
    assert judged(world).whys == {Why.MOVING}


def test_a_short_group_blocks_its_members_and_is_told_to_others() -> None:
    world = World()
    world.stream(members=["nats-1", "nats-2"], replicas=3)
    assert judged(world).whys == {Why.QUORUM, Why.SHORT}
    verdict = judged(world, "nats-3")
    assert verdict.ok
    assert verdict.notes == (Note(Remark.SHORT, S),)


def test_a_short_group_blocks_everybody_who_never_comes_back() -> None:
    """What a server has beside its leader's list, nobody else tells of."""
    world = World()
    world.stream("S", members=["nats-1", "nats-2"], replicas=3)
    verdict = judged(world, "nats-3", purpose=Purpose.REMOVE)
    assert (verdict.whys, verdict.notes) == (frozenset({Why.SHORT}), ())


def test_one_of_two_replicas_may_go_if_the_other_is_good() -> None:
    world = World()
    toy = world.stream(members=["nats-1", "nats-2"])
    verdict = judged(world)
    assert verdict.ok
    assert verdict.notes == (Note(Remark.TWO_COPIES, S),)
    toy.seen["nats-2"] = Replica("nats-2")
    assert judged(world, "nats-1").whys == {Why.REPLICA}


# --- what only the target has


@pytest.mark.parametrize("purpose", list(Purpose))
def test_messages_in_the_memory_of_the_target_alone_are_not_lost(purpose: Purpose) -> None:
    world = World()
    world.stream(members=["nats-2"], storage=Storage.MEMORY)
    world.stream("empty", members=["nats-2"], storage=Storage.MEMORY, store=Store(0, 0, 0))
    world.stream("shared", storage=Storage.MEMORY)
    world.stream("file", members=["nats-2"])
    verdict = judged(world, purpose=purpose, overrides=["hosted"])
    (block,) = verdict.blocks
    assert (block.why, block.asset, block.detail) == (Why.MEMORY, S, "100 messages")
    assert judged(world, purpose=purpose, overrides=["memory", "hosted"]).ok


def test_a_volume_is_emptied_once_nothing_is_on_it_alone() -> None:
    world = World()
    world.stream("alone", members=["nats-2"])
    world.stream("S", members=["nats-2"], consumer="eph")
    world.stream("two", members=["nats-1", "nats-2"])
    world.stream("three")
    (block,) = judged(world, purpose=Purpose.REPLACE).blocks
    assert (block.why, block.asset) == (Why.HOSTED, Asset("A", "alone"))


def test_a_server_is_removed_once_it_holds_nothing() -> None:
    world = World()
    assert judged(world, purpose=Purpose.REMOVE).ok
    world.stream("S", consumer="c")
    assert judged(world, purpose=Purpose.REMOVE).whys == {Why.HOSTED}


@pytest.mark.parametrize("state", [State.DOWN, State.DISABLED])
@pytest.mark.parametrize("purpose", [Purpose.REMOVE, Purpose.REPLACE])
def test_what_a_silent_server_holds_alone_is_not_known(state: State, purpose: Purpose) -> None:
    (block,) = judged(World(states={"nats-2": state}), purpose=purpose).blocks
    assert (block.why, block.detail) == (Why.HOSTED, "it does not say what it holds")
