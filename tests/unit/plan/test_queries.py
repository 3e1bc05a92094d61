"""An answer counts for as long as whoever rests on it says."""

from __future__ import annotations

import attrs
import pytest

from natsctl.plan.actions import NoteProof
from natsctl.plan.context import Context
from natsctl.plan.engine import plan
from natsctl.plan.queries import Probe, Query, unanswered
from natsctl.plan.rules import rule
from natsctl.plan.rules.rule import Decision, Rule, Stage
from natsctl.plan.state import ClusterState
from tests.unit.plan.world import answers, pod, running

ONE = {"size": 1}
ACTION = NoteProof("c", "u", "digest")


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
        assert (late.stages, late.queries, late.again) == ((), {query}, 0.0)
        assert (fresh.stages, fresh.queries, fresh.again) == (((ACTION,),), set(), None)

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
