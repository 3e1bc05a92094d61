"""A pass over a cluster takes time for each server and each stream, never for each pair of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from natsctl.model.jetstream import Storage
from natsctl.plan.engine import plan
from natsctl.plan.jetstream import seen_in
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.claims.volumes import claim, noted, volumes, without_budget
from tests.unit.plan.gates.costs import calls
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import Named, looked
from tests.unit.plan.restarts.test_gated import BEGUN, process

SPEC: dict[str, Any] = {"version": "2.12.15", "jetstream": {}}


def state_of(size: int, change: Any, spoil: Callable[[Named], None]) -> ClusterState:
    """So many servers, each with some streams, two looks, and something to do about all of them."""
    world, spec = Named(size), SPEC | {"size": size}
    for number in range(2 * size):
        first = number % (size - 2)
        world.stream(f"S{number}", members=world.names[first : first + 3])
    spoil(world)
    indexes = range(1, size + 1)
    pods = tuple(process(index, spec) for index in indexes)
    there = [claim(index, spec=spec) for index in indexes]
    found = volumes(*there, note=noted(*indexes), pods=pods, spec=spec | change(size))
    begun = attrs.evolve(found.status, jetstream=BEGUN)
    return looked(attrs.evolve(without_budget(found), status=begun), world)


def well(world: Named) -> None:
    """Nothing is wrong."""


def lonely(world: Named) -> None:
    """Each server holds something that only it has."""
    for name in world.names:
        world.stream(f"M-{name}", members=[name], storage=Storage.MEMORY)


def leaderless(world: Named) -> None:
    """Nobody leads anything."""
    for toy in world.groups:
        toy.leader = ""


def paused(world: Named) -> None:
    """Half of the servers say nothing."""
    for name in world.names[::2]:
        world.states[name] = State.PAUSED


CHANGES = {
    "nothing": lambda size: {},
    "upgrade": lambda size: {"version": "2.14.10"},
    "fewer": lambda size: {"size": size // 2},
}


@pytest.mark.parametrize("spoil", [well, lonely, leaderless, paused])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("work", [plan, status, seen_in])
def test_twice_as_many_cost_twice_as_much(
    work: Callable[[ClusterState], object], change: str, spoil: Callable[[Named], None]
) -> None:
    small, large = (state_of(size, CHANGES[change], spoil) for size in (20, 40))
    assert calls(lambda: work(large)) < 2.3 * calls(lambda: work(small))
