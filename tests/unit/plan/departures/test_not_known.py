"""What a server holds is not known while it starts, is not healthy, or runs without its pod."""

from __future__ import annotations

import attrs
import pytest

from natsctl.model.jetstream import Asset, Health, Replica
from natsctl.plan.actions import CreateServer, MoveStreams, NoteDepartures
from tests.unit.plan.departures.test_leave import decision
from tests.unit.plan.departures.test_members import NOTE, changed, gone
from tests.unit.plan.departures.world import (
    C1,
    C2,
    C3,
    C4,
    C5,
    LEFT,
    Shrinking,
    overridden,
    state_of,
)
from tests.unit.plan.world import planned


@pytest.mark.parametrize(
    "health",
    [
        Health(500, "not ready for connections"),
        Health(503, "JetStream is still recovering meta layer"),
        Health(503, "JetStream stream 'A > LOG' is not current", Asset("A", "LOG")),
    ],
    ids=["starting", "recovering", "lacking"],
)
@pytest.mark.parametrize("which", [0, 1], ids=["at first", "at last"])
def test_a_server_that_may_not_have_read_all_of_its_store_yet_stays(
    health: Health, which: int
) -> None:
    """It ended by itself a moment ago: what it says that it holds is what it has read by now, and
    nobody else tells of a stream with one replica."""
    state = state_of(Shrinking())
    looks = list(state.jetstream)
    said = attrs.evolve(looks[which].reports["pod-5-0"], health=health)
    looks[which] = attrs.evolve(looks[which], reports={**looks[which].reports, "pod-5-0": said})
    found = attrs.evolve(state, jetstream=tuple(looks))
    for each in (found, overridden(found, "hosted", "unhealthy")):
        assert planned(each) == []
        assert decision(each).waiting == (
            f"{C5} does not say all that it holds, or is not healthy",
        )


def test_a_server_that_is_not_healthy_is_emptied_all_the_same() -> None:
    world = Shrinking()
    world.stream("LOG", members=[C5])
    state = state_of(world)
    looks = []
    for look in state.jetstream:
        ill = attrs.evolve(look.reports["pod-5-0"], health=Health(503, "a consumer is not current"))
        looks.append(attrs.evolve(look, reports={**look.reports, "pod-5-0": ill}))
    (move,) = planned(attrs.evolve(state, jetstream=tuple(looks)))
    assert isinstance(move, MoveStreams)


def test_a_server_that_runs_without_its_pod_takes_its_note_back() -> None:
    """Such as on a node that is cut off, after its pod was deleted by force: new streams come
    to the emptiest server, and once it has ended, nobody else tells of those."""
    world = gone(ghost=Replica(C5, current=True, active=0.5))
    state = state_of(world, departed=NOTE)
    for pod in ("pod-1-0", "pod-2-0"):
        state = changed(state, pod, peers=frozenset({C1, C2, C3, C4, C5}))
    (note,) = planned(state)
    assert isinstance(note, NoteDepartures)
    assert note.note == ()
    assert [type(a) for a in planned(state_of(world))] == [CreateServer]


@pytest.mark.parametrize("ghost", [LEFT, Replica(C5, current=False, active=30.0)])
def test_a_connection_that_nobody_has_closed_yet_does_not(ghost: Replica) -> None:
    state = changed(
        state_of(gone(ghost=ghost), departed=NOTE), "pod-2-0", peers=frozenset({C1, C3, C4, C5})
    )
    assert not [a for a in planned(state) if isinstance(a, NoteDepartures)]
