"""`natsctl validate`: what is wrong, where, and the exit status."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from natsctl.cli.main import main

CLUSTER = """
apiVersion: nats.io/v1alpha2
kind: NatsCluster
metadata: {name: c, namespace: ns}
spec: {size: 3}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "it.yaml"


def check(file: Path, text: str, *flags: str) -> int:
    file.write_text(text)
    return main(["validate", "-f", str(file), *flags])


def test_nothing_wrong(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\n"
    assert check(file, CLUSTER + other) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "checked 1 of 2 objects" in err


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("size: 3", "size: three"), "spec.size: is 'three'; write a whole number"),
        (("size: 3", "size: 3, colour: blue"), "spec.colour: unknown field"),
        (("size: 3", "size: -1"), "spec.size: "),
        (("name: c", "name: C"), "metadata.name: "),
        (("v1alpha2", "v1"), "apiVersion: write nats.io/v1alpha2"),
        (("NatsCluster", "NatsCluser"), "kind: write NatsCluster or NatsServiceRole"),
        (
            (
                "kind: NatsCluster\nmetadata: {name: c, namespace: ns}\nspec: {size: 3}",
                'kind: NatsServiceRole\nspec: {permissions: {publish: ["a b"]}}',
            ),
            "spec.permissions.publish[0]: 'a b' is no subject",
        ),
    ],
)
def test_what_is_wrong_is_named(
    file: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], says: str
) -> None:
    assert check(file, CLUSTER.replace(*change)) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"{file}: ")
    assert says in out


def test_for_machines(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(file, CLUSTER.replace("size: 3", "size: x"), "-o", "json") == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["namespace"], found["name"], found["path"]) == ("ns", "c", "spec.size")


def test_a_list_and_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    item = {"apiVersion": "nats.io/v1alpha2", "kind": "NatsCluster", "metadata": 7, "spec": {}}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"kind": "List", "items": [item]})))
    assert main(["validate", "-f", "-"]) == 1
    assert "-: NatsCluster default/: spec.size: is required" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: [", "line 2: "),
        ("a: 1\na: 2", "line 2: key 'a' is there twice"),
        ("- 1", "a manifest is an object, this is list"),
    ],
)
def test_what_cannot_be_read(
    file: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    assert check(file, text) == 2
    assert says in capsys.readouterr().err


def test_a_file_that_is_not_there(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "-f", str(file)]) == 2
    assert main(["render", "-f", str(file)]) == 2
    assert "No such file" in capsys.readouterr().err
