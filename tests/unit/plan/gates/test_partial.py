"""Who lets a server go that has too many assets to tell decides about what it did not tell only."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import pytest

from natsctl.model.jetstream import Asset, Storage, Store
from natsctl.plan.gates.gate import may_go
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.seen import seen
from natsctl.plan.gates.verdict import Purpose, Verdict, Why
from tests.unit.plan.gates.world import World

TOLD, HIDDEN = Asset("A", "told"), Asset("A", "hidden")
SERVERS = ["nats-1", "nats-2", "nats-3"]


def cut(look: Look, servers: Iterable[str], hidden: Asset = HIDDEN) -> Look:
    """As if these servers had too many assets, and this one were among what they do not tell."""
    reports = dict(look.reports)
    for name in servers:
        said = reports[name]
        groups = {asset: it for asset, it in said.groups.items() if asset != hidden}
        reports[name] = attrs.evolve(said, groups=groups, too_many="more than 3 streams")
    return attrs.evolve(look, reports=reports)


def two_looks(world: World, *servers: str) -> tuple[Look, Look]:
    return cut(world.look(), servers), cut(world.look(), servers)


def verdict(
    looks: tuple[Look, Look],
    overrides: Iterable[str] = ("too-many",),
    purpose: Purpose = Purpose.RESTART,
) -> Verdict:
    now = looks[1].began + 0.5
    return may_go("nats-2", SERVERS, looks, now, None, list(overrides), purpose)


def healthy() -> World:
    world = World()
    world.stream("told")
    world.stream("hidden")
    return world


@pytest.mark.parametrize("server", SERVERS)
def test_it_blocks_until_somebody_decides(server: str) -> None:
    looks = two_looks(healthy(), server)
    assert verdict(looks, ()).whys == {Why.TOO_MANY}
    assert verdict(looks).ok


def test_what_was_told_is_judged_all_the_same() -> None:
    world = healthy()
    world.groups[0].seen["nats-3"] = attrs.evolve(world.seen_by_leader("nats-3"), lag=9_000)
    found = verdict(two_looks(world, *SERVERS))
    assert found.whys == {Why.REPLICA, Why.QUORUM}
    assert {block.asset for block in found.blocks} == {TOLD}


def test_so_are_messages_in_the_memory_of_the_server_alone() -> None:
    world = healthy()
    world.stream("memory", members=["nats-2"], storage=Storage.MEMORY)
    assert verdict(two_looks(world, "nats-2")).whys == {Why.MEMORY}


def test_so_are_copies_that_differ() -> None:
    world = healthy()
    world.groups[0].stores["nats-3"] = Store(40, 61, 100)
    assert verdict(two_looks(world, *SERVERS)).whys == {Why.STORE_DIFFERS}


def test_so_is_what_is_not_readable() -> None:
    first, second = two_looks(healthy(), "nats-3")
    said = attrs.evolve(second.reports["nats-3"], unknown=("stream A/odd",))
    second = attrs.evolve(second, reports={**second.reports, "nats-3": said})
    assert verdict((first, second)).whys == {Why.UNREADABLE}


def test_a_leader_that_does_not_tell_a_group_is_believed_to_lead_it() -> None:
    """The others say that it does."""
    assert verdict(two_looks(healthy(), "nats-1")).ok


def test_nobody_is_believed_to_lead_a_group_of_which_others_know_no_leader() -> None:
    world = World()
    world.stream("hidden", leader="")
    found = verdict(two_looks(world, "nats-1"))
    assert [(block.why, block.asset) for block in found.blocks] == [(Why.NO_LEADER, HIDDEN)]


def test_a_group_that_is_told_only_once_is_not_taken_for_deleted() -> None:
    world = World()
    world.stream("hidden", leader="")
    looks = world.look(), cut(world.look(), SERVERS)
    assert verdict(looks).whys == {Why.NO_LEADER}
    world = World()
    deleted = world.stream("hidden", leader="")
    before = world.look()
    world.groups.remove(deleted)
    assert verdict((before, world.look())).ok


@pytest.mark.parametrize("purpose", [Purpose.REMOVE, Purpose.REPLACE])
def test_nobody_knows_what_leaves_with_the_server(purpose: Purpose) -> None:
    world = World()
    assert verdict(two_looks(world, "nats-2"), purpose=purpose).whys == {Why.HOSTED}
    assert verdict(two_looks(world, "nats-3"), purpose=purpose).ok


def test_the_status_tells_nothing_of_a_part_that_is_another_one_each_time() -> None:
    looks = two_looks(healthy(), *SERVERS)
    found = seen(SERVERS, looks)
    assert found.summary.groups == 0
    assert {block.why for block in found.blocked} == {Why.TOO_MANY}
