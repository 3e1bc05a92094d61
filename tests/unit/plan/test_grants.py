"""Users made from roles and ServiceAccounts."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.api.version import ServerVersion
from natsctl.plan.grants import (
    SWITCH_AT,
    Grant,
    grants_of,
    labels_of,
    permissions_of,
    role_problem,
    switched_tokens,
    unwanted,
)
from natsctl.plan.objects import Meta, Role
from tests.unit.plan.sources import account, role, token, with_tokens

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
    held = token("new", previous="old", **{SWITCH_AT: "2026-01-01T00:03:00Z"})
    assert switched_tokens({held.key: held}, NOW) == frozenset()
    assert switched_tokens({held.key: held}, "2026-01-01T00:03:00Z") == {held.key}
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
    assert "spec.permissions.publish[0]: 'a b' is no subject" in role_problem(wrong)
    assert "spec.permissions.deny.subscribe[0]" in role_problem(wrong)
    shapeless = Role(Meta(name="worker", labels={"nats_cluster": "c"}), spec={"permissions": 7})
    assert "spec.permissions" in role_problem(shapeless)
    assert permissions_of(shapeless) == {}


def test_a_role_for_newer_servers_lets_nobody_in() -> None:
    """What the servers do not know would keep the whole cluster from starting."""
    (found,) = grants(
        token(), roles=(role(allowResponses={}),), version=ServerVersion.parse("2.0.0")
    )
    assert "allowResponses" in found.problem


def test_a_token_without_role_or_account_is_unwanted() -> None:
    (grant,) = grants(token())
    held = {t.key: t for t in (token(), token(name="gone"))}
    assert [s.metadata.name for s in unwanted((grant,), held)] == ["gone-c-bound-token"]
    assert len(unwanted((), held)) == 2


def test_a_token_of_an_account_that_was_made_anew_is_unwanted() -> None:
    (grant,) = grants()
    same, other = (token(**{"nats.io/service-account-uid": uid}) for uid in ("sa", "before"))
    assert unwanted((grant,), {same.key: same}) == ()
    assert unwanted((grant,), {other.key: other}) == (other,)


def test_labels_lead_back_to_the_cluster() -> None:
    assert labels_of("ns", "c") == {
        "app": "nats",
        "nats_cluster": "c",
        "nats.io/cluster-namespace": "ns",
        "app.kubernetes.io/managed-by": "natsctl",
    }
