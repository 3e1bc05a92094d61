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


OTHERS = CLUSTER.replace("nats.io/v1alpha2", "nats.crewlet.cloud/v1alpha1").replace("3", "x")


def test_nothing_wrong(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\n"
    assert check(file, CLUSTER + other) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "checked 1 of 2 objects" in err


def test_jetstream_needs_its_gate_which_is_no_problem_of_the_file(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(file, CLUSTER.replace("size: 3", "size: 3, jetstream: {}")) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "NatsCluster ns/c: note: spec.jetstream: is an alpha feature" in err
    assert "featureGates.jetStream=true" in err


def test_for_machines_there_are_no_notes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asking = CLUSTER.replace("size: 3", "size: 3, jetstream: {}")
    assert check(file, asking, "-o", "json") == 0
    assert capsys.readouterr() == ("[]\n", "")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("size: 3", "size: three"), "spec.size: is 'three'; use a whole number"),
        (("size: 3", "size: 3, colour: blue"), "spec.colour: unknown field"),
        (("size: 3", "size: -1"), "spec.size: "),
        (("name: c", "name: C"), "metadata.name: "),
        (("v1alpha2", "v1"), "apiVersion: use nats.io/v1alpha2"),
        (("NatsCluster", "NatsCluser"), "kind: use NatsCluster or NatsServiceRole"),
        (
            (
                "kind: NatsCluster\nmetadata: {name: c, namespace: ns}\nspec: {size: 3}",
                'kind: NatsServiceRole\nspec: {permissions: {publish: ["a b"]}}',
            ),
            "spec.permissions.publish[0]: 'a b' is not a valid subject",
        ),
        (("NatsCluster", "NatsServiceRole"), "spec.size: unknown field"),
        (
            (
                "kind: NatsCluster\nmetadata: {name: c, namespace: ns}\nspec:",
                "kind: NatsServiceRole\nx:",
            ),
            "NatsServiceRole default/: spec: is required",
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


def role(cluster: str) -> str:
    spec = "{permissions: {publish: [a], allowResponses: {maxMsgs: 1}}}"
    return "---\n" + CLUSTER.replace("NatsCluster", "NatsServiceRole").replace(
        "name: c, namespace: ns", f"name: r, namespace: ns, labels: {cluster}"
    ).replace("{size: 3}", spec)


@pytest.mark.parametrize(
    ("version", "labels", "wrong"),
    [
        ("2.0.0", "{nats_cluster: c}", True),
        ("2.14.5", "{nats_cluster: c}", False),
        ("2.0.0", "{nats_cluster: d}", False),
        ("2.0.0", "7", False),
    ],
)
def test_a_role_is_for_servers_of_a_version(
    file: Path, capsys: pytest.CaptureFixture[str], version: str, labels: str, wrong: bool
) -> None:
    text = CLUSTER.replace("size: 3", f'size: 3, version: "{version}"') + role(labels)
    assert check(file, text) == (1 if wrong else 0)
    assert (
        "nats-server 2.0.0 does not support this permission" in capsys.readouterr().out
    ) == wrong


@pytest.mark.parametrize("spec", ["{size: x}", "{size: 1, version: no tag}"])
def test_a_role_of_a_bad_cluster_is_not_to_blame(
    file: Path, capsys: pytest.CaptureFixture[str], spec: str
) -> None:
    assert check(file, CLUSTER.replace("{size: 3}", spec) + role("{nats_cluster: c}")) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert ": NatsCluster ns/c: " in line


USERS = """
---
apiVersion: v1
kind: Secret
metadata: {name: users, namespace: ns}
stringData:
  auth.json: '{"users": [{"username": "u", "password": "pl4nted", "colour": "blue"}]}'
"""


def test_a_secret_beside_its_cluster(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asking = CLUSTER.replace("size: 3", "size: 3, auth: {clientsAuthSecret: users}")
    assert check(file, asking + USERS) == 1
    out = capsys.readouterr().out
    assert "Secret users, key auth.json.users[0].colour: unknown key" in out
    assert "pl4nted" not in out
    assert check(file, asking + USERS.replace(', "colour": "blue"', "")) == 0


def test_a_secret_elsewhere_is_no_problem(file: Path) -> None:
    asking = "size: 3, auth: {clientsAuthSecret: users}, tls: {serverSecret: certificates}"
    assert check(file, CLUSTER.replace("size: 3", asking)) == 0


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
        ("a: 1\na: 2", "line 2: duplicate key 'a'"),
        ("- 1", "a manifest must be an object, not a list"),
        ("a: 1\n? [b]\n: 2", "line 2: a key must be a string"),
        (f"a: {'[' * 3000}{']' * 3000}", "is nested too deeply"),
    ],
)
def test_what_cannot_be_read(
    file: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    assert check(file, text) == 2
    assert says in capsys.readouterr().err


def test_a_secret_that_is_none(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asking = CLUSTER.replace("size: 3", "size: 3, auth: {clientsAuthSecret: users}")
    secret = USERS.replace("stringData:\n  auth.json: ", "stringData: ")
    assert check(file, asking + secret) == 2
    assert main(["render", "-f", str(file)]) == 2
    assert "Secret ns/users: Expected `object`, got `str`" in capsys.readouterr().err


def test_dates_and_merged_keys_are_what_they_are_to_kubectl(file: Path) -> None:
    text = CLUSTER.replace("name: c,", "name: c, annotations: &a {since: 2026-01-01},")
    text = text.replace("size: 3", "size: 3, pod: {annotations: {<<: *a, since: 2026-01-02}}")
    assert check(file, text) == 0


def test_a_file_that_is_not_there(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "-f", str(file)]) == 2
    assert main(["render", "-f", str(file)]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_cluster_of_another_group_is_somebody_elses(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(file, OTHERS + "---" + CLUSTER + role("{nats_cluster: c}")) == 0
    assert "checked 2 of 3 objects" in capsys.readouterr().err
    assert main(["render", "-f", str(file), "--config"]) == 0
    out, err = capsys.readouterr()
    assert out.count('"port": 4222') == 1
    assert err == ""


def test_problems_and_what_has_no_effect_and_secrets_in_one_round(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CLUSTER.replace("size: 3", "size: 3, resources: {}, auth: {clientsAuthSecret: users}")
    text = text.replace("size: 3,", "size: 3, lameDuckDurationSeconds: 1,").replace("alpha2", "")
    assert check(file, text + USERS) == 1
    places = [line.split(": ")[2] for line in capsys.readouterr().out.splitlines()]
    assert places == ["apiVersion", "spec.lameDuckDurationSeconds", "spec.resources", "spec"]
