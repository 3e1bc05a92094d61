"""What a NatsServiceRole's status says."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.api.status import RoleStatus, to_json
from natsctl.plan.objects import Meta, Role
from natsctl.plan.policies.roles import tell_roles
from natsctl.plan.snapshot import Snapshot
from tests.unit.plan.sources import account, resolved, role, token, with_tokens
from tests.unit.plan.world import NOW, desired, running

ACCOUNTS: dict[str, Any] = {"auth": {"enableServiceAccounts": True}}


def seen(*tokens: Any, spec: dict[str, Any] = ACCOUNTS, **more: Any) -> Snapshot:
    given = with_tokens(*tokens, **more)
    whole = {"size": 1, "version": "2.14.10"} | spec
    goal = attrs.evolve(desired(whole), resolved=resolved(spec, given))
    return running(whole, desired=goal, sources=given)


def told(snapshot: Snapshot) -> RoleStatus:
    (action,) = tell_roles(snapshot)
    assert action.name == "worker"
    return action.status


def verdict(snapshot: Snapshot) -> tuple[str, str, str]:
    (found,) = told(snapshot).conditions
    return found.status, found.reason, found.message


def test_which_accounts_are_in() -> None:
    both = {"worker": (account(), account("other"))}
    status = told(seen(token(), token(namespace="other"), accounts=both))
    assert [(a.namespace, a.name, a.user, a.secret) for a in status.service_accounts] == [
        ("ns", "worker", "worker", "worker-c-bound-token"),
        ("other", "worker", "worker_other", "worker-c-bound-token"),
    ]
    assert status.conditions[0].status == "True"


@pytest.mark.parametrize(
    ("snapshot", "says"),
    [
        (seen(spec={}), ("False", "ServiceAccountsDisabled", "enableServiceAccounts")),
        (seen(spec={"auth": {}}), ("False", "ServiceAccountsDisabled", "enableServiceAccounts")),
        (seen(roles=(role(publish=[".."]),)), ("False", "InvalidSpec", "is no subject")),
        (seen(accounts={}), ("False", "NoServiceAccount", "there is no ServiceAccount worker")),
        (seen(), ("False", "WaitingForToken", "no token yet for ServiceAccount worker of ns")),
        (
            seen(token(), accounts={"worker": (account(), account("b"))}),
            ("True", "WaitingForToken", "of b"),
        ),
        (seen(token()), ("True", "Matched", "all namespaces")),
        (
            attrs.evolve(seen(token()), scope=("ns",)),
            ("True", "Matched", "only those of namespace ns"),
        ),
    ],
)
def test_why_or_why_not(snapshot: Snapshot, says: tuple[str, str, str]) -> None:
    status, reason, message = verdict(snapshot)
    assert (status, reason) == says[:2]
    assert says[2] in message


def test_what_was_told_is_not_told_again() -> None:
    status = told(seen(token()))
    assert tell_roles(seen(token(), roles=(role(publish=["a"], status=to_json(status)),))) == ()


def test_a_condition_that_stays_keeps_its_time() -> None:
    before = told(seen(token()))
    old = attrs.evolve(
        before.conditions[0], last_transition_time="2025-01-01T00:00:00Z", message=""
    )
    stored = to_json(attrs.evolve(before, conditions=(old,)))
    after = told(seen(token(), roles=(role(publish=["a"], status=stored),)))
    assert after.conditions[0].last_transition_time == "2025-01-01T00:00:00Z"
    assert before.conditions[0].last_transition_time == NOW


def test_a_role_that_is_going_is_left_alone() -> None:
    going = Role(Meta(name="worker", namespace="ns", deletion_timestamp=NOW))
    assert tell_roles(seen(roles=(going,))) == ()
