"""Of which namespaces the ServiceAccounts count, by the role and by the installation."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from natsctl.plan.namespaces import (
    NOT_ALLOWED,
    NOT_ASKED,
    RESERVED,
    Choice,
    NamespacePolicy,
    Term,
    blindness,
    chosen,
    selects,
)
from natsctl.plan.references import References
from natsctl.plan.service_accounts.grants import grants_of, left_out, role_problem
from tests.unit.plan.references import (
    account,
    resolved,
    role,
    role_of,
    selecting,
    token,
    with_tokens,
)

PLACES = ("ns", "team-a", "team-b", "kube-system", "natsctl")
DEFAULT = NamespacePolicy(operator="natsctl")
AUTH = {"auth": {"enableServiceAccounts": True}}


def found(*tokens: Any, **more: Any) -> References:
    everywhere = {"worker": tuple(account(place) for place in PLACES)}
    return with_tokens(*tokens, **({"accounts": everywhere, "namespaces": DEFAULT} | more))


def lets_in(references: References) -> list[str]:
    return [g.account.namespace for g in grants_of("ns", "c", references)]


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
    assert chosen(broken) == Choice()


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


def test_a_cluster_tells_nobody_from_nobody_who_counts() -> None:
    (left,) = resolved(AUTH, found(roles=(role_of(),))).remarks
    assert left.endswith("is allowed: see the status of the roles")
    (none,) = resolved(AUTH, found(accounts={})).remarks
    assert none.startswith(
        "nobody can connect: no ServiceAccount has the name of a NatsServiceRole"
    )


def test_denied_means_no_user_and_no_secret() -> None:
    there = token("t2", namespace="team-a")
    denied = NamespacePolicy(denied=("team-a",))
    made = resolved(AUTH, found(token(), there, namespaces=denied))
    users = (made.inputs.authorization or {})["users"]
    assert [user["username"] for user in users] == ["worker"]
    assert made.unwanted == (there,)


LABELS = {
    "ns": {"team": "core", "tier": "gold"},
    "team-a": {"team": "a", "tier": "gold"},
    "team-b": {"team": "b"},
    "kube-system": {"team": "a"},
    "natsctl": {},
}


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    given = {"key": key, "operator": operator, "values": list(values)}
    return {"matchExpressions": [given if values else given | {"values": None}]}


def selected(selector: Any, *names: str, **more: Any) -> list[str]:
    return lets_in(found(roles=(selecting(selector, *names),), **({"labels": LABELS} | more)))


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, ["ns", "team-a", "team-b"]),
        ({"matchLabels": {}, "matchExpressions": []}, ["ns", "team-a", "team-b"]),
        ({"matchLabels": {"team": "a"}}, ["team-a"]),
        ({"matchLabels": {"team": "a", "tier": "silver"}}, []),
        ({"matchLabels": {"team": ""}}, []),
        (expression("team", "In", "a", "b"), ["team-a", "team-b"]),
        (expression("tier", "NotIn", "silver"), ["ns", "team-a", "team-b"]),
        (expression("tier", "NotIn", "gold", "silver"), ["team-b"]),
        (expression("tier", "Exists"), ["ns", "team-a"]),
        (expression("tier", "DoesNotExist"), ["team-b"]),
        ({"matchLabels": {"tier": "gold"}} | expression("team", "NotIn", "core"), ["team-a"]),
    ],
)
def test_a_selector_means_what_it_means_in_kubernetes(selector: Any, expected: list[str]) -> None:
    """Of namespaces that the installation lets count: neither kube-system nor natsctl is there."""
    assert selected(selector) == expected


def test_a_namespace_counts_if_it_is_named_or_selected() -> None:
    assert selected({"matchLabels": {"team": "a"}}, "team-b") == ["team-a", "team-b"]
    assert selected({"matchLabels": {"team": "x"}}, "ns") == ["ns"]


def test_nothing_to_select_by_is_nothing_selected() -> None:
    """An empty selection is none; an empty selector is all."""
    nothing = replace(role(), spec={"serviceAccountNamespaces": {}})
    assert lets_in(found(roles=(nothing,), labels=LABELS)) == []
    assert selected(None) == []


def test_a_selector_cannot_reach_what_the_installation_denies() -> None:
    policy = NamespacePolicy(denied=("team-a",), operator="natsctl", selectors=True)
    assert selected({}, namespaces=policy) == ["ns", "team-b"]
    allowing = NamespacePolicy(("kube-system",), operator="natsctl", selectors=True)
    assert selected({"matchLabels": {"team": "a"}}, namespaces=allowing) == ["kube-system"]


@pytest.mark.parametrize("selector", [{}, expression("team", "DoesNotExist")])
def test_labels_that_are_not_known_select_nothing(selector: Any) -> None:
    """Neither those of all namespaces nor those of one are taken for none."""
    assert selected(selector, "team-b", labels=None) == ["team-b"]
    assert selected(selector, "team-b", labels={}) == ["team-b"]


def test_why_a_selector_selects_nothing_at_all() -> None:
    choice, asked = chosen(selecting({})), NamespacePolicy(selectors=True)
    assert blindness(choice, NamespacePolicy(), None) == NOT_ASKED
    assert "serviceAccounts.namespaceSelectors of its chart to true" in NOT_ASKED
    assert blindness(choice, asked, None) == NOT_ALLOWED
    assert blindness(choice, asked, {}) == ""
    assert blindness(chosen(role_of("a")), asked, None) == ""
    assert blindness(None, asked, None) == ""


def test_what_does_not_count_is_told_with_the_reason() -> None:
    policy = NamespacePolicy(denied=("ns",), operator="natsctl", selectors=True)
    some = {name: labels for name, labels in LABELS.items() if name != "team-b"}
    references = found(roles=(), labels=some, namespaces=policy)
    told = dict(left_out(selecting({"matchLabels": {"tier": "gold"}}), references))
    assert told == {
        "ns": "this installation of natsctl denies that namespace",
        "team-b": "natsctl does not know the labels of that namespace (it reads at most 16384 "
        "characters of them)",
        "kube-system": "spec.serviceAccountNamespaces does not select that namespace",
        "natsctl": "spec.serviceAccountNamespaces does not select that namespace",
    }


@pytest.mark.parametrize(
    ("selector", "problem"),
    [
        ({"matchLabel": {"a": "b"}}, "matchLabel: unknown key; did you mean matchLabels?"),
        ({"matchLabels": {"a": 1}}, "matchLabels.a: is 1; use a quoted string"),
        ({"matchLabels": {"a": None}}, "matchLabels.a: has no value; use a quoted string, "),
        ({"matchLabels": {"a b": "c"}}, 'matchLabels."a b": is not a valid key; use name or e'),
        (
            {"matchLabels": {"a": "b c"}},
            "matchLabels.a: 'b c' is not a valid label; use at most 63",
        ),
        ({"matchLabels": {"a": "b" * 64}}, "matchLabels.a: 'bbbb"),
        ({"matchLabels": {"x" * 64: "b"}}, "is not a valid key; use name or example.com/name"),
        ({"matchLabels": dict.fromkeys(map(str, range(33)), "x")}, "matchLabels: has more than 32"),
        (expression("a", "in", "b"), "operator: is 'in'; use one of In, NotIn, Exists, DoesNot"),
        (expression("a", "In"), "[0].values: In and NotIn need values; Exists and DoesNotExist"),
        (expression("a", "Exists", "b"), "[0].values: In and NotIn need values; Exists and DoesNo"),
        (expression("a/b/c", "Exists"), "[0].key: 'a/b/c' is not a valid key of a label; use"),
        (expression("", "Exists"), "[0].key: '' is not a valid key of a label; use name or"),
        (expression("a", "In", "-"), "values[0]: '-' is not a valid value of a label; use at"),
        (expression("a", "In", *map(str, range(65))), "[0].values: has more than 64 items"),
        ({"matchExpressions": [{"key": "a"}]}, "matchExpressions[0].operator: is required"),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}] * 33}, "has more than 32 items"),
        ("team=a", "selector: is 'team=a'; use an object with keys"),
    ],
)
def test_a_wrong_selector_is_told_and_lets_nobody_in(selector: Any, problem: str) -> None:
    """Not even the ServiceAccounts of namespaces that are named."""
    wrong = selecting(selector, "ns")
    assert problem in role_problem(wrong)
    assert "spec.serviceAccountNamespaces.selector" in role_problem(wrong)
    assert chosen(wrong) == Choice()
    assert lets_in(found(roles=(wrong,), labels=LABELS)) == []


def test_labels_may_be_as_long_as_those_of_kubernetes() -> None:
    key = f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}/{'E' * 63}"
    assert role_problem(selecting({"matchLabels": {key: "v" * 63}})) == ""
    assert role_problem(selecting(expression(key, "In", "v" * 63))) == ""
    assert chosen(selecting(expression(key, "Exists"))) == Choice(terms=(Term(key),))


@pytest.mark.parametrize("spec", [None, [], {}, {"serviceAccountNamespaces": "x"}])
def test_a_role_without_a_selector_needs_no_labels(spec: Any) -> None:
    assert not selects(replace(role(), spec=spec))
    assert not selects(role_of("a"))
    assert selects(selecting({}))


def test_whoever_is_selected_no_longer_is_no_user_and_loses_the_secret() -> None:
    there = token("t2", namespace="team-a")
    roles = (selecting({"matchLabels": {"team": "a"}}),)
    before = resolved(AUTH, found(there, roles=roles, labels=LABELS))
    users = (before.inputs.authorization or {})["users"]
    assert [user["username"] for user in users] == ["worker_team-a"]
    assert before.unwanted == ()
    after = resolved(AUTH, found(there, roles=roles, labels=LABELS | {"team-a": {}}))
    assert after.grants == ()
    assert after.unwanted == (there,)


class Counted(dict[str, str]):
    """Labels that count how often one of them is looked up."""

    looked_up = 0

    def get(self, key: str, default: Any = None) -> Any:
        self.looked_up += 1
        return super().get(key, default)


def test_the_largest_selector_costs_one_look_up_for_each_term_and_candidate() -> None:
    """Whatever is in it; and none after the first that does not hold."""
    every = Counted({f"k{i}": "v" for i in range(32)})
    terms = [
        {"key": f"k{i}", "operator": "In", "values": [f"v{j}" for j in range(63)] + ["v"]}
        for i in range(32)
    ]
    selector = {"matchLabels": dict(every), "matchExpressions": terms}
    places = [f"n{i}" for i in range(100)]
    accounts = {"worker": tuple(map(account, places))}
    references = found(accounts=accounts, labels=dict.fromkeys([*places, *PLACES], every))
    assert left_out(selecting(selector), references) == ()
    assert every.looked_up == 64 * len(places)
    every.looked_up, every["k0"] = 0, "other"
    assert len(left_out(selecting(selector), references)) == len(places)
    assert every.looked_up == len(places)
