"""Users made from roles and ServiceAccounts."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.api.version import ServerVersion
from natsctl.model.bound_tokens import SWITCH_AT
from natsctl.model.objects import Meta, ServiceRole
from natsctl.plan.service_accounts.grants import (
    Grant,
    grants_of,
    permissions_of,
    role_problem,
    switched_tokens,
    unwanted,
    user_name,
)
from tests.unit.plan.references import (
    SEALING,
    account,
    bond,
    role,
    token,
    unsealed,
    with_seal,
    with_tokens,
)
from tests.unit.plan.world import changed_secret

NOW = "2026-01-01T00:00:00Z"


def grants(*tokens: Any, **more: Any) -> tuple[Grant, ...]:
    return grants_of("ns", "c", with_tokens(*tokens, **more))


def test_each_account_of_a_roles_name_is_one_user() -> None:
    both = (account("ns"), account("other"))
    found = grants(token(), token("t2", namespace="other"), accounts={"worker": both})
    assert [(g.user, g.secret, g.token) for g in found] == [
        ("worker", "worker-c-bound-token", "t0ken"),
        ("worker_other", "worker-c-bound-token", "t2"),
    ]


def test_roles_come_in_the_order_of_their_names() -> None:
    accounts = {"a": (account(),), "b": (account(),)}
    found = grants(roles=(role("b"), role("a")), accounts=accounts)
    assert [g.user for g in found] == ["a", "b"]


def test_a_user_has_the_permissions_of_its_role() -> None:
    (found,) = grants(token())
    assert found.as_user() == {
        "username": "worker",
        "password": "t0ken",
        "permissions": {"publish": ["a"]},
    }
    (free,) = grants(token(), roles=(role(),))
    assert "permissions" not in free.as_user()


def test_the_previous_token_counts_until_the_change_over() -> None:
    held = token("new", previous="old", annotations={SWITCH_AT: "2026-01-01T00:03:00Z"})
    assert switched_tokens({held.key: held}, NOW, SEALING) == frozenset()
    assert switched_tokens({held.key: held}, "2026-01-01T00:03:00Z", SEALING) == {held.key}
    assert switched_tokens({held.key: held}, "2026-01-01T00:03:00Z", b"other") == frozenset()
    assert grants(held)[0].token == "old"
    assert grants(held, switched=frozenset({held.key}))[0].token == "new"


PERMISSIONS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"publish": ["a"], "allow": {"publish": ["b"]}}, {"publish": ["a", "b"]}),
    (
        {"subscribe": ["a q"], "deny": {"publish": ["b"]}},
        {"subscribe": ["a q"], "publish": {"deny": ["b"]}},
    ),
    (
        {"publish": ["a"], "deny": {"publish": ["a.b"]}},
        {"publish": {"allow": ["a"], "deny": ["a.b"]}},
    ),
    ({"allowResponses": {}}, {"allow_responses": True}),
    ({"allowResponses": {"expires": ""}}, {"allow_responses": True}),
    ({"publish": []}, {"publish": []}),
    ({"subscribe": [], "allow": None}, {"subscribe": []}),
    ({"allow": {"publish": []}}, {"publish": []}),
    ({"publish": [], "deny": {"publish": ["a"]}}, {"publish": []}),
    ({"publish": [], "allow": {"publish": ["a"]}}, {"publish": ["a"]}),
    ({"publish": [], "allowResponses": {}}, {"publish": [], "allow_responses": True}),
    (
        {"allowResponses": {"maxMsgs": 2, "expires": "1m"}},
        {"allow_responses": {"max": 2, "expires": "1m"}},
    ),
]


@pytest.mark.parametrize(("given", "written"), PERMISSIONS)
def test_permissions_as_the_servers_have_them(
    given: dict[str, Any], written: dict[str, Any]
) -> None:
    assert permissions_of(role(**given)) == written
    assert role_problem(role(**given)) == ""


def test_a_role_that_cannot_be_used_lets_nobody_in() -> None:
    wrong = role(publish=["a b"], deny={"subscribe": [".."]})
    assert "spec.permissions.publish[0]: 'a b' is not a valid subject" in role_problem(wrong)
    assert "spec.permissions.deny.subscribe[0]" in role_problem(wrong)
    shapeless = ServiceRole(
        Meta(name="worker", labels={"nats_cluster": "c"}), spec={"permissions": 7}
    )
    assert "spec.permissions" in role_problem(shapeless)
    assert permissions_of(shapeless) == {}


def test_a_role_for_newer_servers_lets_nobody_in() -> None:
    """What the servers do not know would keep the whole cluster from starting."""
    (found,) = grants(
        token(), roles=(role(allowResponses={}),), version=ServerVersion.parse("2.0.0")
    )
    assert "allowResponses" in found.problem


CLUSTER = ("ns", "c")


def leaving(*tokens: Any, **more: Any) -> list[str]:
    given = with_tokens(*tokens, **more)
    return [s.metadata.name for s in unwanted(grants_of(*CLUSTER, given), CLUSTER, given)]


def test_a_token_without_role_or_account_is_unwanted() -> None:
    assert leaving(token(), token(name="gone")) == ["gone-c-bound-token"]
    assert len(leaving(token(), token(name="gone"), roles=())) == 2


def test_a_token_of_a_role_or_account_that_was_made_anew_counts_no_more() -> None:
    for before in ({"role_uid": "before"}, {"account_uid": "before"}):
        old = token(bond_to=bond(**before))
        assert leaving(old) == ["worker-c-bound-token"]
        assert [g.token for g in grants(old)] == [""]
    assert leaving(token()) == []


def test_of_a_cluster_that_was_made_anew_it_stays_and_gets_another_token() -> None:
    old = token(bond_to=bond(cluster_uid="before"))
    (found,) = grants(old)
    assert (found.sealed_secret, found.token, leaving(old)) == (old, "", [])


def test_what_is_not_sealed_or_going_is_neither_believed_nor_taken_away() -> None:
    sealed = token()
    others = (
        unsealed(),
        with_seal(unsealed(), bond(), b"another key"),
        with_seal(unsealed(), bond(namespace="evil")),
        changed_secret(sealed, deletion_timestamp=NOW),
        changed_secret(sealed, uid="a copy"),
        changed_secret(sealed, name="other-c-bound-token"),
        changed_secret(sealed, namespace="other"),
    )
    for secret in others:
        moved = {("ns", "worker-c-bound-token"): secret}
        assert [(g.sealed_secret, g.token) for g in grants(tokens=moved)] == [(None, "")]
        assert leaving(tokens=moved) == []


def test_a_token_that_is_proven_though_not_sealed_counts() -> None:
    (found,) = grants(proven={("ns", "worker-c-bound-token"): "running"})
    assert (found.token, found.sealed_secret, found.lets_in) == ("running", None, True)


def test_only_roles_of_the_clusters_own_namespace_count() -> None:
    stranger = ServiceRole(
        Meta(
            name="worker",
            namespace="evil",
            labels={"nats_cluster": "c", "nats.io/cluster-namespace": "ns"},
        )
    )
    assert grants(roles=(stranger, role(cluster="d"))) == ()


def test_a_role_with_the_name_of_another_user_lets_nobody_in() -> None:
    both = {"worker": (account(), account("other"))}
    given = with_tokens(token(), token(namespace="other"), accounts=both)
    here, there = grants_of(*CLUSTER, given, frozenset({"worker"}))
    assert "rename one of them" in here.problem
    assert (here.lets_in, there.lets_in) == (False, True)


def test_a_role_with_too_long_a_name_lets_nobody_in() -> None:
    name = "w" * 240
    (found,) = grants(roles=(role(name),), accounts={name: (account(),)})
    assert "253" in found.problem


def test_no_two_users_of_one_cluster_have_one_name() -> None:
    """Roles and namespaces have names without an underscore; the API server sees to that."""
    parts = ["a", "b", "a-b", "a.b", "b-a"]
    users = [user_name("home", role, namespace) for role in parts for namespace in (*parts, "home")]
    assert len(set(users)) == len(users)
