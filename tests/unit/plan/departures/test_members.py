"""Servers that left are taken out of the meta group; nobody else ever is."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.model import names
from natsctl.model.jetstream import JetStreamReport, Replica
from natsctl.plan.actions import (
    CreateServer,
    NoteClaims,
    NoteDepartures,
    RemoveMember,
    ReplaceServer,
)
from natsctl.plan.engine import plan
from natsctl.plan.rules.claims import note_claims
from natsctl.plan.rules.members import (
    await_leader,
    await_members,
    note_departures,
    remove_members,
)
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.claims.volumes import noted
from tests.unit.plan.departures.world import (
    C1,
    C2,
    C3,
    C4,
    C5,
    FIVE,
    LEFT,
    Shrinking,
    begun,
    changed_claim,
    servers,
    state_of,
    with_data_of,
)
from tests.unit.plan.gates.world import State
from tests.unit.plan.restarts.test_gated import process
from tests.unit.plan.world import all_of, context, decided, planned, terminating

NOTE = f"5={C5}"
FOUR = FIVE | {"size": 4}
NO_IMAGE = {"waiting": {"reason": "ImagePullBackOff"}}


def gone(*, ghost: Replica = LEFT, **changes: Any) -> Shrinking:
    """c-5 has left; the meta leader counts it still."""
    return Shrinking(size=4, ghosts=[ghost], **changes)


def newly_noted(state: ClusterState) -> str | None:
    """Which servers have had a volume, as it is written now."""
    found = [a for a in decided(note_claims, state, NoteClaims) if a.kind == "Secret"]
    return found[0].text if found else None


def changed(state: ClusterState, uid: str, **values: Any) -> ClusterState:
    """The same if one server said something else, in both looks."""

    def other(said: JetStreamReport) -> JetStreamReport:
        return attrs.evolve(said, **values)

    looks = tuple(
        attrs.evolve(look, reports={**look.reports, uid: other(look.reports[uid])})
        for look in state.jetstream
    )
    return attrs.evolve(state, jetstream=looks)


class TestTakenOut:
    def test_one_that_left_empty(self) -> None:
        state = state_of(gone(), departed=NOTE)
        (removal,) = planned(state)
        assert isinstance(removal, RemoveMember)
        assert (removal.server, removal.leader, removal.subject) == (C5, "pod-1-0", "pod c-5")

    def test_only_while_no_other_pod_has_come(self) -> None:
        """A server may have started under the name that is to be taken out."""
        state = state_of(gone(), departed=NOTE)
        (removal,) = planned(state)
        assert removal.evidence is not None
        assert removal.evidence.objection(state.pods, state.now) == ""
        assert removal.evidence.objection(servers(5), state.now)

    def test_then_the_note_goes_and_then_the_next_server(self) -> None:
        state = state_of(Shrinking(size=4), departed=NOTE, noted_as=(1, 2, 3, 4))
        (note,) = planned(state)
        assert isinstance(note, NoteDepartures)
        assert note.note == ()

    def test_before_that_nothing_tells_any_more_that_it_had_a_volume(self) -> None:
        """Its claim stays. Somebody may delete it before a server of that index comes again."""
        notes = all_of(NoteClaims, planned(state_of(Shrinking(size=4), departed=NOTE)))
        (text,) = (note.text for note in notes if note.kind == "Secret")
        assert text == noted(1, 2, 3, 4)

    def test_one_without_a_claim_likewise(self) -> None:
        state = state_of(
            Shrinking(size=4), departed=NOTE, claims=(1, 2, 3, 4), noted_as=(1, 2, 3, 4, 5)
        )
        assert newly_noted(state) == noted(1, 2, 3, 4)

    @pytest.mark.parametrize(
        "world",
        [
            Shrinking(size=4, ghosts=[LEFT]),
            Shrinking(size=4, meta_leader=""),
            Shrinking(size=4, states={C3: State.DOWN}),
        ],
        ids=["still a member", "no leader", "one is silent"],
    )
    def test_nothing_is_forgotten_of_its_volume_while_that_is_not_proven(
        self, world: Shrinking
    ) -> None:
        assert newly_noted(state_of(world, departed=NOTE)) is None

    def test_nor_while_a_stream_counts_on_it(self) -> None:
        world = Shrinking(size=4)
        world.stream("ORDERS", members=[C1, C2, C5])
        assert newly_noted(state_of(world, departed=NOTE)) is None

    def test_nor_of_one_that_nobody_noted(self) -> None:
        assert newly_noted(state_of(Shrinking(size=4))) is None

    def test_one_that_crashed_is_missed_after_a_while(self) -> None:
        crashed = Replica(C5, current=False, active=30.0)
        (removal,) = planned(state_of(gone(ghost=crashed), departed=NOTE))
        assert isinstance(removal, RemoveMember)

    def test_it_is_told_what_is_waited_for(self) -> None:
        told = {c.type: c for c in status(state_of(gone(), departed=NOTE)).conditions}
        assert told["Progressing"].message == (
            f"a server has left; waiting: the meta group has to forget {C5}"
        )


class TestStays:
    """Nobody is taken out who may be there, may come, or may have had something."""

    def test_one_that_nobody_noted(self) -> None:
        assert not [a for a in planned(state_of(gone())) if isinstance(a, RemoveMember)]

    def test_one_that_is_to_be(self) -> None:
        state = state_of(gone(), FIVE, departed=NOTE)
        assert not [a for a in planned(state) if isinstance(a, RemoveMember)]

    def test_one_that_is_there(self) -> None:
        state = state_of(Shrinking(), departed=NOTE)
        assert remove_members(context(state)).actions == ()

    def test_one_with_the_name_of_another_that_is(self) -> None:
        """Somebody edited the note; no name of an index is that of another."""
        state = state_of(gone(), departed=f"5={C2}")
        assert not [a for a in planned(state) if isinstance(a, RemoveMember)]

    def test_one_that_others_are_connected_to(self) -> None:
        state = changed(
            state_of(gone(), departed=NOTE), "pod-2-0", peers=frozenset({C1, C3, C4, C5})
        )
        assert planned(state) == []
        assert remove_members(context(state)).waiting == (
            f"{C5} has no pod but still runs: {C2} is connected to it",
        )

    @pytest.mark.parametrize(
        "ghost",
        [Replica(C5, current=True, active=0.5), Replica(C5, current=True, active=9.0)],
    )
    def test_one_that_was_just_heard_of(self, ghost: Replica) -> None:
        state = state_of(gone(ghost=ghost), departed=NOTE)
        assert planned(state) == []
        assert remove_members(context(state)).waiting == (
            f"the meta leader has not missed {C5} yet",
        )

    def test_one_that_a_stream_counts_on(self) -> None:
        """It came in the last moment: the note goes, and so the server returns with its volume."""
        world = gone()
        world.stream("ORDERS", members=[C1, C2, C5])
        state = state_of(world, departed=NOTE)
        (note,) = planned(state)
        assert isinstance(note, NoteDepartures)
        assert note.note == ()
        assert remove_members(context(state)).waiting == (
            f"{C5} is gone but is still a member of A/ORDERS",
        )
        assert [type(a) for a in planned(state_of(world))] == [CreateServer]

    def test_one_that_a_stream_of_an_odd_name_counts_on(self) -> None:
        world = gone()
        world.stream("x; delete it", members=[C1, C2, C5])
        assert remove_members(context(state_of(world, departed=NOTE))).waiting == (
            f'{C5} is gone but is still a member of "A/x; delete it"',
        )

    @pytest.mark.parametrize("way", [State.DOWN, State.PAUSED])
    def test_anybody_while_a_server_does_not_answer(self, way: State) -> None:
        state = state_of(gone(states={C3: way}), departed=NOTE)
        assert planned(state) == []
        assert remove_members(context(state)).waiting == (f"{C3} does not answer",)

    def test_anybody_without_a_meta_leader(self) -> None:
        world = gone(meta_leader="")
        state = state_of(world, departed=NOTE)
        assert planned(state) == []
        assert remove_members(context(state)).waiting == (
            "the servers do not agree on a meta leader",
        )

    def test_anybody_before_fresh_answers(self) -> None:
        state = state_of(gone(), departed=NOTE)
        for old in (attrs.evolve(state, jetstream=()), attrs.evolve(state, now=state.now + 30)):
            assert planned(old) == []
            assert plan(old).queries


def test_a_server_that_does_not_run_is_replaced_meanwhile() -> None:
    """The spec was reverted: what is waited for may be just this server."""
    no_image = {"waiting": {"reason": "ImagePullBackOff"}}
    outdated = process(2, FOUR | {"version": "2.12.14"}, ready=False, state=no_image)
    pods = (servers(1)[0], outdated, *servers(4)[2:])
    state = begun(state_of(gone(states={C2: State.DOWN}), FOUR, pods=pods, departed=NOTE))
    assert remove_members(context(state)).waiting == (f"{C2} does not answer",)
    (restart,) = planned(state)
    assert isinstance(restart, ReplaceServer)
    assert restart.name == "c-2"
    told = {c.type: c.message for c in status(state).conditions}
    assert told["Progressing"] == (
        f"a server has left; waiting: {C2} does not answer; restarting c-2, one at a time: "
        "spec.version"
    )


class TestMadeAgain:
    """A server beyond size that does not run and is outdated: only its successor can be emptied."""

    def with_a_bad_image(self, **changes: Any) -> ClusterState:
        state = changes.pop("state", NO_IMAGE)
        last = process(5, FIVE | {"version": "9.9.9"}, ready=False, state=state)
        world = Shrinking(states={C5: State.DOWN}, hidden=changes.pop("hidden", set()))
        world.stream("LOG", members=[C1])
        return begun(state_of(world, pods=(*servers(4), last), **changes))

    def test_it_is_replaced_and_comes_back(self) -> None:
        (restart,) = planned(self.with_a_bad_image())
        assert isinstance(restart, ReplaceServer)
        assert (restart.name, restart.uid) == ("c-5", "pod-5-0")
        (made,) = planned(state_of(gone()))
        assert isinstance(made, CreateServer)

    def test_not_one_that_would_not_come_back(self) -> None:
        crashed = {"waiting": {"reason": "CrashLoopBackOff"}}
        for state in (
            self.with_a_bad_image(claims=(1, 2, 3, 4)),
            self.with_a_bad_image(state=crashed, hidden={C5}),
            attrs.evolve(self.with_a_bad_image(), jetstream=()),
        ):
            assert not [it for it in planned(state) if isinstance(it, ReplaceServer)]

    def test_one_that_runs_goes_only_by_what_all_others_say(self) -> None:
        running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
        for state, asked in ((running, True), (NO_IMAGE, False)):
            (restart,) = all_of(ReplaceServer, planned(self.with_a_bad_image(state=state)))
            assert restart.evidence is not None
            assert (restart.name, restart.evidence.seen is not None) == ("c-5", asked)


class TestNote:
    """It counts for a server that was asked to go, and that held nothing when it was last seen."""

    def noted(self, state: ClusterState) -> list[tuple[tuple[int, str], ...]]:
        return [action.note for action in decided(note_departures, state, NoteDepartures)]

    def test_it_stays_when_the_server_is_gone(self) -> None:
        assert self.noted(state_of(gone(), departed=NOTE)) == []

    def test_it_is_taken_back_when_the_server_was_not_asked_to_go(self) -> None:
        """Nobody knows what it will hold when it goes, be it empty now or not."""
        assert self.noted(state_of(Shrinking(), departed=NOTE)) == [()]

    def test_a_pause_does_not_keep_it_from_being_taken_back(self) -> None:
        going = (*servers(4), terminating(servers()[4]))
        world = Shrinking()
        state = state_of(world, pods=going, departed=NOTE, paused=True)
        assert not [a for a in planned(state) if isinstance(a, NoteDepartures)]
        world.stream("LATE", members=[C5])
        state = state_of(world, pods=going, departed=NOTE, paused=True)
        (note,) = [a for a in planned(state) if isinstance(a, NoteDepartures)]
        assert note.note == ()

    def test_it_is_taken_back_for_a_server_that_is_to_be(self) -> None:
        assert self.noted(state_of(Shrinking(), FIVE, departed=NOTE)) == [()]

    def test_of_another_than_the_next_one_it_says_nothing(self) -> None:
        assert self.noted(state_of(Shrinking(), departed=f"4={C4}")) == [()]

    def test_a_stream_that_came_in_the_last_moment_takes_it_back(self) -> None:
        going = (*servers(4), terminating(servers()[4]))
        assert self.noted(state_of(Shrinking(), pods=going, departed=NOTE)) == []
        world = Shrinking()
        world.stream("LATE", members=[C5])
        assert self.noted(state_of(world, pods=going, departed=NOTE)) == [()]

    def test_a_server_starts_only_without_it(self) -> None:
        state = state_of(gone(), FIVE, departed=NOTE)
        assert scale_up(context(state)).actions == ()
        (note,) = planned(state)
        assert isinstance(note, NoteDepartures)
        (made,) = scale_up(context(state_of(gone(), FIVE))).actions
        assert isinstance(made, CreateServer)


class TestReturns:
    """A server whose pod went away by itself comes back, and leaves once it is empty."""

    def test_one_that_is_a_member_and_whose_volume_is_there(self) -> None:
        (made,) = planned(state_of(gone()))
        assert isinstance(made, CreateServer)
        assert (made.index, made.name) == (5, "c-5")

    def test_not_one_that_left_empty(self) -> None:
        assert scale_up(context(state_of(gone(), departed=NOTE))).actions == ()

    def test_not_one_that_is_no_member(self) -> None:
        assert scale_up(context(state_of(Shrinking(size=4)))).actions == ()

    def test_not_one_whose_volume_is_gone(self) -> None:
        assert scale_up(context(state_of(gone(), claims=(1, 2, 3, 4)))).actions == ()

    def test_not_one_that_is_there(self) -> None:
        assert scale_up(context(state_of(Shrinking()))).actions == ()

    def test_its_volume_tells_before_which_release_will_have_it(self) -> None:
        state = with_data_of(5, state_of(gone()), version="2.11.0")
        assert scale_up(context(state)).waiting == (
            "c-5: what its data depends on is being noted on PersistentVolumeClaim js-c-5",
        )
        (note,) = planned(state)
        assert isinstance(note, NoteClaims)
        assert note.name == "js-c-5"
        assert '"version":"2.12.15"' in note.data

    def test_not_while_nobody_can_read_what_its_data_depends_on(self) -> None:
        state = state_of(gone())
        edited = changed_claim(5, state, **{names.DATA_ANNOTATION: "edited"})
        assert planned(edited) == []
        assert scale_up(context(edited)).waiting == (
            "c-5: annotation nats.io/data of PersistentVolumeClaim js-c-5, which says what its "
            "data depends on, cannot be read: restore it, or remove it if the data is of this "
            "cluster",
        )

    def test_not_before_servers_were_looked_at(self) -> None:
        state = attrs.evolve(state_of(gone()), jetstream=())
        assert scale_up(context(state)).actions == ()


class TestReturnsWithoutALeader:
    """Nobody lists the members then; what is away may be what the group lacks for a quorum."""

    def world(self, members: int = 5) -> Shrinking:
        """c-3 is down, c-4 and c-5 have no pods."""
        away = [Replica(name) for name in (C4, C5)][: members - 3]
        return Shrinking(size=3, ghosts=away, meta_leader="", states={C3: State.DOWN})

    def told(self, state: ClusterState) -> str:
        return next(c.message for c in status(state).conditions if c.type == "Progressing")

    def test_all_that_may_have_something(self) -> None:
        made = all_of(CreateServer, planned(state_of(self.world())))
        assert [it.name for it in made] == ["c-4", "c-5"]

    def test_not_one_that_left_empty(self) -> None:
        (made,) = all_of(CreateServer, planned(state_of(self.world(), departed=NOTE)))
        assert made.name == "c-4"

    def test_nobody_while_others_know_a_leader(self) -> None:
        """Who leads may only not answer natsctl."""
        world = self.world()
        world.meta_leader = C3
        assert scale_up(context(state_of(world))).actions == ()

    def test_nobody_if_the_group_has_fewer_members(self) -> None:
        """One that never ran would be a new member, without data, beside too few that have some."""
        state = state_of(self.world(4))
        assert planned(state) == []
        assert self.told(state) == (
            "servers beyond spec.size are down; waiting: the meta group has no leader, and natsctl "
            "cannot tell whether it includes c-4, c-5: to start them again, set spec.size to 5"
        )

    def test_what_is_gone_with_its_volume_is_told(self) -> None:
        state = state_of(self.world(), claims=(1, 2, 3), noted_as=(1, 2, 3, 4, 5))
        assert planned(state) == []
        assert self.told(state) == (
            "servers beyond spec.size are down; waiting: the meta group has no leader, and it may "
            "include c-4, c-5, whose volumes are gone: restore js-c-4, js-c-5, or set spec.size to "
            "5, and condition VolumesReady says how to continue"
        )

    def test_nothing_is_told_of_what_the_group_cannot_have_lost(self) -> None:
        """A server that never ran, of which somebody deleted the claim."""
        state = state_of(self.world(3), claims=(1, 2, 3), noted_as=(1, 2, 3, 5))
        assert await_leader(context(state)).waiting == ()

    def test_nothing_is_told_of_what_is_gone_while_somebody_leads(self) -> None:
        state = state_of(Shrinking(size=3, ghosts=[LEFT]), claims=(1, 2, 3), noted_as=(1, 2, 3, 5))
        assert await_leader(context(state)).waiting == ()
        assert await_leader(context(attrs.evolve(state, jetstream=()))).waiting == ()


class TestComing:
    def test_a_server_that_is_not_listed_is_told(self) -> None:
        state = state_of(Shrinking(hidden={C5}), FIVE)
        told = {c.type: c for c in status(state).conditions}
        assert told["Progressing"].reason == "Joining"
        assert told["Progressing"].message == (
            "c-5 store nothing yet; waiting: the meta leader does not list them yet: for five "
            "minutes after a server was removed, its name cannot return"
        )

    def test_nobody_is_waited_for_once_all_are_listed(self) -> None:
        assert await_members(context(state_of(Shrinking(), FIVE))).waiting == ()

    def test_without_a_leader_nobody_knows(self) -> None:
        state = state_of(Shrinking(hidden={C5}, meta_leader=""), FIVE)
        assert await_members(context(state)).waiting == ()

    def test_a_single_server_is_no_member_of_anything(self) -> None:
        one = FIVE | {"size": 1}
        state = state_of(Shrinking(size=1), one, pods=servers(1), claims=(1,))
        assert await_members(context(state)).waiting == ()


class TestOneThatLeftEmptyAndIsAMemberAgain:
    """Streams may have come to it since, and nobody else tells of those with one replica."""

    FORGOTTEN = (1, 2, 3, 4)

    def test_is_noted_again_and_then_comes_back_to_leave_once_more(self) -> None:
        state = state_of(gone(), FOUR, noted_as=self.FORGOTTEN)
        assert newly_noted(state) == noted(1, 2, 3, 4, 5)
        assert not [a for a in planned(state) if isinstance(a, RemoveMember | CreateServer)]
        back = planned(state_of(gone(), FOUR))
        assert [a.name for a in back if isinstance(a, CreateServer)] == ["c-5"]

    def test_stays_forgotten_while_it_is_no_member(self) -> None:
        assert newly_noted(state_of(Shrinking(size=4), FOUR, noted_as=self.FORGOTTEN)) is None

    def test_is_taken_out_as_long_as_its_departure_is_noted(self) -> None:
        state = state_of(gone(), FOUR, departed=NOTE, noted_as=self.FORGOTTEN)
        assert newly_noted(state) is None
        assert [type(a) for a in planned(state)] == [RemoveMember]

    def test_is_left_alone_while_it_runs_somewhere(self) -> None:
        """Its pod may be gone for the API server only."""
        state = state_of(gone(), FOUR, noted_as=self.FORGOTTEN)
        heard = changed(state, "pod-1-0", peers=frozenset({C2, C3, C4, C5}))
        assert newly_noted(heard) is None

    @pytest.mark.parametrize(
        "world",
        [gone(states={C3: State.DOWN}), gone(meta_leader="")],
        ids=["one is silent", "no leader"],
    )
    def test_is_none_while_that_is_not_certain(self, world: Shrinking) -> None:
        assert newly_noted(state_of(world, FOUR, noted_as=self.FORGOTTEN)) is None

    def test_without_a_claim_stays_a_member_that_somebody_has_to_judge(self) -> None:
        """Who deleted its volume may have deleted what only it had."""
        claims = (1, 2, 3, 4)
        for told in (self.FORGOTTEN, (1, 2, 3, 4, 5)):
            state = state_of(gone(), FOUR, claims=claims, noted_as=told)
            assert newly_noted(state) is None
            assert not [a for a in planned(state) if isinstance(a, RemoveMember | CreateServer)]
