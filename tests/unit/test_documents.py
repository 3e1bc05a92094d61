"""Documents say what is true: links, commands, manifests, paths, rights and reasons."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from natsctl.cli.main import COMMANDS, main, module_of
from natsctl.cli.offline.manifests import Document
from natsctl.cli.offline.validate import problems_of
from natsctl.plan.gates.verdict import FIRM, Why
from tests.compat import options_of
from tests.documents import blocks, commands

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    str(file.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "testbed/*.md")
    for file in ROOT.glob(pattern)
)
LONGEST_LINE = 110
LINK = re.compile(r"\]\(([^)\s]*)\)")
TARGET = re.compile(r"^([a-z][a-z0-9-]*):", re.MULTILINE)
# A target in code: at the start of a span or line, after a prompt or between two commands.
MAKE = re.compile(r"(?:`|^\$ |^)make ([a-z][a-z0-9-]*)", re.MULTILINE)
FILE = re.compile(
    r"`((?:natsctl|testbed|demo|tests|docs|requirements|charts|deploy|examples|benchmarks|docker)"
    r"/[\w./-]*)(?<![*])`"
)
FOREIGN = re.compile(r"^NATSCTL|natsctl/(?:nats-operator|natsctl)$")
VALUE = re.compile(r"--set[ =]([\w.]+)=|`([a-z]\w*(?:\.\w+)+)=\w+`|`([a-z]\w+)=(?:true|false)`")
IN_FILE = re.compile(r"`(\w+)`\s+(?:in|of)\s+`((?:natsctl|tests)/[\w/]+\.py)`")
QUOTED = re.compile(r"`([A-Z][a-z]+(?:[A-Z][a-zA-Z]+|\b))`")


def text(name: str) -> str:
    return (ROOT / name).read_text()


def prose(document: str) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", document, flags=re.MULTILINE | re.DOTALL)


def anchors(document: str) -> set[str]:
    """Of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def broken_links(document: str, folder: Path, own: str) -> list[str]:
    """Relative links to files or headings that are not there."""
    found = []
    for link in LINK.findall(prose(document)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = folder / path
        there = target.exists()
        if there and anchor:
            there = anchor in anchors(target.read_text() if path else own)
        if not there:
            found.append(link)
    return found


def unknown_targets(document: str) -> set[str]:
    return set(MAKE.findall(document)) - set(TARGET.findall(text("Makefile")))


def missing_files(document: str) -> list[str]:
    named = (name for name in FILE.findall(document) if not FOREIGN.match(name))
    return [name for name in named if not (ROOT / name).exists()]


def unknown_names(document: str) -> list[str]:
    """Names of which it says in which module they are, where they are not."""
    named = IN_FILE.findall(prose(document))
    return [name for name, file in named if not re.search(rf"\b{name}\b", text(file))]


def natsctl_commands(document: str) -> Iterator[list[str]]:
    """Arguments of every `natsctl` in console blocks, kubectl's too, whatever is piped to it."""
    for command in commands(document):
        lexer = shlex.shlex(command.line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        while words:
            end = next((i for i, w in enumerate(words) if set(w) <= set("|;&()<>")), len(words))
            if words[:2] == ["kubectl", "natsctl"]:
                yield words[2:end]
            elif words[0] == "natsctl":
                yield words[1:end]
            words = words[end + 1 :]


class Parsed(Exception):
    """The arguments are fine: nothing more is to happen."""


def refused(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the command line of natsctl refuses these arguments; nothing is run."""
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser: argparse.ArgumentParser, *given: Any, **more: Any) -> Any:
        parse(parser, *given, **more)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    try:
        return main(arguments) != 0
    except Parsed:
        return False
    except SystemExit as error:
        return bool(error.code)
    finally:
        monkeypatch.undo()


def problems(document: str) -> list[str]:
    """What `natsctl validate` has against the manifests in yaml blocks."""
    found = []
    for block in blocks(document):
        if block.language == "yaml" and "nats.io/v1alpha2" in block.text:
            for content in yaml.safe_load_all(block.text):
                manifest = Document("block", content)
                if manifest.is_ours:
                    found += [str(problem) for problem in problems_of(manifest)]
    return found


def unknown_values(document: str) -> list[str]:
    """Values of the chart that it does not have, in helm commands and `name.path=value`."""
    values = yaml.safe_load(text("charts/nats-operator/values.yaml"))
    named = ["".join(found) for found in VALUE.findall(document)]
    return [name for name in named if not _has(values, name.split("."))]


def _has(values: Any, path: list[str]) -> bool:
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def long_lines(document: str) -> list[str]:
    lines = prose(document).splitlines()
    return [x for x in lines if len(x) > LONGEST_LINE and not x.startswith("|")]


@pytest.mark.parametrize("document", DOCUMENTS)
class TestDocuments:
    def test_links_lead_somewhere(self, document: str) -> None:
        assert broken_links(text(document), (ROOT / document).parent, text(document)) == []

    def test_named_files_exist(self, document: str) -> None:
        assert missing_files(text(document)) == []

    def test_names_are_in_their_files(self, document: str) -> None:
        assert unknown_names(text(document)) == []

    def test_named_targets_exist(self, document: str) -> None:
        assert unknown_targets(text(document)) == set()

    def test_commands_are_understood(self, document: str, monkeypatch: pytest.MonkeyPatch) -> None:
        found = natsctl_commands(text(document))
        assert [line for line in found if refused(line, monkeypatch)] == []

    def test_manifests_are_valid(self, document: str) -> None:
        assert problems(text(document)) == []

    def test_values_are_of_the_chart(self, document: str) -> None:
        assert unknown_values(text(document)) == []

    def test_lines_are_short(self, document: str) -> None:
        if document not in ("docs/reference.md", "testbed/README.md"):
            assert long_lines(text(document)) == []


def section(document: str, heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", document, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def untold_options(command: str, document: str) -> set[str]:
    """Options of a command that its section does not name; what all have is told at the top."""
    parser: argparse.ArgumentParser = module_of(command).parser_of(command)
    told = {
        option.lstrip("-")
        for span in re.findall(r"`([^`]+)`", section(prose(document), f"natsctl {command}"))
        for option in re.findall(r"(?:^| )(-[\w-]+)", span)
    }
    return {option.lstrip("-") for option in options_of(parser)} - {"h", "help"} - told


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_told(command: str) -> None:
    document = text("docs/commands.md")
    assert f"(#natsctl-{command})" in document
    assert "Exit status" in section(document, f"natsctl {command}").replace("exit", "Exit")
    assert untold_options(command, document) == set()


class TestTheChecks:
    """Each of them can fail."""

    def test_links(self) -> None:
        own = "# A b\n[x](#a-b) [y](#c) [z](nowhere.md) [w](README.md#none) `[v](u)`"
        assert broken_links(own, ROOT, own) == ["#c", "nowhere.md", "README.md#none", "u"]

    def test_files(self) -> None:
        assert missing_files("`natsctl/api` `natsctl/nowhere.py`") == ["natsctl/nowhere.py"]

    def test_names(self) -> None:
        told = "`RULES` in\n   `natsctl/plan/rules/registry.py`, `RULES` in `natsctl/plan/state.py`"
        assert unknown_names(told) == ["RULES"]

    def test_targets(self) -> None:
        assert unknown_targets("`make unit` `make nothing`") == {"nothing"}

    def test_commands(self, monkeypatch: pytest.MonkeyPatch) -> None:
        block = "```console\n$ natsctl crds | cat\n$ x | natsctl validate --nothing\n```"
        found = [refused(line, monkeypatch) for line in natsctl_commands(block)]
        assert found == [False, True]

    def test_options(self) -> None:
        told = "## natsctl validate\n`-f`, `--filename FILE`\n## natsctl render\n`--output`"
        assert untold_options("validate", told) == {"o", "output"}

    def test_manifests(self) -> None:
        block = (
            "apiVersion: nats.io/v1alpha2\nkind: NatsCluster\nmetadata: {name: a}\nspec: {x: 1}\n"
        )
        assert any("x" in problem for problem in problems(f"```yaml\n{block}```"))

    def test_values(self) -> None:
        told = "--set clusterScoped=true --set image.nothing=1 `flowSchema.disabled=true`"
        assert unknown_values(told) == ["image.nothing", "flowSchema.disabled"]

    def test_lines(self) -> None:
        assert long_lines("x" * 111) != []
        assert long_lines("| " + "x" * 111) == []


def test_the_readme_names_the_targets_a_newcomer_needs() -> None:
    assert {"demo", "test", "unit", "bench", "help"} <= set(MAKE.findall(text("README.md")))


def strings(folder: str) -> set[str]:
    """Every text in the code of a folder."""
    trees = (ast.parse(file.read_text()) for file in (ROOT / folder).rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def reasons(folder: str, call: str, position: int) -> set[str]:
    """The texts that the code gives to calls such as `Verdict(..., reason, ...)`."""
    trees = (ast.parse(file.read_text()) for file in (ROOT / folder).rglob("*.py"))
    calls = (n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Call))
    given = (
        n.args[position]
        for n in calls
        if isinstance(n.func, ast.Name) and n.func.id == call and len(n.args) > position
    )
    return {a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)}


CODE = (
    ("natsctl/plan", "Verdict", 1),
    ("natsctl/plan", "Progress", 0),
    ("natsctl/plan", "Trouble", 0),
    ("natsctl/controllers", "Event", 0),
)
FAILURES = "docs/failure-modes.md"
OF_KUBERNETES = {"Forbidden", "Invalid", "Unschedulable"}


@pytest.mark.parametrize(("folder", "call", "position"), CODE)
def test_every_reason_is_told(folder: str, call: str, position: int) -> None:
    found = reasons(folder, call, position)
    assert len(found) > 5
    told = text(FAILURES)
    assert {reason for reason in found if f"`{reason}`" not in told} == set()


def test_what_blocks_a_restart_has_its_way_out() -> None:
    """In a row of the table, by the name of the override that the message ends with."""
    names = re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \|", text(FAILURES), re.MULTILINE)
    told = [name for row in names for name in re.findall(r"`([a-z-]+)`", row)]
    assert sorted(told) == sorted(set(Why) - FIRM)


def test_told_reasons_exist() -> None:
    known = strings("natsctl") | OF_KUBERNETES
    told = set(QUOTED.findall(text(FAILURES)))
    assert len(told) > 30
    assert {reason for reason in told if reason not in known} == set()


def rules() -> Iterator[tuple[str, str]]:
    """Resource and verb of every rule in the rendered manifests."""
    for file in sorted(ROOT.glob("deploy/**/*.yaml")):
        for manifest in yaml.safe_load_all(file.read_text()):
            for rule in (manifest or {}).get("rules") or ():
                for resource in rule.get("resources") or ():
                    yield from ((resource, verb) for verb in rule["verbs"])


def test_every_right_is_explained() -> None:
    """In the table of rights, with its verb; what servers get is told in a sentence below it."""
    told: set[tuple[str, str]] = set()
    for line in re.findall(r"^\| (`.+)$", text("docs/security.md"), re.MULTILINE):
        named, verbs = line.split("|")[:2]
        told |= {(r, v.strip()) for r in re.findall(r"`([\w/]+)`", named) for v in verbs.split(",")}
    given = set(rules())
    assert len(given) > 15
    assert given - told == {("nodes", "get")}
