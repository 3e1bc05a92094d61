"""Every example is what it says it is: valid, and rendered without anything missing but Secrets."""

from itertools import takewhile
from pathlib import Path

import pytest

from natsctl.cli.main import main

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 20


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = path.read_text().splitlines()
    head = "".join(takewhile(lambda line: line.startswith("#"), lines))
    assert head, "says what it shows"
    assert "Requires: " in head or "kubectl " in head, "says what it needs"
    assert main(["validate", "-f", str(path)]) == 0, capsys.readouterr()
    assert main(["render", "-f", str(path)]) == 0
    told = capsys.readouterr().err.splitlines()
    expected: tuple[str, ...] = ("checked ", "does not exist: create it")
    expected += ("spec.jetstream: is an alpha feature",) if "JetStream (alpha" in head else ()
    assert [line for line in told if not any(words in line for words in expected)] == []
