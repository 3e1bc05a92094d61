"""While a spec is wrong, the last good one keeps the servers; nothing of the wrong one is done."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.api.types.status import ClusterStatus, parse_status, to_json
from natsctl.model.objects import Cluster, Meta, Pod
from natsctl.plan.actions import Action, CreateServer, Ensure
from natsctl.plan.desired import desired_of, parse_cluster
from natsctl.plan.engine import plan
from natsctl.plan.references import References
from natsctl.plan.state import ClusterState
from natsctl.plan.status.accepted_spec import LONGEST
from natsctl.plan.status.status import status
from natsctl.render.inputs import Images
from tests.unit.plan.world import NAME, NAMESPACE, UID, answers, cluster_state, planned, pod

GOOD: dict[str, Any] = {"size": 3, "version": "2.14.10"}
WRONG: list[Any] = [
    GOOD | {"natsConfig": {"write_deadline": "5"}},
    GOOD | {"size": "three"},
    GOOD | {"networkPolicy": {"clientFrom": []}},
    {"size": 5, "version": "2.15.3", "lameDuckDurationSeconds": 1},
    "garbage",
    None,
]


def looked(spec: Any, pods: tuple[Pod, ...], before: ClusterStatus) -> ClusterState:
    made = Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1), spec=spec)
    understood = parse_cluster(made, before, pods, answers(*pods))
    goal = desired_of(made, understood, pods, References(), Images())
    seen = cluster_state(GOOD, pods, status=before, desired=goal, problems=understood.problems)
    return attrs.evolve(seen, cluster=made, paused=understood.paused)


def servers(*indexes: int) -> tuple[Pod, ...]:
    return tuple(pod(i, GOOD) for i in indexes)


def accepted(spec: Any = GOOD) -> ClusterStatus:
    """The status of a cluster with this spec, as the API server holds it."""
    told = status(looked(spec, servers(1, 2, 3), ClusterStatus()))
    return parse_status(to_json(told))


def on_servers(found: ClusterState) -> list[Action]:
    """Services and Secret aside, whose digests are others here."""
    return [action for action in planned(found) if not isinstance(action, Ensure)]


def made(found: ClusterState) -> list[int]:
    return [a.index for a in on_servers(found) if isinstance(a, CreateServer)]


@pytest.mark.parametrize("spec", WRONG)
def test_a_lost_server_comes_back_as_the_last_good_spec_says(spec: Any) -> None:
    before = accepted()
    found = looked(spec, servers(1, 3), before)
    assert made(found) == [2]
    assert found.desired is not None
    assert found.desired.target.version.text == "2.14.10"
    told = status(found)
    conditions = {c.type: c for c in told.conditions}
    assert conditions["SpecAccepted"].reason == "InvalidSpec"
    assert "the last accepted spec stays in effect" in conditions["SpecAccepted"].message
    assert conditions["Ready"].reason == "InvalidSpec"
    assert told.phase == "Failed"
    assert told.accepted_spec == before.accepted_spec
    assert on_servers(looked(spec, servers(1, 2, 3), before)) == []


@pytest.mark.parametrize("spec", [GOOD | {"paused": True, "size": "x"}, {"paused": 1}])
def test_a_pause_counts_however_wrong_the_rest_is(spec: Any) -> None:
    found = looked(spec, servers(1), accepted())
    assert found.desired is None
    assert plan(found).stages == ()


@pytest.mark.parametrize("kept", ["", "{", "[]", "null", '{"size": "x"}', "[" * 9000, "\ud800"])
def test_without_a_good_one_nothing_is_changed(kept: str) -> None:
    found = looked(WRONG[0], servers(1), ClusterStatus(accepted_spec=kept))
    assert found.desired is None
    assert plan(found).stages == ()
    assert status(found).accepted_spec == kept


def test_what_is_kept_is_the_spec_of_now() -> None:
    newer = GOOD | {"natsConfig": {"debug": True}}
    first, second = accepted(), accepted(newer)
    assert first.accepted_spec == '{"size":3,"version":"2.14.10"}'
    assert '"debug":true' in second.accepted_spec
    long = GOOD | {"natsConfig": {"x": "y" * LONGEST}}
    assert accepted(long).accepted_spec == ""
