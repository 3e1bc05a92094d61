"""Members that a server tells by their ids get their names back, wherever they are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import attrs

from natsctl.model.jetstream import Raft
from natsctl.model.peers import peer_id, unnamed
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.unnamed import with_names
from tests.unit.plan.gates.recorded import situation
from tests.unit.plan.gates.world import World

R = TypeVar("R", bound=Raft)
NAMES = ("nats-1", "nats-2", "nats-3")


def never() -> Iterator[str]:
    raise AssertionError("nobody is without a name")
    yield


def looks(world: World) -> tuple[Look, Look]:
    """At a leader that told ids in the first look only."""
    first, second = world.look(), world.look()
    leader = first.reports["nats-1"]
    groups = {
        asset: attrs.evolve(group, raft=by_id(group.raft)) for asset, group in leader.groups.items()
    }
    assert leader.meta is not None
    said = attrs.evolve(leader, meta=by_id(leader.meta), groups=groups)
    return attrs.evolve(first, reports={**first.reports, "nats-1": said}), second


def by_id(raft: R) -> R:
    others = (attrs.evolve(it, name=unnamed(peer_id(it.name))) for it in raft.replicas)
    return attrs.evolve(raft, replicas=tuple(others))


def world() -> World:
    found = World()
    found.stream("S")
    found.stream("S", consumer="c")
    return found


def test_in_the_meta_group_and_in_all_others() -> None:
    known = world()
    plain = world()
    assert with_names(looks(known), lambda: NAMES) == (plain.look(), plain.look())


def test_whom_nobody_can_be_stays_a_stranger() -> None:
    before = looks(world())
    assert with_names(before, lambda: ("c-1",)) == before


def test_a_single_server_has_no_meta_group() -> None:
    first, second = looks(world())
    alone = attrs.evolve(first.reports["nats-1"], meta=None)
    one = attrs.evolve(first, reports={"nats-1": alone})
    named, _ = with_names((one, second), lambda: NAMES)
    assert named.reports["nats-1"].meta is None


def test_names_are_made_up_only_where_they_are_needed() -> None:
    found = world()
    before = found.look(), found.look()
    assert with_names(before, never) is before


def test_as_it_was_recorded() -> None:
    """The leader of 2.15.3 had just restarted."""
    found = situation("just-restarted", "2.15.3")
    look = Look(0, found.reports())
    named, _ = with_names((look, look), lambda: found.expected)
    members = {
        member.name
        for said in named.reports.values()
        for member in (said.meta.replicas if said.meta else ())
    }
    assert members <= set(found.expected)
