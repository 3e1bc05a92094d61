"""What a NatsServiceRole's status says."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.api.types.status import RoleStatus, to_json
from natsctl.model.objects import Meta, ServiceRole
from natsctl.plan.actions import UpdateRoleStatus
from natsctl.plan.decisions import decisions_of
from natsctl.plan.namespaces import NamespacePolicy
from natsctl.plan.rules.service_roles import update_role_statuses
from natsctl.plan.servers.server import servers_of
from natsctl.plan.state import ClusterState, Failure, Trial
from natsctl.plan.status.conditions import config_accepted, degraded
from tests.unit.plan.references import (
    account,
    resolved,
    role,
    role_of,
    selecting,
    token,
    users,
    with_tokens,
)
from tests.unit.plan.world import NOW, decided, desired, running

ACCOUNTS: dict[str, Any] = {"auth": {"enableServiceAccounts": True}}


def seen(*tokens: Any, spec: dict[str, Any] = ACCOUNTS, **more: Any) -> ClusterState:
    given = with_tokens(*tokens, **more)
    whole = {"size": 1, "version": "2.14.10"} | spec
    goal = attrs.evolve(desired(whole), resolved=resolved(spec, given))
    return running(whole, desired=goal, references=given)


def told(cluster_state: ClusterState) -> RoleStatus:
    (action,) = decided(update_role_statuses, cluster_state, UpdateRoleStatus)
    assert action.name == "worker"
    return action.status


def verdict(cluster_state: ClusterState) -> tuple[str, str, str]:
    (found,) = told(cluster_state).conditions
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
    ("cluster_state", "says"),
    [
        (seen(spec={}), ("False", "ServiceAccountsDisabled", "enableServiceAccounts")),
        (seen(spec={"auth": {}}), ("False", "ServiceAccountsDisabled", "enableServiceAccounts")),
        (seen(roles=(role(publish=[".."]),)), ("False", "InvalidSpec", "is not a valid subject")),
        (seen(accounts={}), ("False", "NoServiceAccount", "ServiceAccount worker does not exist")),
        (seen(), ("False", "WaitingForToken", "ServiceAccount worker in ns: no token yet")),
        (
            seen(token(), accounts={"worker": (account(), account("b"))}),
            ("True", "WaitingForToken", "in b"),
        ),
        (seen(token()), ("True", "Matched", "all namespaces")),
        (
            attrs.evolve(seen(token()), scope=("ns",)),
            ("True", "Matched", "only those in namespace ns"),
        ),
    ],
)
def test_why_or_why_not(cluster_state: ClusterState, says: tuple[str, str, str]) -> None:
    status, reason, message = verdict(cluster_state)
    assert (status, reason) == says[:2]
    assert says[2] in message


KEY = ("ns", "worker-c-bound-token")


def test_what_stands_in_the_way_of_one_account() -> None:
    both = {"worker": (account(), account("b"))}
    words = Failure("Secret b/worker-c-bound-token", "NotOurs", "was not created for this role")
    trials = {("b", "worker-c-bound-token"): Trial(110.0, 10.0, words)}
    cluster_state = attrs.evolve(seen(token(), accounts=both), trials=trials)
    assert verdict(cluster_state) == (
        "True",
        "NotLetIn",
        "ServiceAccount worker in b: Secret b/worker-c-bound-token was not created for this role",
    )
    assert [a.namespace for a in told(cluster_state).service_accounts] == ["ns"]
    servers = servers_of(cluster_state)
    assert degraded(cluster_state, servers, decisions_of(cluster_state, servers)).status == "False"
    remark = config_accepted(cluster_state, servers_of(cluster_state))
    assert (remark.status, remark.reason) == ("True", "TokensNotMade")
    assert "Secret b/worker-c-bound-token was not created for this role" in remark.message


def test_a_token_that_could_not_be_renewed_counts_on() -> None:
    trials = {KEY: Trial(110.0, 10.0, Failure("Secret ns/x", "Forbidden", "not written"))}
    status, _, message = verdict(attrs.evolve(seen(token()), trials=trials))
    assert status == "True"
    assert "the existing token remains valid" in message


def test_what_was_tried_for_somebody_who_is_gone_is_told_no_more() -> None:
    trials = {("b", "gone"): Trial(110.0, 10.0, Failure("Secret b/gone", "Forbidden", "no"))}
    cluster_state = attrs.evolve(seen(token()), trials=trials)
    assert config_accepted(cluster_state, servers_of(cluster_state)).reason == "Accepted"


def test_a_role_with_the_name_of_a_static_user_says_so() -> None:
    spec = {"auth": {**ACCOUNTS["auth"], "allowStaticUsers": True, "clientsAuthSecret": "users"}}
    static = {"users": users({"username": "worker", "password": "p"})}
    found = verdict(seen(token(), spec=spec, secrets=static))
    assert found[:2] == ("False", "NotLetIn")
    assert "user worker is also in spec.auth.clientsAuthSecret" in found[2]


def test_whose_accounts_are_left_out() -> None:
    three = {"worker": (account(), account("a"), account("b"))}
    found = seen(token(), accounts=three, namespaces=NamespacePolicy(denied=("b",)))
    assert verdict(attrs.evolve(found, scope=None))[2].endswith("no token yet")
    tokens = token(), token(namespace="a")
    found = seen(*tokens, accounts=three, namespaces=NamespacePolicy(denied=("b",)))
    assert verdict(found) == (
        "True",
        "Matched",
        "ServiceAccounts from all namespaces are allowed; "
        "not allowed: the one in b: this installation of natsctl denies that namespace",
    )
    nobody = seen(roles=(role_of("x", "y"),), accounts=three)
    assert verdict(nobody)[:2] == ("False", "NoServiceAccount")
    assert verdict(nobody)[2].startswith(
        "ServiceAccount worker in an allowed namespace does not exist; only those in namespace "
        "x, y are allowed; not allowed: the one in ns: "
        "spec.serviceAccountNamespaces does not name that namespace"
    )
    assert "only those in no namespace are allowed" in verdict(seen(roles=(role_of(),)))[2]
    few = attrs.evolve(nobody, scope=("ns",))
    assert (
        "only those in namespace x, y are allowed; only those in namespace ns are allowed"
        in verdict(few)[2]
    )


SELECTED = "the namespaces that spec.serviceAccountNamespaces.selector selects"


def test_what_a_selector_chooses() -> None:
    both = {"worker": (account(), account("a"))}
    roles = (selecting({"matchLabels": {"team": "a"}}, "ns"),)
    labels = {"ns": {}, "a": {"team": "a"}}
    tokens = token(), token(namespace="a")
    assert verdict(seen(*tokens, accounts=both, roles=roles, labels=labels)) == (
        "True",
        "Matched",
        f"only those in namespace ns and in {SELECTED} are allowed",
    )
    nobody = seen(accounts=both, roles=(selecting({"matchLabels": {"team": "b"}}),), labels=labels)
    assert verdict(nobody)[:2] == ("False", "NoServiceAccount")
    assert (
        f"does not exist; only those in {SELECTED} are allowed; not allowed: the one in ns: "
        in verdict(nobody)[2]
    )


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (
            NamespacePolicy(),
            "set clusterScoped and serviceAccounts.namespaceSelectors of its",
        ),
        (NamespacePolicy(selectors=True), "natsctl may not read Namespaces: give its ClusterRole"),
    ],
)
def test_why_a_selector_selects_nothing(policy: NamespacePolicy, says: str) -> None:
    """Whoever is named gets in all the same."""
    both = {"worker": (account(), account("a"))}
    found = verdict(seen(accounts=both, roles=(selecting({}),), namespaces=policy))
    assert found[:2] == ("False", "NamespacesNotRead")
    assert found[2].startswith("ServiceAccount worker in an allowed namespace does not exist; only")
    assert "are allowed; the selector matches nothing, because " in found[2]
    assert says in found[2]
    found = verdict(seen(token(), accounts=both, roles=(selecting({}, "ns"),), namespaces=policy))
    assert found[:2] == ("True", "NamespacesNotRead")
    assert says in found[2]


def test_a_status_lists_a_bounded_number_of_accounts() -> None:
    many = tuple(account(f"n{i:03}") for i in range(300))
    tokens = [token(namespace=a.namespace) for a in many]
    assert len(told(seen(*tokens, accounts={"worker": many})).service_accounts) == 256


def test_what_was_told_is_not_told_again() -> None:
    status = told(seen(token()))
    assert (
        decided(
            update_role_statuses,
            seen(token(), roles=(role(publish=["a"], status=to_json(status)),)),
        )
        == ()
    )


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
    labels = {"nats_cluster": "c"}
    going = ServiceRole(Meta(name="worker", namespace="ns", labels=labels, deletion_timestamp=NOW))
    assert decided(update_role_statuses, seen(roles=(going,))) == ()
