"""A server beyond size that is gone with its volume stays a member until somebody decides."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model.jetstream import Replica
from natsctl.plan.actions import RemoveMember
from natsctl.plan.departures.vanished import value_of
from natsctl.plan.engine import plan
from natsctl.plan.gates.words import MORE, SOME
from natsctl.plan.rules.members import remove_members
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.claims.volumes import claim
from tests.unit.plan.departures.world import (
    C1,
    C2,
    C3,
    C4,
    C5,
    FIVE,
    LEFT,
    Shrinking,
    servers,
    state_of,
)
from tests.unit.plan.gates.world import State
from tests.unit.plan.world import context, planned

FOUR = FIVE | {"size": 4}
VALUE = f"{C5}.000005.1"


def gone(**changes: Any) -> Shrinking:
    """c-5 has no pod; the meta leader counts it still."""
    return Shrinking(size=4, ghosts=changes.pop("ghosts", [LEFT]), **changes)


def lost(world: Shrinking, spec: Any = FOUR, **changes: Any) -> ClusterState:
    """And no claim."""
    return state_of(world, spec, claims=(1, 2, 3, 4), noted_as=(1, 2, 3, 4, 5), **changes)


def decided(state: ClusterState, value: str = VALUE) -> ClusterState:
    """The same once somebody has decided to do without what it had."""
    annotations = {"nats.io/override-hosted": value}
    meta = msgspec.structs.replace(state.cluster.metadata, annotations=annotations)
    return attrs.evolve(state, cluster=msgspec.structs.replace(state.cluster, metadata=meta))


def removals(state: ClusterState) -> list[RemoveMember]:
    return [action for action in planned(state) if isinstance(action, RemoveMember)]


def waiting(state: ClusterState) -> tuple[str, ...]:
    return remove_members(context(state)).waiting


def test_somebody_may_have_restored_its_volume() -> None:
    """Only they know: a claim that was restored looks like an empty one."""
    state = state_of(gone(), FOUR, noted_as=(1, 2, 3, 4, 5))
    claims = dict(state.owned["PersistentVolumeClaim"])
    claims["js-c-5"] = claim(5, spec=FIVE, uid="eeeeee-remade")
    found = attrs.evolve(state, owned={**state.owned, "PersistentVolumeClaim": claims})
    (text,) = waiting(found)
    assert (
        "if somebody restored js-c-5 with its data, annotate it with nats.io/restored=eeee" in text
    )


def test_it_is_asked_what_to_do() -> None:
    state = lost(gone())
    assert removals(state) == []
    assert value_of(context(state), 5, C5) == VALUE
    told = {c.type: c for c in status(state).conditions}
    assert (told["Progressing"].reason, told["Progressing"].message) == (
        "ScalingDown",
        f"a server has left; waiting: c-5 is gone with its volume before it was empty, and {C5} is "
        "still a member of the meta group: restore js-c-5, or set spec.size to 5; to have the meta "
        "group forget it, with everything that only c-5 had, annotate the cluster: "
        f"nats.io/override-hosted={VALUE}",
    )


def test_then_it_is_taken_out_and_that_is_told() -> None:
    world = gone()
    world.stream("ORDERS", members=[C1, C2, C5])
    state = decided(lost(world))
    (removal,) = removals(state)
    assert (removal.server, removal.leader, removal.subject) == (C5, "pod-1-0", "pod c-5")
    assert removal.message == (
        f"c-5 is gone with its volume: taking {C5} out of the meta group, as decided by "
        "nats.io/override-hosted; streams and consumers of which it had the only copy are lost, or "
        "come back empty"
    )
    assert removal.evidence is not None
    assert removal.evidence.objection(state.pods, state.now) == ""
    assert removal.evidence.objection(servers(5), state.now), "a server has come"


def test_what_was_decided_counts_for_one_loss_and_one_spec() -> None:
    for value in (f"{C5}.0000aa.1", f"{C5}.000005.2", f"{C4}.000005.1", ""):
        assert removals(decided(lost(gone()), value)) == []


@pytest.mark.parametrize(("members", "leader"), [([C4, C5], C4), ([C1, C4, C5], "")])
def test_not_while_a_group_has_too_few_without_it(members: list[str], leader: str) -> None:
    world = gone()
    world.stream("ORDERS", members=members, leader=leader)
    state = decided(lost(world))
    assert removals(state) == []
    assert f"{C5} is gone, but too few good copies of A/ORDERS are on other servers" in waiting(
        state
    )


def test_of_many_groups_that_need_it_some_are_named() -> None:
    world = gone()
    for number in range(100):
        world.stream(f"ORDERS-{number:02}", members=[C4, C5], leader=C4)
    told = waiting(decided(lost(world)))
    assert len(told) == SOME + 1
    assert told[-1] == MORE


def test_not_while_another_copy_is_behind_or_differs() -> None:
    world = gone()
    toy = world.stream("ORDERS", members=[C1, C2, C5])
    toy.stores[C2] = attrs.evolve(toy.stores[C2], messages=10, last=10)
    state = decided(lost(world))
    assert removals(state) == []
    assert any("A/ORDERS" in why for why in waiting(state))
    toy.stores[C2] = toy.stores[C1]
    toy.seen[C2] = Replica(C2, current=False)
    state = decided(lost(world))
    assert removals(state) == []


def test_copies_of_other_streams_hold_nothing_up() -> None:
    world = gone()
    toy = world.stream("ELSEWHERE", members=[C1, C2, C3])
    toy.stores[C2] = attrs.evolve(toy.stores[C2], messages=10, last=10)
    assert removals(decided(lost(world)))


@pytest.mark.parametrize(
    "world",
    [
        gone(states={C3: State.DOWN}),
        gone(states={C3: State.PAUSED}),
        gone(states={C3: State.DISABLED}),
        gone(ghosts=[Replica(C5, current=True, active=0.5)]),
        gone(meta_leader=""),
    ],
    ids=["one is down", "one is paused", "one has no JetStream", "just heard of", "no leader"],
)
def test_not_while_anything_is_unknown(world: Shrinking) -> None:
    assert removals(decided(lost(world))) == []


def test_not_on_answers_of_before() -> None:
    state = decided(lost(gone()))
    for old in (attrs.evolve(state, jetstream=()), attrs.evolve(state, now=state.now + 30)):
        assert removals(old) == []
        assert plan(old).queries


def test_not_one_whose_volume_is_there_or_not_known_to_be_gone() -> None:
    there = decided(state_of(gone(), FOUR))
    assert removals(there) == []
    owned = {k: v for k, v in there.owned.items() if k != "PersistentVolumeClaim"}
    assert removals(attrs.evolve(there, owned=owned)) == []


def test_not_one_that_is_there_or_is_to_be() -> None:
    assert removals(decided(lost(Shrinking()))) == []
    assert removals(decided(lost(gone(), FIVE))) == []


def test_one_after_the_other() -> None:
    world = Shrinking(size=3, ghosts=[LEFT, attrs.evolve(LEFT, name=C4)])
    state = state_of(world, FIVE | {"size": 3}, claims=(1, 2, 3), noted_as=(1, 2, 3, 4, 5))
    (removal,) = removals(decided(state))
    assert removal.server == C5
    assert removals(decided(state, f"{C4}.000004.1")) == []
