"""What a rule waits for, and the servers that it still has to deal with, are told."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Final

import attrs
import pytest

from natsctl.plan.decisions import Decide
from natsctl.plan.rules.claim_growth import grow_claims
from natsctl.plan.rules.empty_volumes import delete_given_up, make_empty, start_empty
from natsctl.plan.rules.owned_objects import ensure_objects
from natsctl.plan.rules.registry import RULES
from natsctl.plan.rules.rule import Decision, Rank
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.status.progressing import REPORTED

TELLING: Final = {"waiting", "servers"}
FIELDS: Final = tuple(field.name for field in attrs.fields(Decision))
OTHERWISE: Final = {
    scale_up: "together with the servers that start",
    grow_claims: "last, once nothing else is left",
    delete_given_up: "condition Degraded tells of each volume that is lost, and why",
    make_empty: "condition Degraded tells of each volume that is lost, and why",
    start_empty: "condition Degraded tells of each volume that is lost, and why",
}
"""Rules that are reported in another way, and how."""


def telling(decide: Decide) -> set[str]:
    """What a rule, or a function of its module that it calls, gives to its decisions."""
    module = inspect.getmodule(decide)
    assert module is not None
    return {name for called in calls_from(decide.__name__, module) for name in given(called)}


def calls_from(name: str, module: ModuleType) -> Iterator[ast.Call]:
    """All calls in a function, and in those of its module that it refers to."""
    functions = {
        node.name: node
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.FunctionDef)
    }
    left, seen = [name], set[str]()
    while left:
        if (name := left.pop()) in seen:
            continue
        seen.add(name)
        for node in ast.walk(functions[name]):
            if isinstance(node, ast.Call):
                yield node
            if isinstance(node, ast.Name) and node.id in functions:
                left.append(node.id)


def given(call: ast.Call) -> set[str]:
    """What somebody has to tell, of what this call gives to a decision."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name not in ("Decision", "evolve"):
        return set()
    by_place = FIELDS[: len(call.args)] if name == "Decision" else ()
    return TELLING.intersection([*by_place, *(keyword.arg for keyword in call.keywords)])


def test_every_rule_that_waits_is_told_of() -> None:
    found = {rule.decide for rule in RULES if telling(rule.decide)}
    assert found == {decide for decide, _ in REPORTED} | set(OTHERWISE)


@pytest.mark.parametrize(
    ("decide", "told"),
    [
        (scale_down, TELLING),
        (scale_up, {"waiting"}),
        (make_empty, {"waiting"}),
        (ensure_objects, set()),
    ],
)
def test_what_a_rule_has_to_tell_is_seen(decide: Decide, told: set[str]) -> None:
    assert telling(decide) == told


def test_of_several_that_are_busy_the_most_urgent_is_told() -> None:
    assert [(progress.rank, decide.__name__) for decide, progress in REPORTED] == [
        (Rank.FIRST, "remove_ended"),
        (Rank.FIRST, "await_leader"),
        (Rank.USUAL, "remove_members"),
        (Rank.USUAL, "recover_servers"),
        (Rank.USUAL, "scale_down"),
        (Rank.USUAL, "replace_outdated"),
        (Rank.USUAL, "renew_volumes"),
        (Rank.LAST, "reload_servers"),
        (Rank.LAST, "await_members"),
    ]
