"""Servers lose JetStream: none before all hold nothing, and the status says that first."""

from __future__ import annotations

import json
from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.types.status import ClusterStatus, parse_status
from natsctl.model.jetstream import Health
from natsctl.model.objects import Pod
from natsctl.plan.actions import DeleteServer, ReplaceServer
from natsctl.plan.claims.stored import Stored
from natsctl.plan.departures.leave import Leaving
from natsctl.plan.departures.members import next_to_forget, not_yet_members
from natsctl.plan.desired import ParsedSpec, desired_of, parse_cluster
from natsctl.plan.engine import FIRST_LOOK, plan
from natsctl.plan.gates.words import SOME
from natsctl.plan.held import Held, override_of
from natsctl.plan.jetstream import FIRST
from natsctl.plan.queries import A_MINUTE, JetStreamLook
from natsctl.plan.references import References
from natsctl.plan.rules.jetstream import look_at_streams
from natsctl.plan.rules.rolling_update import replace_outdated
from natsctl.plan.rules.rule import Decision
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.state import ClusterState
from natsctl.plan.status.accepted_spec import to_keep
from natsctl.plan.status.status import status
from natsctl.plan.switched_off import LOOKING
from natsctl.render.inputs import Images
from tests.unit.plan.departures.world import with_note
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import Named
from tests.unit.plan.restarts.test_gated import WAITING, process
from tests.unit.plan.test_held import OFF, WITH, annotated, edited, seen, streams
from tests.unit.plan.world import context

ON = parse_status({"acceptedSpec": json.dumps(WITH)})
DECIDED = parse_status({"acceptedSpec": json.dumps(OFF)})
NOTHING = Held(is_nothing=True)
SOMETHING = Held(("A/B",), 1, override="nats.io/override-streams=x")


def pods(*bare: int, size: int = 3) -> tuple[Pod, ...]:
    """Servers of which these have lost JetStream already."""
    return tuple(process(i, OFF if i in bare else WITH) for i in range(1, size + 1))


def read(
    before: ClusterStatus,
    held: Held,
    standing: tuple[Pod, ...] | None = None,
    wanted: Any = OFF,
) -> ParsedSpec:
    """What becomes of the spec."""
    found = seen(spec=wanted, pods=pods() if standing is None else standing)
    return parse_cluster(found.cluster, before, found.pods, stored=Stored(held=held))


def has_streams(parsed: ParsedSpec) -> bool:
    assert parsed.spec is not None
    return parsed.spec.jetstream is not None


class TestDecided:
    def test_first_the_status_says_so_and_until_then_the_last_spec_counts(self) -> None:
        parsed = read(ON, NOTHING)
        assert (parsed.problems, parsed.pending, has_streams(parsed)) == ((), True, True)
        parsed = read(DECIDED, NOTHING)
        assert (parsed.problems, parsed.pending, has_streams(parsed)) == ((), False, False)

    @pytest.mark.parametrize("held", [Held(), SOMETHING])
    def test_not_before_all_say_that_they_hold_nothing(self, held: Held) -> None:
        parsed = read(ON, held)
        assert has_streams(parsed)
        assert not parsed.pending
        assert parsed.problems == (held.problem,)

    def test_not_while_a_server_is_missing(self) -> None:
        assert read(ON, NOTHING, pods()[1:]).problems == (NOTHING.problem,)

    def test_or_if_a_user_says_so(self) -> None:
        assert read(ON, Held(overridden=True), pods()[1:]).pending

    def test_what_is_decided_counts_whatever_comes(self) -> None:
        for held in (Held(), SOMETHING):
            assert read(DECIDED, held, pods(3)).problems == ()

    def test_where_nobody_knows_what_to_go_back_to_it_stays(self) -> None:
        lost = ClusterStatus()
        assert [p.path for p in read(lost, NOTHING).problems] == ["spec.jetstream"]
        assert read(lost, NOTHING, pods(1, 2, 3)).problems == ()

    def test_nobody_has_to_say_anything_before_any_server_has_it(self) -> None:
        assert read(ON, Held(), pods(1, 2, 3)).pending
        assert read(ON, Held(), ()).problems

    def test_the_last_servers_are_not_removed_together_with_it(self) -> None:
        parsed = read(ON, NOTHING, wanted={**OFF, "size": 0})
        assert [p.path for p in parsed.problems] == ["spec.size"]

    def test_it_can_be_put_back_at_any_time(self) -> None:
        assert read(DECIDED, Held(), pods(3), WITH).problems == ()


def pending(world: Named | None = None) -> ClusterState:
    """The moment in which streams are proven to be none."""
    state = attrs.evolve(seen(world), status=ON)
    stored = Stored(held=NOTHING)
    parsed = parse_cluster(state.cluster, ON, state.pods, stored=stored)
    made = desired_of(state.cluster, parsed, state.pods, References(), Images(), stored=stored)
    return attrs.evolve(state, desired=made)


class TestPending:
    def test_the_status_keeps_the_next_spec(self) -> None:
        assert json.loads(to_keep(pending())) == OFF

    def test_the_next_pass_follows_at_once(self) -> None:
        again = plan(pending()).again
        assert again is not None
        assert again <= FIRST_LOOK

    def test_no_server_is_touched(self) -> None:
        steps = [action for stage in plan(pending()).stages for action in stage]
        assert not any(isinstance(step, ReplaceServer | DeleteServer) for step in steps)

    def test_the_cluster_is_not_what_the_spec_says(self) -> None:
        found = status(attrs.evolve(pending(), owned={}))
        (told,) = [c for c in found.conditions if c.type == "Ready"]
        assert (told.status, told.reason) == ("False", "ServersOutdated")
        assert told.message == "JetStream is about to be switched off"


class TestConfiguration:
    """Servers may take up one without JetStream at once."""

    def made(self, held: Held) -> tuple[str, ...]:
        state = seen()
        stored = Stored(held=held)
        parsed = parse_cluster(state.cluster, DECIDED, state.pods, stored=stored)
        goal = desired_of(state.cluster, parsed, state.pods, References(), Images(), stored=stored)
        assert goal is not None
        return goal.waiting

    def test_waits_for_the_same_proof(self) -> None:
        """The process may have been away for long since it was decided."""
        assert self.made(NOTHING) == ()
        assert self.made(SOMETHING) == (str(SOMETHING.problem),)

    def test_stays_once_it_is_there(self) -> None:
        assert self.made(attrs.evolve(SOMETHING, is_begun=True)) == ()


def off(world: Named | None = None, *bare: int, size: int = 3, spec: Any = OFF) -> ClusterState:
    """It is decided; some servers have lost JetStream."""
    toy = world or Named(size=size)
    toy.states = {toy.names[index - 1]: State.DISABLED for index in bare}
    return seen(toy, spec, pods(*bare, size=size))


def decision(state: ClusterState) -> Decision:
    return replace_outdated(context(state))


def restarted(state: ClusterState) -> list[str]:
    return [a.name for a in decision(state).actions if isinstance(a, ReplaceServer)]


class TestOneAfterTheOther:
    @pytest.mark.parametrize(
        ("bare", "following"), [((), ["c-3"]), ((3,), ["c-2"]), ((2, 3), ["c-1"])]
    )
    def test_without_a_quorum_of_nothing(self, bare: tuple[int, ...], following: list[str]) -> None:
        assert restarted(off(None, *bare)) == following

    def test_a_restart_rests_on_what_all_servers_said(self) -> None:
        (step,) = decision(off()).actions
        assert step.evidence is not None
        assert step.evidence.seen is not None
        assert len(step.evidence.runs) == 3

    def test_nobody_goes_before_all_were_asked(self) -> None:
        state = attrs.evolve(off(), jetstream=())
        assert decision(state).waiting == (LOOKING,)
        assert JetStreamLook in map(type, decision(state).queries)

    def test_streams_that_came_meanwhile_hold_it_up_and_are_named(self) -> None:
        waiting = decision(off(streams("B", "A"), 3)).waiting
        assert restarted(off(streams("A"), 3)) == []
        assert waiting[0] == (
            "there are streams again: A/A, A/B; delete them, or put spec.jetstream back"
        )
        assert "nats.io/override-streams=" in waiting[-1]

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"problem": "no answer"}, "c-2 does not say what it holds"),
            ({"name": "another"}, "c-2 does not say what it holds"),
            ({"too_many": "streams"}, "c-2 does not say all that it holds"),
            ({"health": Health(500, "starting")}, "c-2 does not say all that it holds"),
        ],
    )
    def test_and_so_does_a_server_of_which_nobody_knows(self, values: Any, said: str) -> None:
        assert decision(edited(off(), **values)).waiting[0] == said

    def test_one_whose_jetstream_is_off_has_nothing_that_anybody_could_use(self) -> None:
        """It may have taken up the configuration already."""
        assert restarted(edited(off(), disabled=True)) == ["c-3"]

    def test_one_without_a_meta_leader_has_said_all(self) -> None:
        """Nobody leads any more once most servers have lost JetStream."""
        unled = Health(503, "JetStream has not established contact with a meta leader")
        assert restarted(edited(off(), health=unled)) == ["c-3"]

    def test_one_that_does_not_run_goes_at_once(self) -> None:
        failed = process(2, WITH, ready=False, state=WAITING)
        standing = (pods()[0], failed, pods()[2])
        assert restarted(seen(streams("A"), OFF, standing)) == ["c-2"]

    def test_clients_need_the_others(self) -> None:
        ill = attrs.evolve(off(), observations={})
        assert decision(ill).waiting[0].startswith("c-1 ")

    def test_a_user_may_say_that_streams_do_not_matter(self) -> None:
        state = off(streams("A"))
        assert restarted(annotated(state, override_of(state.cluster))) == ["c-3"]

    def test_no_more_than_some_servers_are_named(self) -> None:
        silent = off(Named(size=7), size=7, spec={**OFF, "size": 7})
        looks = tuple(attrs.evolve(look, reports={}) for look in silent.jetstream)
        assert len(decision(attrs.evolve(silent, jetstream=looks)).waiting) == SOME + 1


class TestFewerServers:
    def test_leave_without_being_emptied(self) -> None:
        (gone,) = scale_down(context(off(spec={**OFF, "size": 2}))).actions
        assert isinstance(gone, DeleteServer)
        assert gone.name == "c-3"
        assert gone.evidence is not None

    def test_not_while_there_are_streams(self) -> None:
        found = scale_down(context(off(streams("A"), spec={**OFF, "size": 2})))
        assert found.actions == ()
        assert "A/A" in found.waiting[0]


class TestMembers:
    def test_nobody_is_forgotten_or_waited_for(self) -> None:
        state = with_note(off(), "5=c-5-uid-of-c")
        assert next_to_forget(context(state)) == Leaving()
        assert not_yet_members(context(edited(off(), disabled=True))) == ()


class TestLooks:
    def freshness(self, state: ClusterState) -> float:
        (query,) = look_at_streams(context(state)).queries
        return query.freshness

    def test_are_fresh_while_that_decides(self) -> None:
        asked = attrs.evolve(pending(), quiet=600.0)
        assert self.freshness(asked) == FIRST

    def test_are_rare_while_somebody_has_to_delete_streams(self) -> None:
        assert self.freshness(attrs.evolve(pending(streams("A")), quiet=600.0)) == A_MINUTE


def test_the_status_tells_nothing_of_jetstream_at_the_end() -> None:
    gone = seen(pods=pods(1, 2, 3))
    told = status(gone)
    assert told.jetstream is None
    assert "JetStream" not in {c.type for c in told.conditions}
    assert msgspec.json.encode(OFF)
