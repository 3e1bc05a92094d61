"""What a role says whose cluster nobody acts on, or which is of no cluster."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from msgspec.structs import replace

from natsctl.api.types.status import ClusterStatus, Condition, RoleStatus, to_json
from natsctl.model.objects import Cluster, Meta, ServiceRole
from natsctl.plan.status.orphan_roles import orphan_status
from tests.unit.plan.references import role
from tests.unit.plan.world import NOW

HERE, THERE = "ns/nats-operator", "other/nats-operator"
REFUSED = (Condition("SpecAccepted", "False"),)


def cluster(status: dict[str, Any] | None = None, **meta: Any) -> Cluster:
    told = attrs.evolve(ClusterStatus(operator=HERE, observed_generation=1), **(status or {}))
    where = replace(Meta(name="c", namespace="ns", generation=1), **meta)
    return Cluster(where, spec={"size": 1}, status=to_json(told))


def told(subject: ServiceRole, found: Cluster | None) -> RoleStatus | None:
    return orphan_status(subject, found, HERE, NOW)


def unlabelled(**labels: str) -> ServiceRole:
    return replace(role(), metadata=replace(role().metadata, labels=labels or None))


ANOTHERS = {"annotations": {"nats.io/operator": THERE}}
SAYS: list[tuple[ServiceRole, Cluster | None, str, str, str]] = [
    (unlabelled(), None, "False", "NoLabel", "no label nats_cluster"),
    (unlabelled(nats_cluster=""), cluster(), "False", "NoLabel", "no label nats_cluster"),
    (role(), None, "False", "NoCluster", "NatsCluster c does not exist in this namespace"),
    (role(), cluster(deletion_timestamp=NOW), "False", "NoCluster", "is being deleted"),
    (
        role(),
        cluster({"operator": ""}, **ANOTHERS),
        "False",
        "NotManaged",
        f'installation "{THERE}"',
    ),
    (
        role(),
        cluster({"conditions": REFUSED}),
        "Unknown",
        "ClusterNotAccepted",
        "condition SpecAccepted",
    ),
    (role(), cluster({"control_paused": True}), "Unknown", "ClusterPaused", "spec.paused"),
]


@pytest.mark.parametrize(("subject", "found", "state", "reason", "says"), SAYS)
def test_why_nobody_gets_in(
    subject: ServiceRole, found: Cluster | None, state: str, reason: str, says: str
) -> None:
    status = told(subject, found)
    assert status is not None
    (condition,) = status.conditions
    assert (condition.type, condition.status, condition.reason) == ("Matched", state, reason)
    assert says in condition.message
    assert status.observed_generation == 1
    assert told(replace(subject, status=to_json(status)), found) is None


@pytest.mark.parametrize(
    "found",
    [
        cluster(),
        cluster({"operator": ""}),
        cluster({"operator": THERE}),
        cluster({"operator": THERE}, **ANOTHERS),
        cluster({"operator": HERE}, **ANOTHERS),
        cluster({"conditions": REFUSED}, generation=2),
        cluster({"control_paused": True}, generation=2),
    ],
)
def test_what_is_told_by_the_actor_of_a_cluster_here_or_elsewhere(found: Cluster) -> None:
    assert told(role(), found) is None


def test_a_role_that_is_going_is_left_alone() -> None:
    going = replace(role(), metadata=replace(role().metadata, deletion_timestamp=NOW))
    assert told(going, None) is None


ACCOUNTS = {
    "conditions": [{"type": "Matched", "status": "True", "lastTransitionTime": "2025"}],
    "serviceAccounts": [{"namespace": "ns", "name": "worker"}],
}


def test_without_a_cluster_nobody_is_in_and_with_one_that_stands_still_they_stay() -> None:
    before = role(status=ACCOUNTS)
    gone, still = told(before, None), told(before, cluster({"control_paused": True}))
    assert gone is not None
    assert still is not None
    assert (len(gone.service_accounts), len(still.service_accounts)) == (0, 1)
    assert gone.conditions[0].last_transition_time == NOW


def test_a_condition_that_stays_keeps_its_time() -> None:
    old = {"conditions": [{"type": "Matched", "status": "False", "lastTransitionTime": "2025"}]}
    status = told(role(status=old), None)
    assert status is not None
    assert status.conditions[0].last_transition_time == "2025"
