"""What a rule waits for, and the servers that it still has to deal with, are told."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

import pytest

from natsctl.plan.decisions import Decide
from natsctl.plan.rules.claim_growth import grow_claims
from natsctl.plan.rules.owned_objects import ensure_objects
from natsctl.plan.rules.registry import RULES
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.status.progressing import LASTING

TELLING = {"waiting", "servers"}


def telling() -> Iterator[Decide]:
    """Rules whose decisions have something to tell."""
    for rule in RULES:
        if told_by(inspect.getsource(rule.decide)):
            yield rule.decide


def told_by(source: str) -> set[str]:
    """What a rule gives to its decisions that somebody has to tell."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    given = (
        keyword.arg
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "Decision"
        for keyword in call.keywords
    )
    return TELLING.intersection(given)


def test_every_rule_that_waits_is_told_of() -> None:
    """Of what keeps a server from starting, together with those that do; of volumes, last."""
    assert set(telling()) == {decide for decide, _ in LASTING} | {scale_up, grow_claims}


@pytest.mark.parametrize(
    ("decide", "told"),
    [(scale_down, TELLING), (scale_up, {"waiting"}), (ensure_objects, set())],
)
def test_what_a_rule_has_to_tell_is_seen(decide: Decide, told: set[str]) -> None:
    assert told_by(inspect.getsource(decide)) == told
