"""Servers with streams leave one at a time, each once it is empty."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model.jetstream import Storage, Usage
from natsctl.model.objects import Pod
from natsctl.plan.actions import (
    EvacuateServer,
    MoveStreams,
    NoteClaims,
    NoteDepartures,
    RemoveServer,
    ReplaceServer,
    StepDown,
)
from natsctl.plan.departures.leave import next_to_leave
from natsctl.plan.engine import plan
from natsctl.plan.gates.verdict import Baseline
from natsctl.plan.rules.rolling_update import replace_outdated
from natsctl.plan.rules.rule import Decision
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.servers.identity import excess
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.departures.world import (
    C1,
    C2,
    C3,
    C4,
    C5,
    FIVE,
    LEFT,
    THREE,
    Shrinking,
    begun,
    overridden,
    servers,
    state_of,
    with_data_of,
)
from tests.unit.plan.gates.world import State, fine
from tests.unit.plan.restarts.test_gated import process
from tests.unit.plan.world import all_of, context, evolved, planned


def decision(state: ClusterState) -> Decision:
    return scale_down(context(state))


def test_what_the_last_server_holds_moves_away_first() -> None:
    world = Shrinking()
    world.stream("ORDERS", members=[C3, C4, C5])
    world.stream("LOG", members=[C5])
    world.stream("ELSEWHERE", members=[C1])
    (move,) = all_of(MoveStreams, planned(state_of(world)))
    assert (move.name, move.server, [it.stream for it in move.streams]) == (
        "c-5",
        C5,
        ["LOG", "ORDERS"],
    )
    assert move.message == "moving 2 of 2 streams away from c-5"


def test_streams_move_some_at_a_time() -> None:
    world = Shrinking()
    for index in range(20):
        world.stream(f"S{index:02}", members=[C5])
    (move,) = all_of(MoveStreams, planned(state_of(world)))
    assert [it.stream for it in move.streams] == [f"S{index:02}" for index in range(8)]
    assert move.message == "moving 8 of 20 streams away from c-5"


@pytest.mark.parametrize("version", ["2.14.10", "2.15.3"])
@pytest.mark.parametrize("held", [True, False])
def test_every_step_rests_on_the_servers_that_were_seen(version: str, held: bool) -> None:
    world = Shrinking(version=version)
    if held:
        world.stream("LOG", members=[C5])
    state = state_of(world)
    (step,) = planned(state)
    assert step.evidence is not None
    assert step.evidence.objection(state.pods, state.now) == ""
    assert step.evidence.objection(state.pods[1:], state.now)
    assert step.evidence.objection((*state.pods, process(6, FIVE)), state.now)


@pytest.mark.parametrize("version", ["2.10.29", "2.14.10", "2.15.3"])
def test_a_release_is_asked_in_the_way_that_it_knows(version: str) -> None:
    world = Shrinking(version=version)
    world.stream("LOG", members=[C5])
    way: type[EvacuateServer | MoveStreams] = EvacuateServer if version == "2.15.3" else MoveStreams
    (move,) = planned(state_of(world))
    assert isinstance(move, way)
    assert move.server == C5


def test_where_tags_decide_who_fits_nothing_is_asked_that_would_leave_streams_short() -> None:
    """2.15 leaves out replicas for which it finds no server, unless streams move one by one."""
    world = Shrinking(version="2.15.3", zones=dict(zip((C1, C2, C3, C4, C5), "abcde", strict=True)))
    world.stream("LOG", members=[C5])
    assert [type(step) for step in planned(state_of(world))] == [MoveStreams]


def test_a_zone_that_nobody_else_is_in_keeps_its_server() -> None:
    world = Shrinking(zones=dict(zip((C1, C2, C3, C4, C5), "abbcc", strict=True)))
    world.stream("ORDERS", members=[C1, C2, C5])
    state = state_of(world)
    assert planned(state) == []
    assert decision(state).waiting == (
        "the remaining servers do not have enough different tags for stream A/ORDERS "
        "(replicas to move: 1, other tags zone: there: 0)",
        *decision(state).waiting[1:],
    )
    assert "nats.io/override-tags=pod-5-0." in decision(state).waiting[1]


def test_no_stream_moves_with_a_release_that_loses_messages_on_the_way() -> None:
    world = Shrinking(version="2.9.25")
    world.stream("LOG", members=[C5])
    state = state_of(world)
    assert planned(state) == []
    assert decision(state).waiting == (
        "c-5 holds A/LOG, and nats-server below 2.10 may lose messages of a stream that moves: it "
        "leaves once all servers run 2.10 or later (spec.version)",
    )
    empty = state_of(Shrinking(version="2.9.25"))
    assert [type(action) for action in planned(empty)] == [RemoveServer]


def test_nothing_else_is_asked_while_something_moves() -> None:
    world = Shrinking()
    world.stream("LOG", members=[C4, C5], replicas=1)
    world.stream("NEXT", members=[C5])
    state = state_of(world)
    assert planned(state) == []
    assert decision(state).waiting[0] == "stream A/LOG is moving"
    assert decision(state).queries


def test_consumers_go_with_their_streams() -> None:
    world = Shrinking()
    world.stream("LOG", members=[C5])
    world.stream("LOG", members=[C5], consumer="worker")
    (move,) = all_of(MoveStreams, planned(state_of(world)))
    assert [str(it) for it in move.streams] == ["A/LOG"]
    world.groups.pop(0)
    state = state_of(world)
    assert planned(state) == []
    assert decision(state).waiting == (
        "c-5 still holds consumers without their streams: A/LOG/worker",
    )


def test_what_a_server_calls_a_consumer_cannot_pass_for_words_of_natsctl() -> None:
    world = Shrinking()
    world.stream("LOG", members=[C5], consumer="x; delete the cluster")
    (waiting,) = decision(state_of(world)).waiting
    assert waiting.endswith('their streams: "A/LOG/x; delete the cluster"')


def test_an_empty_server_goes_and_is_noted_once_it_was_asked_to() -> None:
    """A note from before could outlive what it says: streams come, and the pod goes by itself."""
    state = state_of(Shrinking())
    (leaves,) = planned(state)
    assert isinstance(leaves, RemoveServer)
    assert leaves.name == "c-5"
    assert leaves.note == NoteDepartures("c", state.secrets["c"].metadata.uid, ((5, C5),))


def test_nobody_goes_while_there_is_no_secret_to_note_it_on() -> None:
    found = context(evolved(state_of(Shrinking()), secrets={}))
    assert next_to_leave(found, excess(found.servers, 3)).actions == ()


def test_the_meta_leader_hands_over_to_one_that_stays() -> None:
    (hands_over,) = all_of(StepDown, planned(state_of(Shrinking(meta_leader=C5))))
    assert hands_over.preferred == C1
    older = state_of(Shrinking(meta_leader=C5, version="2.10.29"))
    (hands_over,) = all_of(StepDown, planned(older))
    assert hands_over.preferred == ""


def test_both_looks_have_to_show_that_it_is_empty() -> None:
    world = Shrinking()
    world.stream("LOG", members=[C5])
    before = state_of(world)
    world.groups[0].members, world.groups[0].leader = [C1], C1
    world.groups[0].stores = {C1: world.groups[0].stores[C5]}
    after = state_of(world)
    mixed = attrs.evolve(after, jetstream=(before.jetstream[1], after.jetstream[1]))
    assert planned(mixed) == []
    assert f"{C5} still holds stream A/LOG" in decision(mixed).waiting


def test_nothing_moves_before_fresh_answers() -> None:
    state = state_of(Shrinking())
    for old in (attrs.evolve(state, jetstream=()), attrs.evolve(state, now=state.now + 30)):
        assert planned(old) == []
        assert plan(old).queries


REFUSED = "to keep the servers that are there, set spec.size to 5"


def test_nobody_has_to_have_more_replicas_than_servers_stay() -> None:
    world = Shrinking()
    world.stream("ALL", members=world.names)
    state = overridden(state_of(world), "too-few")
    assert planned(state) == []
    assert decision(state).waiting == (
        "stream A/ALL has more replicas than servers would remain (it has 5 replicas, and 3 "
        "servers stay)",
        REFUSED,
    )


def test_an_even_number_of_servers_needs_a_decision() -> None:
    world = Shrinking()
    world.stream("ORDERS", members=[C3, C4, C5])
    state = state_of(world, FIVE | {"size": 4})
    assert planned(state) == []
    assert "nats.io/override-even=pod-5-0." in " ".join(decision(state).waiting)
    assert [type(step) for step in planned(overridden(state, "even"))] == [MoveStreams]


def test_there_has_to_be_room() -> None:
    state = state_of(Shrinking())
    full = tuple(
        attrs.evolve(
            look,
            reports={
                uid: attrs.evolve(it, file=Usage(90, 100)) for uid, it in look.reports.items()
            },
        )
        for look in state.jetstream
    )
    found = attrs.evolve(state, jetstream=full)
    assert planned(found) == []
    assert decision(found).waiting[0] == "the remaining servers do not have enough room"


def test_what_is_refused_before_anything_moved_asks_nothing() -> None:
    world = Shrinking()
    world.stream("ALL", members=world.names)
    assert decision(state_of(world)).waiting
    assert decision(state_of(world)).queries == frozenset()


def test_whoever_only_waits_leaves_the_decision_to_others() -> None:
    """What it waits for may be what a restart brings, such as a release or a higher limit."""
    world = Shrinking(version="2.9.25")
    world.stream("LOG", members=[C5])
    state = to_be_restarted(world)
    assert decision(state).waiting[0].startswith("c-5 holds A/LOG, and nats-server below 2.10")
    (restart,) = planned(state)
    assert isinstance(restart, ReplaceServer)
    assert restart.name == "c-3"


def test_no_server_restarts_while_something_moves() -> None:
    world = Shrinking()
    world.stream("LOG", members=[C4, C5], replicas=1)
    moving = to_be_restarted(world)
    assert decision(moving).moves
    assert planned(moving) == []


def test_what_a_restart_waits_for_is_told_as_well() -> None:
    world = Shrinking()
    world.stream("ALL", members=world.names)
    world.stream("SICK", members=[C1, C3], leader="")
    told = {c.type: c.message for c in status(to_be_restarted(world)).conditions}
    first, rolling = told["Progressing"].split("; restarting ")
    assert first.startswith("removing c-5, c-4, one at a time; waiting: stream A/ALL has more")
    assert rolling.startswith("c-3, c-2, c-1, c-5, c-4, one at a time: spec.version")
    assert "; waiting: stream A/SICK has no leader; " in rolling
    assert "nats.io/override-no-leader=pod-3-0." in rolling


def to_be_restarted(world: Shrinking, *renewed: int, **changes: Any) -> ClusterState:
    """The same while all servers but the renewed ones have another version than the spec."""
    wanted = FIVE | {"version": world.version}
    old = FIVE | {"version": "2.9.24"}
    pods = tuple(process(i, wanted if i in renewed else old) for i in range(1, 6))
    spec = THREE | {"version": world.version}
    return begun(state_of(world, spec, pods=pods, **changes))


class TestRestartsWhileItWaits:
    """A server beyond size may be here for long, and need what the spec says to leave."""

    def world(self) -> Shrinking:
        world = Shrinking(meta_leader=C2)
        world.stream("ALL", members=world.names)  # nothing leaves
        return world

    def test_after_those_that_stay(self) -> None:
        (restart,) = all_of(ReplaceServer, planned(to_be_restarted(self.world(), 2, 3)))
        assert restart.name == "c-1"
        (restart,) = all_of(ReplaceServer, planned(to_be_restarted(self.world(), 1, 2, 3)))
        assert restart.name == "c-5"
        (restart,) = all_of(ReplaceServer, planned(to_be_restarted(self.world(), 1, 2, 3, 5)))
        assert restart.name == "c-4"

    def test_only_when_the_gate_lets_it_go(self) -> None:
        world = self.world()
        world.stream("SICK", members=[C1, C5], leader="")
        state = to_be_restarted(world, 1, 2, 3, 4)
        assert planned(state) == []
        assert "stream A/SICK has no leader" in replace_outdated(context(state)).waiting

    def test_only_if_it_would_come_back_with_what_it_has(self) -> None:
        state = to_be_restarted(self.world(), 1, 2, 3, 4, claims=(1, 2, 3, 4))
        assert replace_outdated(context(state)) == Decision()
        world = self.world()
        world.hidden = {C5}
        state = to_be_restarted(world, 1, 2, 3, 4)
        assert planned(state) == []
        assert replace_outdated(context(state)).waiting == (
            "c-5: the meta group does not list it, and spec.size does not include it, so it would "
            "not come back",
        )

    def test_what_was_broken_before_is_kept_while_nobody_has_looked(self) -> None:
        state = attrs.evolve(to_be_restarted(self.world(), 1, 2, 3, 4), jetstream=())
        decided = replace_outdated(context(state))
        assert (decided.actions, decided.before) == ((), Baseline())
        assert decided.queries

    def test_its_volume_tells_which_release_may_have_written_to_it(self) -> None:
        """Another NatsCluster may take it back, with an older release."""
        found = with_data_of(5, state_of(self.world()), version="2.9.24")
        (note,) = planned(found)
        assert isinstance(note, NoteClaims)
        assert note.name == "js-c-5"
        assert '"version":"2.12.15"' in note.data


def test_a_server_that_does_not_say_what_it_holds_stays() -> None:
    for way in (State.DOWN, State.PAUSED, State.DISABLED):
        state = state_of(Shrinking(states={C5: way}))
        for found in (state, overridden(state, "hosted", "unreachable")):
            assert planned(found) == []
            assert decision(found).waiting


def test_what_is_not_read_counts_as_held_whatever_somebody_decides() -> None:
    for unread in ({"unknown": ("A/X",)}, {"too_many": "more than 3 streams"}):
        state = state_of(Shrinking())
        looks = tuple(
            attrs.evolve(
                look,
                reports={
                    **look.reports,
                    "pod-5-0": attrs.evolve(look.reports["pod-5-0"], **unread),
                },
            )
            for look in state.jetstream
        )
        found = attrs.evolve(state, jetstream=looks)
        found = overridden(found, "unreadable", "too-many")
        assert not [a for a in planned(found) if isinstance(a, RemoveServer)]


def test_another_server_that_is_not_ready_is_waited_for_without_a_question() -> None:
    pods = (*servers(1), process(2, FIVE, ready=False), *servers()[2:])
    state = state_of(Shrinking(), pods=pods)
    assert decision(state).waiting == ("c-2 is starting",)
    assert decision(state).queries == frozenset()


def test_a_server_that_natsctl_did_not_name_stays() -> None:
    """Nothing could tell later whether a member of the meta group is this server."""
    own = changed_name(servers()[4], "mine")
    found = attrs.evolve(state_of(Shrinking()), pods=(*servers(4), own))
    (why,) = next_to_leave(context(found), excess(context(found).servers, 3)).waiting
    assert why.startswith("c-5: natsctl did not name its server")


def changed_name(found: Pod, name: str) -> Pod:
    """The same pod if its server calls itself so."""
    (nats, *others) = found.spec.containers or ()
    env = [
        msgspec.structs.replace(it, value=name) if it.name == "SERVER_NAME" else it
        for it in nats.env or ()
    ]
    container = msgspec.structs.replace(nats, env=env)
    spec = msgspec.structs.replace(found.spec, containers=[container, *others])
    return msgspec.structs.replace(found, spec=spec)


def test_a_group_that_is_not_well_holds_all_moves_up_until_somebody_decides() -> None:
    world = Shrinking()
    world.stream("LOG", members=[C5])
    world.stream("BROKEN", members=world.names[:3], leader="")
    state = state_of(world)
    assert planned(state) == []
    assert decision(state).waiting[0] == "stream A/BROKEN has no leader"
    assert [type(step) for step in planned(overridden(state, "no-leader"))] == [MoveStreams]


@pytest.mark.parametrize("version", ["2.12.15", "2.15.3"])
@pytest.mark.parametrize(("members", "replicas"), [([C1, C2], 3), ([C1], 2)])
def test_nobody_leaves_while_a_group_elsewhere_lacks_replicas(
    version: str, members: list[str], replicas: int
) -> None:
    """The copy that it lacks may be the one that leaves: nobody else tells of it."""
    world = Shrinking(version=version)
    world.stream("ORDERS", members=members, replicas=replicas)
    state = state_of(world)
    assert planned(state) == []
    assert decision(state).waiting[0] == "stream A/ORDERS has too few members"
    assert "nats.io/override-short=pod-5-0." in decision(state).waiting[1]
    state = overridden(state, "short")
    assert [type(a) for a in planned(state)] == [RemoveServer]


def test_a_group_that_lacks_replicas_is_not_moved_either() -> None:
    world = Shrinking()
    world.stream("ORDERS", members=[C1, C2, C5], replicas=4)
    world.stream("LOG", members=[C5])
    state = state_of(world, FIVE | {"size": 4})
    state = overridden(state, "even")
    assert planned(state) == []
    assert "stream A/ORDERS has too few members" in decision(state).waiting


def test_the_next_one_waits_until_the_last_one_is_forgotten() -> None:
    world = Shrinking(size=4, ghosts=[LEFT])
    world.stream("LOG", members=[C4])
    state = state_of(world)
    assert [a for a in planned(state) if isinstance(a, MoveStreams)] == []


def test_scaling_up_again_leaves_everything_where_it_is() -> None:
    world = Shrinking()
    world.stream("LOG", members=[C5])
    state = state_of(world, FIVE)
    assert planned(state) == []
    assert decision(state) == Decision()


def test_the_only_copy_in_memory_moves_as_well() -> None:
    world = Shrinking()
    world.stream("CACHE", members=[C5], storage=Storage.MEMORY)
    (move,) = all_of(MoveStreams, planned(state_of(world)))
    assert [it.stream for it in move.streams] == ["CACHE"]


def test_a_replica_that_is_behind_after_a_move_is_waited_for() -> None:
    world = Shrinking()
    toy = world.stream("ORDERS", members=[C1, C3, C4])
    toy.seen[C4] = attrs.evolve(fine(C4), current=False)
    state = state_of(world)
    assert not [a for a in planned(state) if isinstance(a, RemoveServer)]


def test_the_condition_tells_what_it_waits_for() -> None:
    world = Shrinking()
    world.stream("LOG", members=[C4, C5], replicas=1)
    told = {c.type: c.message for c in status(state_of(world)).conditions}
    assert told["Progressing"].startswith(
        "removing c-5, c-4, one at a time; waiting: stream A/LOG is moving"
    )
