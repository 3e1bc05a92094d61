"""Rules decide once about a state, for the plan and for the conditions."""

from __future__ import annotations

from natsctl.plan.context import Context
from natsctl.plan.decisions import Judged, decisions_of
from natsctl.plan.engine import plan
from natsctl.plan.rules.rule import Decision
from natsctl.plan.servers.server import servers_of
from natsctl.plan.status.cluster_metrics import cluster_metrics
from natsctl.plan.status.status import status
from tests.unit.plan.world import context, invalid, running


def test_each_rule_decides_once() -> None:
    state = running({"size": 1})
    decisions = decisions_of(state, servers_of(state))
    assert decisions is not None
    asked: list[Context] = []

    def decide(context: Context) -> Decision:
        asked.append(context)
        return Decision(waiting=("something",))

    assert decisions.of(decide) is decisions.of(decide)
    assert asked == [decisions.context]
    assert decisions.of(lambda _: Decision()) == Decision()


def test_what_many_rules_ask_is_found_out_once() -> None:
    state = running({"size": 1})
    first, second = (context(state) for _ in range(2))
    asked: list[int] = []

    def found(context: Context) -> int:
        asked.append(context.size)
        return context.size

    assert [it.once(found) for it in (first, first, second)] == [1, 1, 1]
    assert len(asked) == 2
    assert first == second


def test_nothing_is_decided_about_a_spec_that_cannot_be_acted_on() -> None:
    assert decisions_of(invalid(), ()) is None


def test_plan_status_and_metrics_share_what_was_found_out_about_a_state() -> None:
    state = running({"size": 3})
    known = Judged(state)
    assert plan(state, known) == plan(state)
    assert known.decisions is known.decisions
    assert status(state, known) == status(state)
    told = status(state)
    assert cluster_metrics(state, told, known) == cluster_metrics(state, told)
