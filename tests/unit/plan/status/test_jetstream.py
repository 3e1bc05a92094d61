"""What the status and the condition JetStream tell, and when they change."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.types.status import (
    BlockedStatus,
    ClusterStatus,
    GroupsStatus,
    JetStreamStatus,
    StorageStatus,
    parse_status,
    to_json,
)
from natsctl.model.jetstream import Asset, Replica, Store, Usage
from natsctl.plan.gates.quorum import State as Quorate
from natsctl.plan.jetstream import seen_in
from natsctl.plan.state import ClusterState
from natsctl.plan.status.jetstream import OLD, SHORT
from natsctl.plan.status.status import status
from tests.unit.plan.gates.world import State, World
from tests.unit.plan.looks import NAMES, Named
from tests.unit.plan.restarts.test_gated import BEFORE, state_of
from tests.unit.plan.world import invalid, running

GIB = 1 << 30
NOW = running({"size": 1}).timestamp
ONE, TWO, THREE = (NAMES[f"nats-{index}"] for index in (1, 2, 3))


def looked(
    world: World, before: ClusterStatus | None = None, used: int = 42, **changes: Any
) -> ClusterState:
    """The cluster after two looks, with so much percent of 1 GiB used on its first server."""
    state = state_of(world, BEFORE, quiet=600.0, status=before or ClusterStatus())
    looks = []
    for look in state.jetstream:
        first = attrs.evolve(look.reports["pod-1-0"], file=Usage(used * GIB // 100 + 1, GIB))
        looks.append(attrs.evolve(look, reports={**look.reports, "pod-1-0": first}))
    made = attrs.evolve(state, jetstream=tuple(looks), **changes)
    return attrs.evolve(made, seen=seen_in(made))


def told(state: ClusterState) -> ClusterStatus:
    """The status as it is read back."""
    return parse_status(to_json(status(state)))


def jetstream(state: ClusterState) -> JetStreamStatus:
    found = told(state).jetstream
    assert found is not None
    return found


def condition(state: ClusterState) -> tuple[str, str, str]:
    found = {c.type: c for c in status(state).conditions}["JetStream"]
    return found.status, found.reason, found.message


def well() -> World:
    world = Named()
    world.stream("ORDERS", members=world.names)
    return world


def without(server: str, how: State) -> World:
    world = well()
    world.states[server] = how
    return world


def many(count: int, ill: int = 0) -> World:
    world = Named()
    for number in range(count):
        world.stream(f"S{number:03}", members=world.names, leader="" if number < ill else None)
    return world


@pytest.mark.parametrize("state", [running({"size": 1}), invalid()])
def test_a_cluster_without_jetstream_says_nothing_of_it(state: ClusterState) -> None:
    found = status(state)
    assert found.jetstream is None
    assert "jetstream" not in to_json(found)
    assert "JetStream" not in {c.type for c in found.conditions}


def test_a_cluster_that_is_well() -> None:
    state = looked(well())
    assert condition(state) == ("True", "Ready", "")
    assert jetstream(state) == JetStreamStatus(
        quorum="ok",
        meta_leader="c-1",
        groups=GroupsStatus(1, 1, 0, 0),
        storage=(
            StorageStatus("c-1", 42, "1Gi"),
            StorageStatus("c-2", 10, "100"),
            StorageStatus("c-3", 10, "100"),
        ),
    )


class TestSinceWhenSomethingBlocks:
    LATER = "2026-03-04T05:06:07Z"

    def test_stays_for_as_long_as_it_does(self) -> None:
        """Whatever else comes, and whatever is seen of it meanwhile."""
        world = without(THREE, State.DOWN)
        before = told(looked(world))
        world.stream("LATER", members=world.names, leader="")
        found = jetstream(looked(world, before, timestamp=self.LATER))
        since = {(it.why, it.stream): it.since for it in found.blocked}
        assert since["unreachable", ""] == NOW
        assert since["no-leader", "LATER"] == self.LATER

    def test_is_another_moment_if_it_was_well_in_between(self) -> None:
        ill = without(THREE, State.DOWN)
        between = told(looked(well(), told(looked(ill))))
        found = jetstream(looked(ill, between, timestamp=self.LATER))
        assert {it.since for it in found.blocked} == {self.LATER}

    def test_is_now_where_the_status_does_not_say_it(self) -> None:
        """Written by an earlier natsctl, or by anybody."""
        before = told(looked(without(THREE, State.DOWN)))
        assert before.jetstream is not None
        for text in ("", "yesterday"):
            rows = tuple(attrs.evolve(row, since=text) for row in before.jetstream.blocked)
            known = attrs.evolve(before, jetstream=attrs.evolve(before.jetstream, blocked=rows))
            found = jetstream(looked(without(THREE, State.DOWN), known, timestamp=self.LATER))
            assert {it.since for it in found.blocked} == {self.LATER}


class TestWords:
    def test_a_server_that_is_down(self) -> None:
        state = looked(without(THREE, State.DOWN))
        assert condition(state)[:2] == ("False", "QuorumCritical")
        assert "if one of these servers stops: c-1, c-2; c-3 does not answer" in condition(state)[2]
        found = jetstream(state)
        assert (found.quorum, found.must_stay) == ("critical", ("c-1", "c-2"))
        silent = "c-3 does not answer (no answer in time)"
        blocks = BlockedStatus("unreachable", silent, server="c-3", since=NOW)
        assert blocks in found.blocked

    def test_a_server_without_jetstream_on_it(self) -> None:
        state = looked(without(TWO, State.DISABLED))
        assert condition(state)[:2] == ("False", "JetStreamDisabled")
        assert condition(state)[2] == (
            "JetStream gave up on c-2: its volume may be full, and it needs a restart once there "
            "is room"
        )
        assert state.seen is not None
        off = attrs.evolve(state, seen=attrs.evolve(state.seen, gave_up=()))
        assert condition(off)[1:] == ("ServersWithoutJetStream", "JetStream is off on c-2")

    def test_servers_that_all_turned_it_off_are_the_cause_of_what_is_lost(self) -> None:
        world = Named(states=dict.fromkeys((ONE, TWO, THREE), State.DISABLED))
        found = condition(looked(world))
        assert found[1] == "JetStreamDisabled"
        assert found[2].startswith("JetStream gave up on c-1, c-2, c-3: ")
        assert "; without a leader, and so not available: the meta group" in found[2]

    def test_a_store_that_does_not_change_any_more(self) -> None:
        state = looked(well())
        assert state.seen is not None
        still = attrs.evolve(state.seen, frozen={THREE: (Asset("A", "ORDERS"),)})
        assert condition(attrs.evolve(state, seen=still)) == (
            "False",
            "StreamsFrozen",
            "a write failed on c-3, and streams no longer change there (such as A/ORDERS): it "
            "needs a restart once there is room",
        )
        lost = looked(many(1, ill=1))
        assert lost.seen is not None
        unnamed = attrs.evolve(lost.seen, frozen={THREE: ()})
        assert condition(attrs.evolve(lost, seen=unnamed))[2] == (
            "a write failed on c-3, and streams no longer change there: it needs a restart once "
            "there is room; without a leader, and so not available: A/S000"
        )

    def test_a_stream_without_a_leader(self) -> None:
        state = looked(many(2, ill=1))
        assert condition(state)[:2] == ("False", "QuorumLost")
        assert condition(state)[2] == "without a leader, and so not available: A/S000"
        assert jetstream(state).groups == GroupsStatus(2, 1, 0, 1)

    def test_no_meta_leader(self) -> None:
        world = well()
        assert isinstance(world, Named)
        world.meta_leader = ""
        state = looked(world, ClusterStatus(jetstream=JetStreamStatus(meta_leader="c-1")))
        assert condition(state)[2] == "without a leader, and so not available: the meta group"
        assert jetstream(state).meta_leader == ""

    def test_a_copy_that_lost_a_part(self) -> None:
        world = well()
        world.groups[0].stores[THREE] = Store(40, 61, 100)
        state = looked(world)
        assert condition(state) == (
            "False",
            "StreamDamaged",
            "stream A/ORDERS lacks messages on c-3; all messages are on c-1, c-2",
        )

    def test_a_copy_that_lost_a_part_and_leads(self) -> None:
        world = well()
        world.groups[0].stores = {
            ONE: Store(40, 61, 100),
            TWO: Store(90, 1, 100),
            THREE: Store(40, 61, 100),
        }
        assert condition(looked(world))[2] == (
            "stream A/ORDERS lacks messages on c-1, c-2, c-3, which leads it; no copy is complete"
        )

    def test_a_server_that_a_larger_cluster_can_do_without(self) -> None:
        lone = Named(states={THREE: State.DOWN})
        state = looked(lone)
        assert state.seen is not None
        calm = attrs.evolve(state.seen, quorum=attrs.evolve(state.seen.quorum, state=Quorate.OK))
        found = condition(attrs.evolve(state, seen=calm))
        assert found == ("False", "ServersNotAnswering", "no answer from c-3")

    def test_nobody_who_answers(self) -> None:
        world = Named(states=dict.fromkeys((ONE, TWO, THREE), State.DOWN))
        assert condition(looked(world))[:2] == ("Unknown", "NobodyAnswers")

    def test_a_store_that_fills(self) -> None:
        assert condition(looked(well(), used=79))[1] == "Ready"
        assert condition(looked(well(), used=80))[:2] == ("True", "StorageFilling")
        assert condition(looked(well(), used=80))[2] == (
            "more than 80 % of the file store is used on c-1: raise "
            "spec.jetstream.fileStore.pvc.size (and maxSize, if it is set), or delete messages"
        )
        assert condition(looked(well(), used=89))[1] == "StorageFilling"
        assert condition(looked(well(), used=90)) == (
            "False",
            "StorageLow",
            "the file store is nearly full on c-1, and streams have no leader once it is: raise "
            "spec.jetstream.fileStore.pvc.size (and maxSize, if it is set), or delete messages",
        )

    def test_a_store_that_is_nearly_full_beside_anything_else(self) -> None:
        """A restart would fix that; nothing but room fixes this."""
        world = Named(states={THREE: State.DOWN})
        assert "the file store is nearly full" not in condition(looked(world))[2]
        found = condition(looked(world, used=90))
        assert found[1] == "QuorumCritical"
        assert "; the file store is nearly full on c-1" in found[2]

    def test_what_a_restart_would_wait_for(self) -> None:
        world = well()
        world.groups[0].seen[THREE] = Replica(THREE, current=True, active=0.1, lag=900)
        state = looked(world)
        assert condition(state)[0] == "False"  # three replicas: no other may go
        toy = world.stream("TWO", members=[ONE, TWO], replicas=2)
        world.groups = [toy]
        toy.seen[TWO] = Replica(TWO, current=True, active=0.1, lag=900)
        found = condition(looked(world))
        assert found[:2] == ("True", "RestartsBlocked")
        assert found[2] == "restarts would wait: the replica of stream A/TWO on c-2 is not healthy"


class TestChanges:
    def after(self, world: World, then: World, used: int = 42, later: int = 42) -> ClusterStatus:
        return told(looked(then, told(looked(world, used=used)), used=later))

    def test_nothing_changes_at_rest(self) -> None:
        before = told(looked(well()))
        assert told(looked(well(), before)) == before

    @pytest.mark.parametrize(
        ("used", "later", "tells"),
        [(42, 46, 42), (42, 47, 47), (42, 37, 37), (79, 80, 80), (80, 79, 80), (89, 90, 90)],
    )
    def test_storage_is_told_in_steps(self, used: int, later: int, tells: int) -> None:
        found = self.after(well(), well(), used, later).jetstream
        assert found is not None
        assert found.storage[0].used_percent == tells

    def test_another_limit_is_told(self) -> None:
        before = told(looked(well()))
        assert before.jetstream is not None
        raised = attrs.evolve(before.jetstream, storage=(StorageStatus("c-1", 41, "2Gi"),))
        found = jetstream(looked(well(), attrs.evolve(before, jetstream=raised)))
        assert found.storage[0] == StorageStatus("c-1", 42, "1Gi")

    def test_of_a_server_that_is_silent_the_last_is_kept(self) -> None:
        found = self.after(well(), without(THREE, State.DOWN)).jetstream
        assert found is not None
        assert [it.server for it in found.storage] == ["c-1", "c-2", "c-3"]
        lone = told(looked(without(THREE, State.DOWN))).jetstream
        assert lone is not None
        assert [it.server for it in lone.storage] == ["c-1", "c-2"]

    @pytest.mark.parametrize(
        ("count", "then", "ill", "tells"),
        [(20, 22, 0, 20), (20, 23, 0, 23), (20, 18, 0, 20), (20, 21, 1, 21), (3, 4, 0, 4)],
    )
    def test_a_few_groups_that_come_and_go_are_not_told(
        self, count: int, then: int, ill: int, tells: int
    ) -> None:
        found = self.after(many(count), many(then, ill)).jetstream
        assert found is not None
        assert found.groups.total == tells

    def test_the_meta_leader_of_before_is_told_during_an_election(self) -> None:
        state = looked(well(), told(looked(well())))
        assert state.seen is not None
        elects = attrs.evolve(state.seen, summary=attrs.evolve(state.seen.summary, meta_leader=""))
        assert jetstream(attrs.evolve(state, seen=elects)).meta_leader == "c-1"

    def test_a_restart_that_is_over_soon_is_not_told(self) -> None:
        before = told(looked(well()))
        for quiet, reason in ((SHORT - 1, "Ready"), (SHORT, "QuorumCritical")):
            state = looked(without(THREE, State.DOWN), before, quiet=quiet)
            assert condition(state)[1] == reason
        down = told(looked(without(THREE, State.DOWN)))
        assert condition(looked(well(), down, quiet=1.0))[1] == "Ready"

    def test_a_new_cluster_is_not_ill_because_servers_start(self) -> None:
        state = looked(without(THREE, State.DOWN), quiet=SHORT - 1)
        assert told(state).jetstream is None
        assert "JetStream" not in {c.type for c in status(state).conditions}
        assert jetstream(attrs.evolve(state, quiet=SHORT)).quorum == "critical"

    def test_a_cluster_that_has_no_jetstream_any_more_tells_nothing(self) -> None:
        before = told(looked(well()))
        assert status(running({"size": 3}, status=before)).jetstream is None


class TestWithoutLooks:
    def test_the_last_status_stays_for_some_minutes(self) -> None:
        before = told(looked(well()))
        fresh = looked(well(), before)
        for state in (attrs.evolve(fresh, seen=None), attrs.evolve(fresh, now=fresh.now + OLD)):
            soon = attrs.evolve(state, quiet=OLD)
            assert told(soon) == attrs.evolve(before, servers=told(soon).servers)
            late = attrs.evolve(state, quiet=OLD + 1)
            assert condition(late)[:2] == ("Unknown", "NotLookedAt")
            found = jetstream(late)
            assert before.jetstream is not None
            assert found == attrs.evolve(before.jetstream, quorum="unknown")
            assert told(attrs.evolve(late, status=told(late))) == told(late)

    def test_a_new_cluster_tells_nothing_at_first(self) -> None:
        state = attrs.evolve(looked(well()), seen=None, jetstream=())
        assert told(attrs.evolve(state, quiet=1.0)).jetstream is None
        assert told(attrs.evolve(state, quiet=OLD + 1)).jetstream == JetStreamStatus("unknown")

    def test_of_a_spec_that_nobody_understands_the_last_status_stays(self) -> None:
        before = told(looked(well()))
        found = told(invalid(status=before, quiet=OLD + 1))
        assert found.jetstream == before.jetstream

    def test_looks_that_do_not_belong_together_show_nothing(self) -> None:
        state = looked(well())
        first, second = state.jetstream
        apart = attrs.evolve(second, began=first.began + 1000)
        for looks in ((), (second,), (first, apart)):
            assert seen_in(attrs.evolve(state, jetstream=looks)) is None
        assert seen_in(attrs.evolve(state, desired=None)) is None


def test_names_of_users_cannot_forge_anything() -> None:
    world = Named()
    world.stream('X"\n\x1b[2J ok', members=world.names, leader="")
    found = told(looked(world))
    raw = msgspec.json.encode(to_json(found)).decode()
    assert "\\u001b" not in raw
    assert "\\n" not in raw
    assert told(looked(world, found)).jetstream == found.jetstream
