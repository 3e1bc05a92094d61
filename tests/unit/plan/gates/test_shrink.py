"""Whether a cluster can do with fewer servers at all."""

from __future__ import annotations

import attrs
import pytest

from natsctl.model.jetstream import Asset, JetStreamReport, Usage
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.shrink import may_shrink
from natsctl.plan.gates.verdict import Verdict, Why
from tests.unit.plan.gates.world import State, World

LEAVING = ("nats-4", "nats-5")


def using(said: JetStreamReport, file: Usage | None, memory: Usage | None) -> JetStreamReport:
    return attrs.evolve(said, file=file or said.file, memory=memory or said.memory)


def looks(
    world: World, file: Usage | None = None, memory: Usage | None = None
) -> tuple[Look, Look]:
    """Two looks; each server has these usages."""
    first, second = (
        attrs.evolve(
            it,
            reports={
                name: said if said.problem else using(said, file, memory)
                for name, said in it.reports.items()
            },
        )
        for it in (world.look(), world.look())
    )
    return first, second


def shrunk(
    world: World,
    *leaving: str,
    overrides: tuple[str, ...] = (),
    file: Usage | None = None,
    memory: Usage | None = None,
) -> Verdict:
    twice = looks(world, file, memory)
    return may_shrink(leaving or LEAVING, world.names, twice, world.clock + 1, overrides)


def test_five_servers_can_become_three() -> None:
    world = World(5)
    world.stream(members=["nats-3", "nats-4", "nats-5"])
    assert shrunk(world).ok


def test_no_asset_has_more_replicas_than_servers_stay() -> None:
    world = World(5)
    world.stream(members=world.names)
    world.stream("three")
    (block,) = shrunk(world).blocks
    assert (block.why, block.asset) == (Why.TOO_FEW, Asset("A", "S"))
    assert block.detail == "it has 5 replicas, and 3 servers stay"


def test_an_even_number_is_no_place_for_replicated_assets_unless_somebody_says_so() -> None:
    world = World(5)
    assert shrunk(world, "nats-5").ok
    world.stream("two", members=["nats-1", "nats-2"])
    assert shrunk(world, "nats-5").ok
    world.stream()
    assert shrunk(world, "nats-5").whys == {Why.EVEN}
    verdict = shrunk(world, "nats-5", overrides=("even",))
    assert verdict.ok
    assert [block.why for block in verdict.overridden] == [Why.EVEN]


def test_what_moves_needs_room() -> None:
    world = World(5)
    assert shrunk(world, file=Usage(60, 100)).ok
    (block,) = shrunk(world, file=Usage(61, 100)).blocks
    assert (block.why, block.detail) == (
        Why.ROOM,
        "122 bytes of file store have to move, 117 are free",
    )
    assert shrunk(world, memory=Usage(61, 100)).whys == {Why.ROOM}
    assert shrunk(world, memory=Usage(120, 100)).whys == {Why.ROOM}
    assert shrunk(world, file=Usage(61, 0)).ok


def test_everybody_has_to_say_what_there_is() -> None:
    world = World(5, states={"nats-5": State.DOWN})
    assert [(block.why, block.server) for block in shrunk(world).blocks] == [
        (Why.UNREACHABLE, "nats-5")
    ]


def test_looks_are_two_looks_here_too() -> None:
    world = World(5)
    look = world.look()
    verdict = may_shrink(LEAVING, world.names, (look, look), world.clock + 1, ["looks"])
    assert verdict.whys == {Why.LOOKS}


class TestUniqueTags:
    """Where replicas of a stream are kept in different zones."""

    @staticmethod
    def world(*zones: str) -> World:
        """Servers in these zones; empty: on a node that says none."""
        world = World(len(zones))
        world.zones = {name: zone for name, zone in zip(world.names, zones, strict=True) if zone}
        return world

    def test_a_replica_finds_another_server_of_its_zone(self) -> None:
        world = self.world("a", "b", "c", "c")
        world.stream(members=["nats-1", "nats-2", "nats-4"])
        assert shrunk(world, "nats-4").ok

    def test_or_one_of_a_zone_without_any(self) -> None:
        world = self.world("a", "b", "c", "d")
        world.stream(members=["nats-1", "nats-2", "nats-4"])
        world.stream("one", members=["nats-4"])
        assert shrunk(world, "nats-4").ok

    @pytest.mark.parametrize("zones", [("a", "b", "b", "c"), ("a", "b", "", "c")])
    def test_else_it_has_no_place(self, zones: tuple[str, ...]) -> None:
        """Nor has it on a server that has no tag."""
        world = self.world(*zones)
        world.stream(members=["nats-1", "nats-2", "nats-4"])
        world.stream("two", members=["nats-1", "nats-4"])
        world.stream("stays", members=["nats-1", "nats-2", "nats-3"])
        world.stream(members=["nats-1", "nats-2", "nats-4"], consumer="d")
        (block,) = shrunk(world, "nats-4").blocks
        assert (block.why, block.asset) == (Why.TAGS, Asset("A", "S"))
        assert block.detail == "replicas to move: 1, other tags zone: there: 0"

    def test_nor_have_two_of_which_only_one_finds_a_zone(self) -> None:
        world = self.world("a", "b", "a", "c", "d")
        world.stream(members=["nats-1", "nats-4", "nats-5"])
        assert shrunk(world).whys == {Why.TAGS}
        assert shrunk(world, "nats-5").whys == {Why.EVEN}

    def test_servers_of_which_each_has_another_unique_tag_are_not_believed(self) -> None:
        """Streams are gone through for each, and servers say what they like."""
        world = self.world(*"abcde")
        world.stream(members=["nats-1", "nats-2", "nats-3"])
        both = looks(world)

        def told(*tags: str) -> Verdict:
            of = dict(zip(world.names, tags, strict=True))
            first, second = (
                attrs.evolve(
                    it,
                    reports={n: attrs.evolve(s, unique_tag=of[n]) for n, s in it.reports.items()},
                )
                for it in both
            )
            return may_shrink(LEAVING, world.names, (first, second), world.clock + 1)

        assert told("zone:", "zone:", "zone:", "rack:", "").ok
        verdict = told("zone:", "zone:", "a:", "b:", "c:")
        unreadable = {block.server for block in verdict.blocks if block.why is Why.UNREADABLE}
        assert unreadable == {"nats-2", "nats-5"}

    def test_somebody_may_decide_that_all_the_same(self) -> None:
        """Servers that cannot place a replica refuse to move it: nothing is lost."""
        world = self.world("a", "b", "b", "c")
        world.stream(members=["nats-1", "nats-2", "nats-4"])
        verdict = shrunk(world, "nats-4", overrides=("tags",))
        assert verdict.ok
        assert [block.why for block in verdict.overridden] == [Why.TAGS]
