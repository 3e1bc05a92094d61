"""An answer counts for as long as whoever rests on it says."""

from __future__ import annotations

import attrs
import pytest

from natsctl.model.jetstream import JetStreamReport
from natsctl.model.jetstream_look import Look
from natsctl.model.observation import Observation
from natsctl.plan.actions import NoteProof, Plan
from natsctl.plan.context import Context
from natsctl.plan.engine import plan
from natsctl.plan.queries import (
    Answers,
    JetStreamLook,
    Probe,
    Query,
    askable,
    next_due,
    renewal,
    unanswered,
)
from natsctl.plan.rules import rule
from natsctl.plan.rules.rule import Decision, Rule, Stage
from natsctl.plan.state import ClusterState
from tests.unit.plan.world import answers, pod, running

ONE = {"size": 1}
ACTION = NoteProof("c", "u", "digest")


def test_an_answer_ends_with_the_run_that_gave_it() -> None:
    """Whatever class of query it answers; looks at all servers are judged by themselves."""
    look = Look(0.0, {})
    known = {uid: Observation(uid, run_id=(1,)) for uid in ("same", "restarted", "gone")}
    kept = Answers(now=9.0, observations=known, jetstream=(look,)).of_runs(
        {"same": (1,), "restarted": (2,)}
    )
    assert kept == Answers(now=9.0, observations={"same": known["same"]}, jetstream=(look,))


def seen(seconds_ago: float) -> ClusterState:
    """A cluster whose only server answered some time ago."""
    return running(ONE, observations=answers(pod(1, ONE), asked=100.0 - seconds_ago))


@pytest.mark.parametrize(
    ("query", "seconds_ago", "owed"),
    [
        (Probe("pod-1-0"), 1e9, False),
        (Probe("pod-1-0", 2.0), 1.5, False),
        (Probe("pod-1-0", 2.0), 2.0, True),
        (Probe("pod-1-0", 0.0), 0.0, True),
        (Probe("another"), 0.0, True),
    ],
)
def test_an_answer_counts_while_it_is_fresh(query: Query, seconds_ago: float, owed: bool) -> None:
    assert unanswered([query], seen(seconds_ago)) == ({query} if owed else set())


@pytest.mark.parametrize(
    ("seconds_ago", "owed"), [(0.0, False), (9.9, False), (10.0, True)], ids=["now", "then", "late"]
)
def test_a_look_counts_from_its_last_answer(seconds_ago: float, owed: bool) -> None:
    """Be it long after the first question: another look would take as long."""
    said = [JetStreamReport("c-1", heard=heard) for heard in (126.0, 160.0)]
    looks = Look(100.0, {"pod-1-0": said[0]}), Look(130.0, {"pod-1-0": said[1]})
    state = running(ONE, jetstream=looks, now=160.0 + seconds_ago)
    query = JetStreamLook(10.0)
    assert unanswered([query], state) == ({query} if owed else set())


class TestDecisions:
    """What a decision rests on is asked first, and whatever it wants waits for the answers."""

    @pytest.fixture
    def rules(self, monkeypatch: pytest.MonkeyPatch) -> dict[Stage, Decision]:
        """What the rule of each stage decides."""
        found: dict[Stage, Decision] = {}

        def deciding(stage: Stage) -> Rule:
            def decide(_: Context) -> Decision:
                return found.get(stage, Decision())

            return Rule(decide, stage)

        stages = (rule.OBJECTS, rule.SERVERS, rule.REMOVAL)
        monkeypatch.setattr("natsctl.plan.engine.RULES", tuple(map(deciding, stages)))
        return found

    @pytest.mark.parametrize("stage", [rule.OBJECTS, rule.SERVERS, rule.REMOVAL])
    def test_actions_wait_for_what_they_rest_on(
        self, rules: dict[Stage, Decision], stage: Stage
    ) -> None:
        query = Probe("pod-1-0", 2.0)
        rules[stage] = Decision((ACTION,), queries=frozenset({query}))
        late, fresh = plan(seen(3.0)), plan(seen(1.0))
        assert late == Plan((), frozenset({query}), 0.0)
        assert fresh == Plan(((ACTION,),))

    def test_what_rests_on_nothing_goes_on(self, rules: dict[Stage, Decision]) -> None:
        rules[rule.OBJECTS] = Decision((ACTION,))
        rules[rule.SERVERS] = Decision(
            (attrs.evolve(ACTION, name="d"),), queries=frozenset({Probe("pod-1-0", 2.0)})
        )
        assert plan(seen(3.0)).stages == ((ACTION,),)

    def test_no_server_is_taken_away_while_an_answer_is_owed(
        self, rules: dict[Stage, Decision]
    ) -> None:
        rules[rule.SERVERS] = Decision(queries=frozenset({Probe("pod-1-0", 2.0)}))
        rules[rule.REMOVAL] = Decision((ACTION,))
        assert plan(seen(3.0)).stages == ()
        assert plan(seen(1.0)).stages == ((ACTION,),)


class TestJetStreamLook:
    """All servers, twice: that something stays as it is shows in the second look only."""

    @staticmethod
    def looked(*seconds_ago: float) -> ClusterState:
        looks = tuple(Look(100.0 - ago) for ago in seconds_ago)
        return attrs.evolve(running(ONE), now=100.0, jetstream=looks)

    @pytest.mark.parametrize(
        ("seconds_ago", "owed", "due"),
        [
            ((), True, 0.0),
            ((0.25,), True, 0.75),
            ((1.0,), True, 0.0),
            ((90.0,), True, 0.0),
            ((1.5, 1.0), True, 0.0),
            ((3.0, 2.0), False, 0.0),
            ((9.5, 0.25), False, 0.75),
            ((11.0, 9.0), False, 0.0),
            ((11.0, 10.0), True, 0.0),
            ((90.25, 0.25), False, 0.75),
            ((91.0, 0.25), True, 0.75),
            ((100.0, 9.0), True, 0.0),
            ((9.0, 8.0005, 7.0), False, 0.0),
        ],
    )
    def test_counts_while_the_last_of_two_looks_is_fresh(
        self, seconds_ago: tuple[float, ...], owed: bool, due: float
    ) -> None:
        state, query = self.looked(*seconds_ago), JetStreamLook(10.0)
        assert bool(unanswered([query], state)) is owed
        assert query.due_in(state) == due
        assert askable([query], state) == (set() if due else {query})
        assert next_due([query], state) == due

    def test_is_renewed_when_it_no_longer_counts(self) -> None:
        state = self.looked(3.0, 2.0)
        assert renewal([JetStreamLook(10.0), JetStreamLook(60.0)], state) == 8.0
        assert renewal([JetStreamLook(10.0)], self.looked(3.0)) is None

    def test_others_are_due_at_once_and_never_renewed(self) -> None:
        state = seen(1.0)
        assert next_due([Probe("pod-1-0")], state) == 0.0
        assert renewal([Probe("pod-1-0", 2.0)], state) is None
        assert next_due([], state) is None

    def test_a_plan_waits_until_it_may_be_asked_and_asks_what_may_be(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        query = JetStreamLook(10.0)
        decision = Decision((ACTION,), queries=frozenset({query, Probe("pod-1-0", 2.0)}))
        rules = (Rule(lambda _: decision, rule.OBJECTS),)
        monkeypatch.setattr("natsctl.plan.engine.RULES", rules)

        def planned(asked: float, *looks: float) -> Plan:
            observed = answers(pod(1, ONE), asked=100.0 - asked)
            return plan(attrs.evolve(self.looked(*looks), observations=observed))

        first, second, both = planned(0.0), planned(0.0, 0.25), planned(3.0, 0.25)
        assert first == Plan((), frozenset({query}), 0.0)
        assert second == Plan(again=0.75)
        assert (both.queries, both.again) == (frozenset({Probe("pod-1-0", 2.0)}), 0.0)
        third = planned(0.0, 1.25, 0.25)
        assert third == Plan(((ACTION,),), again=9.75)
