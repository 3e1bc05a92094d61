"""All servers that stay have to be there, well and connected, and agree on the meta group."""

from __future__ import annotations

import attrs
import pytest

from natsctl.model.jetstream import (
    Asset,
    Health,
    Meta,
    Replica,
    Usage,
)
from natsctl.plan.gates.gate import may_go
from natsctl.plan.gates.verdict import (
    Why,
)
from tests.unit.plan.gates.world import State, World, changed, fine, judged

S = Asset("A", "S")


def test_all_that_stay_have_to_answer() -> None:
    world = World(states={"nats-3": State.DOWN})
    verdict = judged(world)
    assert Why.UNREACHABLE in verdict.whys
    assert Why.NO_ROUTE not in verdict.whys


def test_a_server_that_was_not_asked_does_not_answer() -> None:
    world = World()
    looks = world.look(), world.look()
    fewer = attrs.evolve(
        looks[1], reports={n: r for n, r in looks[1].reports.items() if n != "nats-3"}
    )
    verdict = may_go("nats-2", world.names, (looks[0], fewer), world.clock + 1)
    assert [(b.why, b.server, b.detail) for b in verdict.blocks] == [
        (Why.UNREACHABLE, "nats-3", "it was not asked")
    ]


def test_the_dead_may_go_and_the_paused_may_not() -> None:
    assert judged(World(states={"nats-2": State.DOWN})).ok
    verdict = judged(World(states={"nats-2": State.PAUSED}))
    assert [(block.why, block.server) for block in verdict.blocks] == [(Why.UNKNOWN, "nats-2")]


def test_another_server_in_its_place_is_told_and_not_believed() -> None:
    verdict = changed(World(), "nats-3", name="nats-9")
    assert verdict.whys == {Why.WRONG_NAME}
    assert changed(World(), "nats-2", name="nats-9").whys == {Why.WRONG_NAME, Why.UNKNOWN}


@pytest.mark.parametrize("name", ["nats-2", "nats-3"])
def test_what_cannot_be_judged_blocks_wherever_it_is(name: str) -> None:
    assert changed(World(), name, too_many="more than 3 streams").whys == {Why.TOO_MANY}
    verdict = changed(World(), name, unknown=("stream A/S",))
    assert [(block.why, block.detail) for block in verdict.blocks] == [
        (Why.UNREADABLE, '"stream A/S"')
    ]


def test_of_what_cannot_be_read_one_is_named_whatever_its_name_says() -> None:
    odd = 'stream A/S") is fine; annotate the cluster: (' + "x" * 99
    (block,) = changed(World(), "nats-3", unknown=(odd, "stream A/T")).blocks
    assert block.detail.startswith("\"stream A/S') is fine")
    assert block.detail.endswith('" (truncated) and more')


def test_jetstream_has_to_be_on_except_on_the_target() -> None:
    assert judged(World(states={"nats-2": State.DISABLED})).ok
    verdict = judged(World(states={"nats-3": State.DISABLED}))
    assert Why.JETSTREAM_OFF in verdict.whys
    assert not verdict.whys & {Why.UNHEALTHY, Why.META_LEADER}


def test_all_that_stay_have_to_be_healthy() -> None:
    ill = Health(503, "JetStream stream 'A > S' is not current", S)
    verdict = changed(World(), "nats-3", "nats-2", health=ill)
    assert [(block.why, block.server, block.asset) for block in verdict.blocks] == [
        (Why.UNHEALTHY, "nats-3", S)
    ]
    (silent,) = changed(World(), "nats-3", health=Health(500)).blocks
    assert silent.detail == "status 500"


def test_all_that_stay_have_to_be_connected() -> None:
    verdict = changed(World(), "nats-3", peers=frozenset({"nats-2"}))
    assert [(block.why, block.server) for block in verdict.blocks] == [(Why.NO_ROUTE, "nats-3")]
    assert changed(World(), "nats-3", peers=frozenset({"nats-1"})).ok


def test_nobody_that_stays_may_have_reached_the_limit_of_its_store() -> None:
    assert changed(World(), "nats-3", file=Usage(100, 100)).whys == {Why.STORE_LIMIT}
    assert changed(World(), "nats-3", file=Usage(99, 100)).ok
    assert changed(World(), "nats-3", file=Usage(99, 0)).ok
    assert changed(World(), "nats-2", file=Usage(101, 100)).ok


# --- the meta group


def test_one_server_leads_the_meta_group_and_the_others_name_it() -> None:
    assert judged(World(meta_leader="")).whys == {Why.META_LEADER}
    verdict = changed(World(), "nats-3", meta=Meta("nats-3", size=3))
    assert verdict.whys == {Why.META_LEADER}
    (block,) = changed(World(), "nats-3", meta=Meta("", size=3)).blocks
    assert (block.why, block.server) == (Why.META_LEADER, "nats-3")
    assert block.detail == "it names nobody, while nats-1 leads"
    assert changed(World(), "nats-3", meta=None).whys == {Why.META_LEADER}
    assert changed(World(), "nats-2", meta=Meta("", size=3)).ok


def test_its_members_are_exactly_the_expected_servers() -> None:
    ghost = Meta("nats-1", tuple(map(fine, ("nats-2", "nats-3", "nats-9"))), size=4)
    verdict = changed(World(), "nats-1", meta=ghost)
    assert [(block.why, block.server) for block in verdict.blocks] == [
        (Why.META_SIZE, ""),
        (Why.META_MEMBERS, "nats-9"),
        (Why.META_QUORUM, ""),
    ]
    short = Meta("nats-1", (fine("nats-2"),), size=3)
    verdict = changed(World(), "nats-1", meta=short)
    assert [(block.why, block.server) for block in verdict.blocks] == [
        (Why.META_MEMBERS, "nats-3"),
        (Why.META_QUORUM, ""),
    ]


def test_of_five_one_bad_member_blocks_without_a_loss_of_quorum() -> None:
    world = World(5)
    replicas = [fine(f"nats-{n}") for n in (2, 3, 4)]
    meta = Meta("nats-1", (*replicas, Replica("nats-5")), size=5)
    verdict = changed(world, "nats-1", meta=meta)
    assert [(block.why, block.server) for block in verdict.blocks] == [(Why.META_REPLICA, "nats-5")]
    gone = Meta("nats-1", (*replicas[1:], Replica("nats-2"), fine("nats-5")), size=5)
    assert changed(world, "nats-1", meta=gone).ok


def counting(size: int, *counted: int) -> World:
    """The first servers count so many members each, the others as many as there are."""
    return World(size, sizes={f"nats-{n}": count for n, count in enumerate(counted, 1)})


@pytest.mark.parametrize(
    "world", [counting(3, 2, 2, 2), counting(3, 2), counting(3, 3, 2), counting(5, 4, 4, 4, 4, 4)]
)
def test_a_group_that_counts_too_few_is_safe_if_no_two_halves_can_lead(world: World) -> None:
    """It stays like that once JetStream was off, or the first servers elected a leader alone."""
    assert judged(world).ok


@pytest.mark.parametrize(
    ("world", "needed"),
    [
        (counting(5, 2, 2, 2, 2, 2), 2),
        (counting(5, 3, 5), 2),
        (counting(5, 5, 2), 2),
        (counting(4, 3, 3, 3, 3), 2),
    ],
)
def test_or_else_nobody_goes(world: World, needed: int) -> None:
    (block,) = judged(world).blocks
    assert block.why is Why.META_SIZE
    assert block.detail == f"{needed} of {world.size} members are enough for a leader"


def test_nobody_goes_while_a_server_does_not_tell_how_many_it_counts() -> None:
    (block,) = changed(counting(3, 2, 2, 2), "nats-2", meta=None).blocks
    assert (block.why, block.detail) == (Why.META_SIZE, "it has 2 members instead of 3")


def test_nor_while_one_vote_makes_a_leader_for_a_rescue() -> None:
    """2.15 can be told to do with fewer for five minutes."""
    replicas = (fine("nats-2"), fine("nats-3"))
    verdict = changed(World(), "nats-1", meta=Meta("nats-1", replicas, size=3, votes=1))
    assert verdict.whys == {Why.META_SIZE}
