"""When a server may go, what was so before, and what somebody decided not to wait for."""

from __future__ import annotations

from typing import TypedDict

import attrs
import pytest

from natsctl.model.jetstream import (
    Asset,
    Health,
    Replica,
)
from natsctl.plan.gates.gate import baseline, may_go
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.verdict import (
    MAX_BASELINE,
    MAX_BLOCKS,
    MAX_NOTES,
    Baseline,
    Block,
    Note,
    Remark,
    Verdict,
    Why,
    told,
)
from natsctl.plan.gates.words import text, way_out
from tests.unit.plan.gates.world import State, World, changed, judged

S = Asset("A", "S")


def test_a_healthy_cluster_lets_any_server_go() -> None:
    world = World()
    world.stream()
    world.stream("S", consumer="c")
    assert all(judged(world, name).ok for name in world.names)


# --- looks


def test_looks_are_a_second_apart_and_fresh() -> None:
    world = World()
    first, second = world.look(), world.look()
    now = second.began + 1

    def at(now: float, began: float = second.began) -> Verdict:
        return may_go("nats-2", world.names, (first, attrs.evolve(second, began=began)), now)

    assert at(now).ok
    assert at(second.began + 10).ok
    for verdict in (
        at(now, began=first.began + 0.8),
        at(now, began=first.began - 2),
        at(second.began - 0.1),
        at(second.began + 10.1),
        at(float("nan")),
        may_go("nats-2", world.names, (attrs.evolve(first, began=float("nan")), second), now),
        may_go("nats-2", world.names, (attrs.evolve(first, began=-90), second), now),
    ):
        assert verdict.whys == {Why.LOOKS}


def answered(look: Look, *seconds: float) -> Look:
    """The same if servers answered so long after they were asked."""
    times = zip(look.reports.items(), seconds, strict=True)
    reports = {name: attrs.evolve(it, heard=look.began + after) for (name, it), after in times}
    return attrs.evolve(look, reports=reports)


def test_a_look_that_takes_long_counts_from_its_end() -> None:
    """With thousands of streams, servers answer one after the other."""
    world = World()
    first = answered(world.look(), 14, 15, 29)
    world.clock += 28
    second = answered(world.look(), 14, 15, 29)
    ended = second.began + 29

    def at(now: float) -> Verdict:
        return may_go("nats-2", world.names, (first, second), now)

    assert at(ended).ok
    assert at(ended + 10).ok
    assert at(ended + 10.1).whys == at(ended - 0.1).whys == {Why.LOOKS}


def test_answers_that_come_too_far_apart_are_not_judged_and_nobody_decides_otherwise() -> None:
    world = World()
    first, second = world.look(), answered(world.look(), 1, 2, 32)
    now = second.began + 32
    verdict = may_go("nats-2", world.names, (first, second), now, overrides=["slow"])
    assert verdict.whys == {Why.SLOW}
    assert text(verdict.blocks[0]) == (
        "the first and the last server answer more than 30 seconds apart, so the first answers are "
        "too old when the last ones come: give natsctl and the servers more CPU, or keep fewer "
        "streams"
    )
    assert way_out(verdict, "x") == ""


def test_the_same_look_twice_is_one_look() -> None:
    world = World()
    first = world.look()
    again = attrs.evolve(first, began=first.began + 2)
    verdict = may_go("nats-2", world.names, (first, again), again.began)
    assert {(block.why, block.server) for block in verdict.blocks} == {
        (Why.LOOKS, name) for name in world.names
    }


class Restarted(TypedDict, total=False):
    """What a report tells otherwise once its server was restarted."""

    started: str
    server_id: str
    now: str


@pytest.mark.parametrize("change", [{"started": "later"}, {"server_id": "new"}, {"now": "?"}])
def test_a_server_that_restarts_between_the_looks_is_not_judged(change: Restarted) -> None:
    world = World()
    first, second = world.look(), world.look()
    reports = {**second.reports, "nats-3": attrs.evolve(second.reports["nats-3"], **change)}
    looks = first, attrs.evolve(second, reports=reports)
    verdict = may_go("nats-2", world.names, looks, world.clock + 1)
    assert [(block.why, block.server) for block in verdict.blocks] == [(Why.LOOKS, "nats-3")]


def test_another_look_cannot_be_overridden() -> None:
    world = World()
    look = world.look()
    verdict = may_go("nats-2", world.names, (look, look), 3, overrides=["looks"])
    assert not verdict.ok
    assert verdict.overridden == ()


# --- one server without a cluster


def test_a_server_without_a_cluster_has_no_quorum_to_keep() -> None:
    world = World(1)
    toy = world.stream(members=["nats-1"], leader="")
    looks = [
        attrs.evolve(it, reports={"nats-1": attrs.evolve(it.reports["nats-1"], meta=None)})
        for it in (world.look(), world.look())
    ]
    verdict = may_go("nats-1", ["nats-1"], (looks[0], looks[1]), world.clock + 1)
    assert verdict.ok
    assert verdict.notes == (Note(Remark.ONE_COPY, toy.asset),)


def test_one_server_with_a_cluster_block_has_one() -> None:
    world = World(1)
    assert judged(world, "nats-1").whys == {Why.META_QUORUM}


# --- what was so before


def broken(world: World) -> Baseline:
    looks = world.look(), world.look()
    return baseline(world.names, looks, world.clock + 1)


def test_what_was_broken_before_blocks_its_own_members_only() -> None:
    world = World(5)
    world.stream(leader="")
    world.stream("other", members=["nats-3", "nats-4", "nats-5"])
    before = broken(world)
    assert before.blocks == {Block(Why.NO_LEADER, asset=S)}
    free = judged(world, "nats-4", baseline=before)
    assert free.ok
    assert free.known == (Block(Why.NO_LEADER, asset=S),)
    assert judged(world, "nats-2", baseline=before).whys == {Why.NO_LEADER}


def test_it_must_not_get_worse() -> None:
    world = World(6)
    toy = world.stream(members=world.names[:5])
    toy.seen["nats-5"] = Replica("nats-5")
    before = broken(world)
    assert judged(world, "nats-6", baseline=before).ok
    toy.seen["nats-4"] = Replica("nats-4")
    verdict = judged(world, "nats-6", baseline=before)
    assert [(block.why, block.server) for block in verdict.blocks] == [(Why.REPLICA, "nats-4")]
    assert [block.server for block in verdict.known] == ["nats-5"]


def test_what_concerns_servers_is_never_usual() -> None:
    assert broken(World(states={"nats-3": State.DOWN})) == Baseline()


def test_a_server_may_stay_unhealthy_for_any_asset_that_was_broken() -> None:
    world = World()
    lost = Asset("A", "S", "lost")
    before = Baseline(frozenset({Block(Why.UNHEALTHY, "nats-1", lost)}))

    def judged_with(asset: Asset | None) -> Verdict:
        looks = tuple(
            attrs.evolve(
                it,
                reports={
                    **it.reports,
                    "nats-3": attrs.evolve(
                        it.reports["nats-3"], health=Health(503, "not current", asset)
                    ),
                },
            )
            for it in (world.look(), world.look())
        )
        return may_go("nats-2", world.names, (looks[0], looks[1]), world.clock + 1, before)

    assert judged_with(lost).ok
    assert judged_with(S).whys == {Why.UNHEALTHY}
    assert judged_with(None).whys == {Why.UNHEALTHY}


def test_a_baseline_is_bounded() -> None:
    world = World()
    for n in range(MAX_BASELINE + 1):
        world.stream(f"s{n}", leader="")
    assert len(broken(world).blocks) == MAX_BASELINE


# --- overrides and lists


def test_an_override_lets_its_own_reason_through_and_is_told() -> None:
    world = World()
    world.stream(leader="")
    verdict = judged(world, overrides=["no-leader", "nonsense"])
    assert verdict.ok
    assert verdict.overridden == (Block(Why.NO_LEADER, asset=S),)
    assert judged(world, overrides=["quorum"]).whys == {Why.NO_LEADER}


def test_both_looks_have_to_pass() -> None:
    world = World()
    toy = world.stream(leader="")
    first = world.look()
    toy.leader = "nats-1"
    second, third = world.look(), world.look()
    assert may_go("nats-2", world.names, (first, second), world.clock + 1).whys == {Why.NO_LEADER}
    assert may_go("nats-2", world.names, (second, third), world.clock + 1).ok


def test_an_asset_that_is_deleted_between_the_looks_blocks_nobody() -> None:
    world = World()
    toy = world.stream("deleted", leader="")
    first = world.look()
    world.groups.remove(toy)
    second = world.look()
    assert may_go("nats-2", world.names, (first, second), world.clock + 1).ok
    assert not may_go("nats-2", world.names, (second, first), world.clock + 1).ok


def test_lists_are_bounded_and_leave_no_reason_out() -> None:
    world = World()
    for n in range(50):
        world.stream(f"s{n}", leader="")
        world.stream(f"m{n}", members=["nats-2"])
    world.stream("two", members=["nats-1", "nats-3"]).seen["nats-3"] = Replica("nats-3")
    verdict = judged(world)
    assert len(verdict.blocks) == MAX_BLOCKS
    assert verdict.count == 51
    assert verdict.whys == {Why.NO_LEADER, Why.REPLICA}
    assert len(verdict.notes) == MAX_NOTES
    assert verdict.note_count == 50


def test_of_many_reasons_each_is_told_once() -> None:
    blocks = [Block(why, server) for why in Why for server in ("a", "b")]
    assert told(blocks) == tuple(Block(why, "a") for why in Why)


def test_the_detail_of_a_block_is_the_one_seen_last() -> None:
    world = World()
    toy = world.stream()
    toy.seen["nats-3"] = Replica("nats-3", current=True, lag=900)
    first = world.look()
    toy.seen["nats-3"] = Replica("nats-3", current=True, lag=700)
    verdict = may_go("nats-2", world.names, (first, world.look()), world.clock + 1)
    assert [b.detail for b in verdict.blocks if b.why is Why.REPLICA] == ["lags by 700 entries"]


@pytest.mark.parametrize(
    ("version", "holes"),
    [("2.9.25", True), ("v2.9.25", True), ("2.10.0", False), ("2.15.3", False), ("edge", True)],
)
def test_a_store_may_have_holes_after_a_full_disk_below_2_10(version: str, holes: bool) -> None:
    verdict = changed(World(states={"nats-2": State.DISABLED}), "nats-2", version=version)
    assert verdict.notes == ((Note(Remark.HOLES),) if holes else ())


def test_an_empty_look_is_no_healthy_cluster() -> None:
    nothing = Look(0, {}), Look(2, {})
    assert may_go("nats-2", ["nats-1", "nats-2", "nats-3"], nothing, 3.5).whys == {
        Why.UNREACHABLE,
        Why.META_LEADER,
    }
