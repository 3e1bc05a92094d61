"""Each recorded situation of real servers gets the verdict that experience gives it."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from natsctl.model.jetstream import Asset, JetStreamReport
from natsctl.model.times import known
from natsctl.plan.gates.gate import baseline, may_go
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.verdict import Purpose, Remark, Verdict, Why
from tests.unit.plan.gates.recorded import VERSIONS, Situation, situation, situations

# What the recorded word stands for, where there are several words by now.
STORES = {Why.STORE_BEHIND, Why.STORE_DIFFERS}
# The list of a leader that has just crashed or started is believed no more than its members are.
# Where a limit is reached, groups that still call themselves led have bad members, too.
MORE = {
    "crashed-1.5s": {Why.QUORUM, Why.REPLICA},
    "just-restarted": {
        Why.META_QUORUM,
        Why.META_REPLICA,
        Why.NO_LEADER,
        Why.TWO_LEADERS,
        *STORES,
    },
    "limit-reached": {Why.QUORUM, Why.REPLICA, Why.UNHEALTHY},
}


def looks(it: Situation) -> tuple[Look, Look]:
    """The same answers twice, two seconds apart."""
    reports = it.reports()
    return Look(0, reports), Look(2, {name: later(said) for name, said in reports.items()})


def later(said: JetStreamReport) -> JetStreamReport:
    if said.problem:
        return said
    return attrs.evolve(said, now=(known(said.now) + timedelta(seconds=2)).isoformat())


def verdict(it: Situation, target: str = "", purpose: Purpose | None = None) -> Verdict:
    purpose = purpose or Purpose(it.mode)
    return may_go(target or it.target, it.expected, looks(it), 3.0, purpose=purpose)


def recorded(words: frozenset[str]) -> set[Why]:
    """The recorded words; "store" stands for both comparisons."""
    plain = {word.lower().replace("_", "-") for word in words}
    return {Why(word) for word in plain - {"store"}} | (STORES if "store" in plain else set())


@pytest.mark.parametrize("it", situations(), ids=lambda it: f"{it.version}-{it.name}")
def test_the_verdict_is_the_recorded_one(it: Situation) -> None:
    found = verdict(it)
    words = recorded(it.blocks)
    assert found.ok == it.ok
    assert words - STORES <= found.whys
    assert found.whys <= words | MORE.get(it.name, set())
    assert bool(words & STORES) <= bool(found.whys & STORES)


@pytest.mark.parametrize("version", VERSIONS)
def test_any_server_of_a_healthy_cluster_may_go(version: str) -> None:
    it = situation("healthy", version)
    assert all(verdict(it, target).ok for target in it.expected)


@pytest.mark.parametrize("it", situations("target-is-meta-leader"), ids=lambda it: it.version)
def test_the_leader_of_the_meta_group_steps_down_first(it: Situation) -> None:
    remarks = {note.remark for note in verdict(it).notes}
    others = set(it.expected) - {it.target}
    assert Remark.STEP_DOWN in remarks
    assert all(Remark.STEP_DOWN not in {n.remark for n in verdict(it, o).notes} for o in others)


@pytest.mark.parametrize("it", situations("r1-on-target"), ids=lambda it: it.version)
def test_what_only_the_target_holds_is_named(it: Situation) -> None:
    alone = {note.asset for note in verdict(it).notes if note.remark is Remark.ONE_COPY}
    assert Asset("APP", "S1") in alone
    assert Asset("APP", "S3") not in alone


@pytest.mark.parametrize("it", situations("r1-on-target"), ids=lambda it: it.version)
def test_its_volume_is_not_emptied_before_that_has_moved(it: Situation) -> None:
    (block,) = verdict(it, purpose=Purpose.REPLACE).blocks
    assert (block.why, block.asset) == (Why.HOSTED, Asset("APP", "S1"))


@pytest.mark.parametrize("it", situations("damaged-replica"), ids=lambda it: it.version)
def test_the_damaged_replica_is_named_and_may_go_itself(it: Situation) -> None:
    (block,) = verdict(it).blocks
    assert (block.why, block.server, block.asset) == (
        Why.STORE_DIFFERS,
        "nats-3",
        Asset("APP", "S"),
    )
    assert "nats-3 has 3980 messages from 8021 to 12000" in block.detail
    assert verdict(it, "nats-3").ok


@pytest.mark.parametrize("it", situations("damaged-replica-leads"), ids=lambda it: it.version)
def test_nobody_goes_while_the_damaged_replica_leads(it: Situation) -> None:
    assert all(verdict(it, target).whys >= {Why.STORE_DIFFERS} for target in it.expected)


@pytest.mark.parametrize("it", situations("jetstream-disabled"), ids=lambda it: it.version)
def test_only_the_disabled_server_may_go(it: Situation) -> None:
    assert verdict(it, "nats-2").ok
    assert Why.JETSTREAM_OFF in verdict(it, "nats-1").whys
    holes = Remark.HOLES in {note.remark for note in verdict(it, "nats-2").notes}
    assert holes == (it.version == "2.9.25")


def test_an_r1_consumer_without_its_server_holds_up_its_own_members_only() -> None:
    """With 2.9.25 the others are unhealthy for as long as it lasts."""
    it = situation("stream-short", "2.9.25")
    before = baseline(it.expected, looks(it), 3.0)
    assert Asset("APP", "S3", "r1") in before.assets
    free = may_go("nats-3", it.expected, looks(it), 3.0, before)
    held = may_go("nats-1", it.expected, looks(it), 3.0, before)
    assert free.ok
    assert {block.why for block in free.known} == {Why.NO_LEADER, Why.UNHEALTHY}
    assert not held.ok
