"""Users are told before a server goes what goes with it, and which override let it go."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import pytest

from natsctl.model.jetstream import Storage
from natsctl.plan.actions import Action, ReplaceServer
from natsctl.plan.gates.verdict import Block, Purpose, Why
from natsctl.plan.held import override_of
from natsctl.plan.notices import MOST, USED, Notice, overrides_used
from natsctl.plan.rules.rolling_update import replace_outdated
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.rules.scale_up import scale_up
from tests.unit.plan.claims.renewing import TWO, full, overridden
from tests.unit.plan.claims.renewing import state_of as renewed
from tests.unit.plan.claims.volumes import servers
from tests.unit.plan.departures.test_renewal import steps
from tests.unit.plan.departures.world import C3, C4, C5, FIVE, Shrinking
from tests.unit.plan.departures.world import overridden as let_leave
from tests.unit.plan.departures.world import state_of as shrinking
from tests.unit.plan.gates.world import World
from tests.unit.plan.looks import NAMES, Named
from tests.unit.plan.restarts.test_gated import last_one, state_of
from tests.unit.plan.restarts.test_returns import state_of as gone
from tests.unit.plan.rules.test_circular_waits import decided, two_unready
from tests.unit.plan.test_held import annotated
from tests.unit.plan.test_held import streams as created
from tests.unit.plan.test_overrides import following, leaderless
from tests.unit.plan.test_switched_off import off
from tests.unit.plan.world import context, planned

THREE = NAMES["nats-3"]


def notices(actions: Iterable[Action]) -> list[Notice]:
    return [notice for action in actions for notice in action.notices]


def told(world: World) -> list[str]:
    """What is told before the last server restarts."""
    actions = replace_outdated(context(state_of(world))).actions
    assert [a.name for a in actions if isinstance(a, ReplaceServer)] == ["c-3"]
    return [notice.message for notice in notices(actions)]


class TestWhatARestartTakesAway:
    def test_is_nothing_where_streams_have_three_replicas(self) -> None:
        world = Named()
        world.stream("ORDERS", members=world.names)
        world.stream("ELSEWHERE", members=[NAMES["nats-1"]])
        assert told(world) == []

    def test_is_what_has_fewer(self) -> None:
        world = Named()
        world.stream("ALONE", members=[THREE])
        world.stream("PAIR", members=[NAMES["nats-1"], THREE])
        assert told(world) == [
            "while c-3 restarts, these are not available: with one replica: stream A/ALONE; with "
            "two replicas: stream A/PAIR"
        ]

    def test_has_consumers_only_of_streams_that_stay(self) -> None:
        world = Named()
        world.stream("ALONE", members=[THREE])
        world.stream("ALONE", members=[THREE], consumer="dispatch")
        world.stream("ORDERS", members=world.names)
        world.stream("ORDERS", members=[THREE], consumer="audit")
        (text,) = told(world)
        assert text.endswith("with one replica: stream A/ALONE, consumer A/ORDERS/audit")

    def test_is_told_to_some_number_and_streams_first(self) -> None:
        world = Named()
        world.stream("A", members=world.names)
        for index in range(3):
            world.stream("A", members=[THREE], consumer=f"c{index}")
        for index in range(MOST):
            world.stream(f"S{index}", members=[THREE])
        (text,) = told(world)
        assert text.endswith(f"stream A/S{MOST - 1} and 3 more")
        assert "consumer" not in text

    def test_is_not_told_while_the_server_only_hands_over(self) -> None:
        world = Named()
        world.stream("ALONE", members=[NAMES["nats-1"]])
        assert notices(planned(last_one(world))) == []
        world.meta_leader = world.names[1]
        (notice,) = notices(planned(last_one(world)))
        assert (notice.reason, notice.about, notice.warning) == (
            "StreamsUnavailable",
            "pod-1-0",
            False,
        )


class TestAnOverride:
    def test_that_let_a_server_restart_is_told_with_what_it_let_pass(self) -> None:
        (notice,) = notices(planned(following(state_of(leaderless()))))
        assert notice == Notice(
            USED,
            "c-3 restarts although this would hold it up: stream A/ORDERS has no leader "
            "(nats.io/override-no-leader)",
            "pod-3-0",
            warning=True,
        )

    def test_that_was_not_needed_is_not_told(self) -> None:
        decided_before = following(state_of(leaderless()))
        world = Named()
        world.stream("ORDERS", members=world.names)
        healthy = attrs.evolve(state_of(world), cluster=decided_before.cluster)
        assert notices(planned(healthy)) == []

    def test_of_others_that_are_not_ready_names_them(self) -> None:
        (notice,) = notices(planned(decided(two_unready(), 3, "unhealthy")))
        assert "c-2 is not healthy (nats.io/override-unhealthy)" in notice.message

    def test_of_many_names_some(self) -> None:
        let = [Block(Why.UNREACHABLE, f"nats-{index}") for index in range(9)]
        (notice,) = overrides_used([Block(Why.EVEN), *let], "c-1", "uid", Purpose.REMOVE)
        assert notice.message == (
            "c-1 leaves although this would hold it up: nats-0 does not answer, nats-1 does not "
            "answer, nats-2 does not answer, nats-3 does not answer, more of this kind "
            "(nats.io/override-unreachable); an even number of servers would remain "
            "(nats.io/override-even)"
        )

    def test_that_lets_a_cluster_shrink_is_told_with_the_first_move(self) -> None:
        world = Shrinking()
        world.stream("ORDERS", members=[C3, C4, C5])
        state = let_leave(shrinking(world, FIVE | {"size": 4}), "even")
        (notice,) = notices(scale_down(context(state)).actions)
        assert notice.message.startswith("c-5 leaves although this would hold it up: an even")

    def test_that_lets_a_server_leave_is_told(self) -> None:
        world = Shrinking()
        world.stream("SHORT", members=[C3, C4], replicas=3)
        state = let_leave(shrinking(world), "short")
        (notice,) = notices(scale_down(context(state)).actions)
        assert "stream A/SHORT has too few members (nats.io/override-short)" in notice.message

    @pytest.mark.parametrize("size", [180, 181])
    def test_for_room_is_told_where_it_was_needed(self, size: int) -> None:
        world = full()
        toy = world.stream("ALONE", members=[TWO])
        toy.stores[TWO] = attrs.evolve(toy.stores[TWO], size=size)
        found = notices(steps(overridden(renewed(world), "room")))
        assert [("nats.io/override-room" in it.message) for it in found] == [True] * (size > 180)

    def test_that_gives_a_position_up_is_told(self) -> None:
        world = full()
        world.stream("ORDERS", members=[TWO], consumer="audit", storage=Storage.FILE)
        (notice,) = notices(steps(overridden(renewed(world), "hosted")))
        assert notice.message.startswith("c-2 gets an empty volume although this would hold it up")
        assert "consumer A/ORDERS/audit (nats.io/override-hosted)" in notice.message

    def test_that_starts_a_server_without_its_copies_is_told(self) -> None:
        state = gone(servers(1))
        (text,) = scale_up(context(state)).waiting
        (notice,) = notices(scale_up(context(annotated(state, text.rpartition(" ")[2]))).actions)
        assert notice.message == (
            "c-3 starts without its copies of streams in memory, before others have theirs again "
            "(nats.io/override-memory)"
        )

    @pytest.mark.parametrize(
        ("world", "held"), [(created("A"), "A/A"), (Named(), "what natsctl does not know")]
    )
    def test_that_takes_jetstream_away_is_told_with_the_streams(
        self, world: Named, held: str
    ) -> None:
        state = off(world)
        (notice,) = notices(
            replace_outdated(context(annotated(state, override_of(state.cluster)))).actions
        )
        assert notice.message == (
            f"servers lose JetStream in spite of what they hold: {held} (nats.io/override-streams)"
        )
