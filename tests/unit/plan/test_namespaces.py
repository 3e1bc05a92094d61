"""Of which namespaces the ServiceAccounts count, by the role and by the installation."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from natsctl.plan.grants import grants_of, left_out, role_problem
from natsctl.plan.namespaces import RESERVED, NamespacePolicy, chosen
from natsctl.plan.sources import Sources
from tests.unit.plan.sources import account, resolved, role, role_of, token, with_tokens

PLACES = ("ns", "team-a", "team-b", "kube-system", "natsctl")
DEFAULT = NamespacePolicy(operator="natsctl")
AUTH = {"auth": {"enableServiceAccounts": True}}


def found(*tokens: Any, **more: Any) -> Sources:
    everywhere = {"worker": tuple(account(place) for place in PLACES)}
    return with_tokens(*tokens, **({"accounts": everywhere, "namespaces": DEFAULT} | more))


def lets_in(sources: Sources) -> list[str]:
    return [g.account.namespace for g in grants_of("ns", "c", sources)]


def test_all_count_but_those_of_kubernetes_and_of_the_operator() -> None:
    assert lets_in(found()) == ["ns", "team-a", "team-b"]


def test_a_role_says_which() -> None:
    assert lets_in(found(roles=(role_of("team-a", "elsewhere"),))) == ["team-a"]
    assert lets_in(found(roles=(role_of("ns"),))) == ["ns"]
    assert lets_in(found(roles=(role_of(),))) == []
    assert chosen(role()) is None


def test_a_role_that_cannot_be_read_lets_nobody_in() -> None:
    broken = replace(role(), spec={"serviceAccountNamespaces": "all"})
    assert lets_in(found(roles=(broken,))) == []
    assert chosen(broken) == ()


@pytest.mark.parametrize("name", ["a/b", "A", "a_b", "*", "x" * 64])
def test_a_namespace_that_is_none_is_told(name: str) -> None:
    assert "spec.serviceAccountNamespaces.names[0]" in role_problem(role_of(name))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (NamespacePolicy(("*", "kube-system"), operator="natsctl"), PLACES[:4]),
        (NamespacePolicy(("*", "natsctl"), operator="natsctl"), (*PLACES[:3], "natsctl")),
        (NamespacePolicy(("team-a",), operator="natsctl"), ("ns", "team-a")),
        (NamespacePolicy((), operator="natsctl"), ("ns",)),
        (NamespacePolicy(denied=("team-a", "ns"), operator="natsctl"), ("team-b",)),
        (NamespacePolicy(("kube-system",), ("kube-system",)), ("ns",)),
    ],
)
def test_the_installation_says_which(policy: NamespacePolicy, expected: tuple[str, ...]) -> None:
    assert lets_in(found(namespaces=policy)) == list(expected)


@pytest.mark.parametrize("place", [*RESERVED, "natsctl"])
def test_a_clusters_own_namespace_counts_wherever_it_is(place: str) -> None:
    assert DEFAULT.objection(place, place) == ""
    assert DEFAULT.objection(place, "ns") != ""
    assert NamespacePolicy(denied=(place,)).objection(place, place) != ""


def test_neither_lets_in_what_the_other_denies() -> None:
    assert lets_in(found(roles=(role_of("kube-system", "team-a"),))) == ["team-a"]


def test_who_is_left_out_is_known() -> None:
    assert [namespace for namespace, _ in left_out(role_of("team-a"), found())] == [
        place for place in PLACES if place != "team-a"
    ]


def test_denied_means_no_user_and_no_secret() -> None:
    there = token("t2", namespace="team-a")
    denied = NamespacePolicy(denied=("team-a",))
    made = resolved(AUTH, found(token(), there, namespaces=denied))
    users = (made.inputs.authorization or {})["users"]
    assert [user["username"] for user in users] == ["worker"]
    assert made.unwanted == (there,)
