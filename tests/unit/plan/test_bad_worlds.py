"""What servers say that cannot be, or not be relied on: nobody restarts, and it is told why."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest

from natsctl.model.jetstream import Asset, JetStreamReport, Meta, Replica
from natsctl.plan.engine import plan
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.gates.world import World
from tests.unit.plan.looks import NAMES, Named
from tests.unit.plan.restarts.test_gated import restarted, state_of

FIRST, SECOND = NAMES["nats-1"], NAMES["nats-2"]
GHOST = "c-9-0f8fad1c"
Spoil = Callable[[JetStreamReport], JetStreamReport]


def said(state: ClusterState, spoil: Spoil, name: str = SECOND) -> ClusterState:
    """The same where one server says something else, in both looks."""
    looks = tuple(
        attrs.evolve(
            look,
            reports={
                uid: spoil(report) if report.name == name else report
                for uid, report in look.reports.items()
            },
        )
        for look in state.jetstream
    )
    return attrs.evolve(state, jetstream=looks)


def saying(**changes: Any) -> Spoil:
    return lambda report: attrs.evolve(report, **changes)


def leads_too(asset: Asset) -> Spoil:
    """It calls itself the leader of what another one leads."""

    def spoil(report: JetStreamReport) -> JetStreamReport:
        group = report.groups[asset]
        own = attrs.evolve(group, raft=attrs.evolve(group.raft, leader=report.name))
        return attrs.evolve(report, groups={**report.groups, asset: own})

    return spoil


def lists_a_ghost(report: JetStreamReport) -> JetStreamReport:
    """As the leader of the meta group."""
    assert report.meta is not None
    ghost = Replica(GHOST, offline=True, active=99.0)
    meta = attrs.evolve(report.meta, replicas=(*report.meta.replicas, ghost), size=4)
    return attrs.evolve(report, meta=meta)


def with_a_ghost(world: World) -> None:
    toy = world.stream("ORDERS", members=[*world.names[:2], GHOST])
    toy.seen[GHOST] = Replica(GHOST, current=True, active=0.1)


def with_an_orphan(world: World) -> None:
    """A consumer that nobody leads, of a stream that no server tells of."""
    world.stream("GONE", members=world.names, consumer="worker", leader="")


LONG = "/jsz: its answer is longer than 65536 KiB"
GARBAGE = "stream $G/ORDERS"
WORLDS: dict[str, tuple[Callable[[World], object], Spoil, str, str]] = {
    "100 MB": (
        partial(World.stream, name="ORDERS"),
        saying(problem=LONG),
        SECOND,
        f"{SECOND} does not answer ({LONG})",
    ),
    "garbage": (
        partial(World.stream, name="ORDERS"),
        saying(unknown=(GARBAGE,)),
        SECOND,
        f'natsctl cannot read all that {SECOND} says ("{GARBAGE}")',
    ),
    "more than is judged": (
        partial(World.stream, name="ORDERS"),
        saying(too_many="more than 16384 streams"),
        SECOND,
        "may lose messages (more than 16384 streams)",
    ),
    "two leaders of a stream": (
        partial(World.stream, name="ORDERS"),
        leads_too(Asset("A", "ORDERS")),
        SECOND,
        "stream A/ORDERS has several leaders",
    ),
    "two leaders of the meta group": (
        partial(World.stream, name="ORDERS"),
        saying(meta=Meta(SECOND, size=3)),
        SECOND,
        "the servers do not agree on a meta leader",
    ),
    "a ghost in the meta group": (
        partial(World.stream, name="ORDERS"),
        lists_a_ghost,
        FIRST,
        f"not the servers of the cluster: {GHOST} (it is a member and no server)",
    ),
    "a ghost in a stream": (
        with_a_ghost,
        saying(),
        SECOND,
        f"the replica of stream A/ORDERS on {GHOST} is not healthy",
    ),
    "an orphan consumer": (
        with_an_orphan,
        saying(),
        SECOND,
        "consumer A/GONE/worker has no leader",
    ),
}


@pytest.mark.parametrize("kind", WORLDS)
def test_nobody_restarts_and_it_is_told_why(kind: str) -> None:
    spoiled, spoil, server, words = WORLDS[kind]
    world = Named()
    spoiled(world)
    state = said(state_of(world), spoil, server)
    assert restarted(state) == []
    assert not [step for stage in plan(state).stages for step in stage]
    told = {c.type: c.message for c in status(state).conditions}["Progressing"]
    assert words in told
    assert "nats.io/override-" in told
