"""Every rule is asked, and at its stage."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from types import ModuleType

from natsctl.plan import rules
from natsctl.plan.rules import rule
from natsctl.plan.rules.registry import RULES

NO_RULE = {"registry", "rule"}
"""Modules that say what rules are, and which."""

WHILE_PAUSED = ["natsctl.plan.rules.disruption_budget.close_budget"]
"""Rules that decide for a paused cluster only, of which the engine asks them itself."""


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(rules.__path__):
        if found.name not in NO_RULE:
            yield import_module(f"{rules.__name__}.{found.name}")


def defined(module: ModuleType) -> set[str]:
    """The public functions of a module that decide something."""
    own = inspect.getmembers(module, inspect.isfunction)
    return {
        f"{function.__module__}.{name}"
        for name, function in own
        if function.__module__ == module.__name__
        and function.__annotations__.get("return") == "Decision"
        and not name.startswith("_")
    }


def registered() -> list[str]:
    return [f"{r.decide.__module__}.{r.decide.__name__}" for r in RULES]


def test_every_module_defines_rules_and_each_is_registered_once() -> None:
    found = {module.__name__: defined(module) for module in modules()}
    assert [name for name, own in found.items() if not own] == []
    assert sorted([*registered(), *WHILE_PAUSED]) == sorted(set().union(*found.values()))


def test_the_rules_of_one_stage_stand_together() -> None:
    """In the order that the words of each stage say: what a later one rests on comes before it."""
    stages = [stage for stage, _ in groupby(RULES, key=lambda r: r.stage)]
    assert stages == [
        rule.TOKENS,
        rule.SEALS,
        rule.ADOPTION,
        rule.OBJECTS,
        rule.SERVERS,
        rule.REMOVAL,
        rule.NOTES,
    ]


def test_whoever_takes_a_serving_server_away_waits_for_all_else() -> None:
    removing = {r.decide.__name__ for r in RULES if r.stage.after is not None}
    assert removing == {
        *("remove_members", "recover_servers", "scale_down", "replace_outdated"),
        "renew_volumes",
    }
