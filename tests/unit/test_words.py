"""What users read is in the words of CONTRIBUTING.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BANNED = re.compile(
    r"\bside-cars?\b|\bmend(s|ed|ing)?\b|\banew\b|\bfor ever\b|\bagain and again\b"
    r"|\bthe natsctl of\b|\bknows no\b|\bgets? in\b(?! the)|\blets nobody in\b|\bwhoever\b"
    r"|\bis no (image|resolver|account|subject|quantity|URL|JWT|JSON|name|valid)\b"
    r"|\bunless given\b|\bthe way out\b|\bat rest\b|\bany more\b|\bfor good\b|\bgo(es)? on\b"
    r"|\blooks? after\b|\bas it stands\b|\bbeside\b|\bwedged\b|\bplug-ins?\b|\blower-case\b"
    # British spellings of words that occur here.
    r"|\b(un)?labelled\b|\bcancell(ed|ing)\b|\bfulfil(s|led)?\b|\bmisspelt\b|\bbehaviour\b"
    r"|\bneighbours?\b|\b(recogn|organ|initial)is(e[ds]?|ing)\b",
    re.IGNORECASE,
)
DOCUMENTS = sorted(
    str(file.relative_to(ROOT))
    for pattern in (
        "README.md",
        "docs/**/*.md",
        "examples/*.yaml",
        "charts/nats-operator/*.yaml",
        "charts/nats-operator/files/*.yaml",
        "charts/nats-operator/files/dashboards/*.json",
        "charts/nats-operator/templates/NOTES.txt",
    )
    for file in ROOT.glob(pattern)
)


def banned(text: str) -> list[str]:
    """The words of a text that users should not read, across line breaks too."""
    return [found.group() for found in BANNED.finditer(" ".join(text.split()))]


def shown(source: str) -> Iterator[str]:
    """String literals of a module, but for those that stand alone and explain: docstrings."""
    tree = ast.parse(source)
    alone = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_messages() -> None:
    modules = sorted((ROOT / "natsctl").rglob("*.py"))
    found = {
        f"{module.relative_to(ROOT)}: {text!r}": words
        for module in modules
        for text in shown(module.read_text())
        if (words := banned(text))
    }
    assert found == {}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(name: str) -> None:
    assert banned((ROOT / name).read_text()) == []


def test_a_banned_word_is_found() -> None:
    source = '"""Whoever reads this."""\nTEXT = "nothing changes until it is mended"\n'
    assert [banned(text) for text in shown(source)] == [["mended"]]
    assert banned("again and\n  again") == ["again and again"]
    assert banned("30 unless given; labelled pods") == ["unless given", "labelled"]
