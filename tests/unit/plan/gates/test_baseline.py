"""What was broken before a procedure began: whom it holds up, and when it is no longer usual."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from natsctl.model.jetstream import Asset, Group, Health, JetStreamReport, Raft, Replica, Storage
from natsctl.plan.gates.gate import baseline, may_go
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.verdict import USUAL, Baseline, Block, Purpose, Verdict, Why
from tests.unit.plan.gates.recorded import Situation, situation, situations
from tests.unit.plan.gates.test_recorded import looks
from tests.unit.plan.gates.world import State, Toy, World, judged

S, C = Asset("A", "S"), Asset("A", "S", "c")
NOT_LED = Block(Why.NO_LEADER, asset=C)


def with_a_broken_consumer(size: int = 3) -> tuple[World, Toy, Toy]:
    """A stream on the first three servers that is well, and a consumer of it that nobody leads."""
    world = World(size)
    return world, world.stream(), world.stream(consumer="c", leader="")


def seen(world: World, before: Baseline | None = None) -> Baseline:
    taken = world.look(), world.look()
    return baseline(world.names, taken, world.clock + 1, before)


# --- a consumer that nobody leads


def test_it_holds_up_nobody_if_its_stream_is_well() -> None:
    world, _, _ = with_a_broken_consumer()
    before = seen(world)
    assert before.blocks == {NOT_LED}
    for name in world.names:
        assert judged(world, name).whys == {Why.NO_LEADER}
        assert judged(world, name, baseline=before).ok
        assert judged(world, name, baseline=before).known == (NOT_LED,)


def test_one_that_broke_later_holds_up_everybody() -> None:
    world, _, _ = with_a_broken_consumer()
    assert judged(world, baseline=Baseline()).whys == {Why.NO_LEADER}


@pytest.mark.parametrize("purpose", [Purpose.REPLACE, Purpose.REMOVE])
def test_its_file_has_to_outlive_what_is_done(purpose: Purpose) -> None:
    world, _, _ = with_a_broken_consumer()
    verdict = judged(world, baseline=seen(world), purpose=purpose)
    assert Why.NO_LEADER in verdict.whys


def in_memory(stream: Toy, consumer: Toy) -> None:
    consumer.storage = Storage.MEMORY


def acknowledged(stream: Toy, consumer: Toy) -> None:
    stream.settles_late = True


def led(stream: Toy, consumer: Toy) -> None:
    """With a bad replica: one more away, and it has no leader either."""
    consumer.leader = "nats-1"
    consumer.seen["nats-3"] = Replica("nats-3")


def of_a_stream_that_is_not_led(stream: Toy, consumer: Toy) -> None:
    stream.leader = ""


def of_a_stream_with_a_bad_replica(stream: Toy, consumer: Toy) -> None:
    stream.seen["nats-3"] = Replica("nats-3")


def of_a_stream_that_nobody_tells_of(stream: Toy, consumer: Toy) -> None:
    stream.asset = Asset("A", "another")


@pytest.mark.parametrize(
    "change",
    [
        in_memory,
        acknowledged,
        led,
        of_a_stream_that_is_not_led,
        of_a_stream_with_a_bad_replica,
        of_a_stream_that_nobody_tells_of,
    ],
)
def test_one_with_something_to_lose_holds_up_its_members(
    change: Callable[[Toy, Toy], None],
) -> None:
    world, stream, consumer = with_a_broken_consumer(4)
    change(stream, consumer)
    before = seen(world)
    assert C in before.assets
    assert not judged(world, "nats-2", baseline=before).ok
    assert judged(world, "nats-4", baseline=before).ok


def test_a_stream_that_nobody_leads_holds_up_its_members() -> None:
    world = World(4)
    world.stream(leader="")
    before = seen(world)
    assert judged(world, "nats-2", baseline=before).whys == {Why.NO_LEADER}
    assert judged(world, "nats-4", baseline=before).ok


def test_both_looks_have_to_show_it() -> None:
    world, _, consumer = with_a_broken_consumer()
    before = seen(world)
    consumer.leader = "nats-1"
    consumer.seen["nats-3"] = Replica("nats-3")
    first = world.look()
    consumer.leader = ""
    taken = first, world.look()
    assert not may_go("nats-2", world.names, taken, world.clock + 1, before).ok


def telling_too_little(world: World, server: str) -> tuple[Look, Look]:
    """This server has more than it tells, which somebody decided not to wait for."""
    first, second = (
        attrs.evolve(
            look,
            reports={
                **look.reports,
                server: attrs.evolve(look.reports[server], too_many="17,000 streams"),
            },
        )
        for look in (world.look(), world.look())
    )
    return first, second


def test_a_server_that_does_not_tell_all_may_lead_it() -> None:
    world, _, _ = with_a_broken_consumer()
    before = seen(world)
    taken = telling_too_little(world, "nats-3")
    found = may_go("nats-2", world.names, taken, world.clock + 1, before, ["too-many"])
    assert Why.NO_LEADER in found.whys


def test_a_server_that_does_not_tell_all_may_be_a_member_of_anything() -> None:
    world = World(4)
    world.stream(leader="")
    before = seen(world)
    taken = telling_too_little(world, "nats-4")
    found = may_go("nats-4", world.names, taken, world.clock + 1, before, ["too-many"])
    assert Why.NO_LEADER in found.whys


# --- what is usual no longer


def test_what_has_recovered_is_expected_to_stay_well() -> None:
    world, _, consumer = with_a_broken_consumer()
    before = seen(world)
    consumer.leader = "nats-1"
    assert seen(world, before) == Baseline()


def test_what_is_still_broken_in_any_way_stays_usual() -> None:
    """While a leader is away its group has none, and nobody says which replica is bad."""
    world = World(4)
    toy = world.stream()
    toy.seen["nats-3"] = Replica("nats-3")
    before = seen(world)
    toy.leader = ""
    assert seen(world, before) == before


def test_nothing_new_becomes_usual() -> None:
    world, stream, _ = with_a_broken_consumer()
    before = seen(world)
    stream.leader = ""
    assert seen(world, before) == before


def test_what_is_gone_is_usual_no_longer_unless_it_may_be_on_a_silent_server() -> None:
    world, _, consumer = with_a_broken_consumer()
    before = seen(world)
    world.groups.remove(consumer)
    world.states["nats-3"] = State.DOWN
    assert seen(world, before) == before
    del world.states["nats-3"]
    taken = telling_too_little(world, "nats-3")
    assert baseline(world.names, taken, world.clock + 1, before) == before
    assert seen(world, before) == Baseline()


# --- baselines that nobody took


@pytest.mark.parametrize("why", sorted(set(Why) - USUAL))
def test_what_depends_on_who_goes_is_never_usual(why: Why) -> None:
    world = World()
    world.stream(members=["nats-2"], storage=Storage.MEMORY)
    forged = Baseline(frozenset(Block(why, name, S) for name in ("", *world.names)))
    assert judged(world, baseline=forged) == judged(world)


# --- recorded servers


def without_a_leader(said: JetStreamReport, consumer: Asset) -> JetStreamReport:
    """The consumer as its members tell it after an election that nobody won."""
    group = said.groups.get(consumer)
    if group is None:
        return said
    members = (Replica(it.name) for it in group.raft.replicas)
    idle: Group = attrs.evolve(group, raft=Raft("", tuple(members)))
    health = Health(503, f"JetStream consumer '{consumer}' is not current", consumer)
    return attrs.evolve(said, groups={**said.groups, consumer: idle}, health=health)


def broken_consumer(it: Situation) -> tuple[Look, Look]:
    """A healthy cluster, but for one consumer with three replicas, of which servers complain."""
    first, second = (
        attrs.evolve(
            look,
            reports={
                name: without_a_leader(said, Asset("APP", "S3", "dur"))
                for name, said in look.reports.items()
            },
        )
        for look in looks(it)
    )
    return first, second


def verdicts(it: Situation, taken: tuple[Look, Look], before: Baseline) -> dict[str, Verdict]:
    return {name: may_go(name, it.expected, taken, 3.0, before) for name in it.expected}


@pytest.mark.parametrize("it", situations("healthy"), ids=lambda it: it.version)
def test_one_broken_consumer_does_not_stop_a_roll(it: Situation) -> None:
    """https://github.com/nats-io/k8s/issues/1140"""
    taken = broken_consumer(it)
    before = baseline(it.expected, taken, 3.0)
    assert before.assets == {Asset("APP", "S3", "dur")}
    found = verdicts(it, taken, before)
    assert {name: verdict.ok for name, verdict in found.items()} == dict.fromkeys(it.expected, True)
    assert not any(verdict.ok for verdict in verdicts(it, taken, Baseline()).values())


@pytest.mark.parametrize("version", ["2.9.25", "2.10.29", "2.12.15", "2.14.10"])
def test_a_consumer_of_a_short_stream_holds_up_its_own_members(version: str) -> None:
    it = situation("stream-short", version)
    before = baseline(it.expected, looks(it), 3.0)
    r1 = Asset("APP", "S3", "r1")
    assert r1 in before.assets
    found = verdicts(it, looks(it), before)
    (free,) = [name for name, verdict in found.items() if verdict.ok]
    assert r1 in {block.asset for block in found[free].known}
    held = [block.asset for name, it in found.items() if name != free for block in it.blocks]
    assert r1 in held
