"""`natsctl render`: what would be made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from natsctl.cli.main import main

PLANTED = "pl4nted"
USERS = json.dumps({"users": [{"username": "u", "password": PLANTED}]})
CLUSTER: dict[str, Any] = {
    "apiVersion": "nats.io/v1alpha2",
    "kind": "NatsCluster",
    "metadata": {"name": "c", "namespace": "ns"},
    "spec": {"size": 2, "version": "2.14.5"},
}


def manifest(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "ns"},
    } | more


def with_spec(**fields: Any) -> dict[str, Any]:
    return CLUSTER | {"spec": CLUSTER["spec"] | fields}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "it.yaml"


def render(file: Path, *documents: dict[str, Any], flags: tuple[str, ...] = ()) -> int:
    file.write_text(yaml.safe_dump_all(documents))
    return main(["render", "-f", str(file), *flags])


def test_every_object(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render(file, CLUSTER) == 0
    objects = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [f"{o['kind']}/{o['metadata']['name']}" for o in objects] == [
        "Service/c",
        "Service/c-mgmt",
        "Secret/c",
        "Pod/c-1",
        "Pod/c-2",
    ]
    assert json.loads(objects[2]["stringData"]["nats.conf"])["port"] == 4222


def test_the_configuration_alone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render(file, CLUSTER, flags=("--config",)) == 0
    assert json.loads(capsys.readouterr().out)["cluster"]["name"] == "c"


LOGIN = json.dumps({"username": "r", "password": PLANTED})


def full_of_passwords(password: str) -> tuple[dict[str, Any], ...]:
    def hold(name: str, text: str) -> dict[str, Any]:
        return manifest("Secret", name, stringData={"auth.json": text.replace(PLANTED, password)})

    login = f"nats://x:{password}@h"
    cluster = with_spec(
        auth={
            "clientsAuthSecret": "s",
            "clusterAuthSecret": "routes",
            "gatewayAuthSecret": "gateways",
        },
        extraRoutes=[{"cluster": "d"}, {"route": f"{login}:6222"}],
        gatewayConfig={
            "name": "c",
            "hostPort": 7522,
            "gateways": [{"name": "g", "url": "nats://h:7522"}],
        },
        leafnodeConfig={"remotes": [{"url": f"nats://{password}@h:7422"}]},
    )
    other = CLUSTER | {"metadata": {"name": "d", "namespace": "ns"}}
    other |= {"spec": CLUSTER["spec"] | {"size": 1, "auth": {"clusterAuthSecret": "others"}}}
    broken = CLUSTER | {"metadata": {"name": "e", "namespace": "ns"}, "kind": "NatsClusters"}
    logins = (hold(name, LOGIN) for name in ("routes", "gateways", "others"))
    return cluster, other, broken, hold("s", USERS), *logins


@pytest.mark.parametrize("config", [(), ("--config",)])
def test_passwords_are_shown_only_if_asked_for(
    file: Path, capsys: pytest.CaptureFixture[str], config: tuple[str, ...]
) -> None:
    assert render(file, *full_of_passwords(PLANTED), flags=config) == 0
    masked = capsys.readouterr()
    assert PLANTED not in masked.out + masked.err
    assert '"password": "***"' in masked.out
    for login in ("r:***@c-1", "r:***@d-1", "x:***@h:6222", "r:***@h:7522", "//***@h:7422"):
        assert login in masked.out
    assert render(file, *full_of_passwords(PLANTED), flags=("--show-secrets", *config)) == 0
    assert capsys.readouterr().out.count(PLANTED) >= 7


def test_not_even_a_digest_tells_of_them(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render(file, *full_of_passwords(PLANTED)) == 0
    first = capsys.readouterr()
    assert render(file, *full_of_passwords("another")) == 0
    assert capsys.readouterr() == first


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({"extraRoutes": [{"cluster": "d"}]}, "d"),
        ({"extraRoutes": [{"cluster": "e"}]}, "d"),
        ({"extraRoutes": [{"cluster": "old"}]}, None),
        ({"extraRoutes": [{"cluster": "there"}]}, "there"),
        ({"extraRoutes": [{"route": "nats://h:6222"}]}, None),
        ({"clusterName": "main"}, "main"),
    ],
)
def test_servers_have_the_name_of_the_cluster_that_they_join(
    file: Path, capsys: pytest.CaptureFixture[str], spec: dict[str, Any], name: str | None
) -> None:
    def other(name: str, **fields: Any) -> dict[str, Any]:
        return CLUSTER | {"metadata": {"name": name, "namespace": "ns"}, "spec": fields}

    near = (
        other("d", size=0),
        other("e", size=0, extraRoutes=[{"cluster": "d"}]),
        other("old", size=0, version="2.1.9"),
    )
    assert render(file, with_spec(**spec), *near, flags=("--config",)) == 0
    text = capsys.readouterr().out
    assert json.JSONDecoder().raw_decode(text)[0]["cluster"].get("name") == name


def test_a_neighbour_that_cannot_be_used(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = CLUSTER | {"metadata": {"name": "d", "namespace": "ns"}, "spec": {"size": "x"}}
    assert render(file, with_spec(extraRoutes=[{"cluster": "d"}]), bad) == 1
    out, err = capsys.readouterr()
    assert "nats://d-mgmt" in out
    assert "NatsCluster ns/d: spec.size: is 'x'" in err


def test_what_is_missing_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render(file, with_spec(tls={"serverSecret": "certs"})) == 0
    assert "Secret certs (certificates of clients) does not exist" in capsys.readouterr().err


def test_secrets_that_hold_no_users_stay_as_they_are(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = manifest("Secret", "certs", data={"server.pem": "QQ==", "x": "OiBb", "y": "!"})
    assert render(file, with_spec(tls={"serverSecret": "certs"}), secret) == 0
    assert "lacks the key server-key.pem" in capsys.readouterr().err


def test_users_of_roles(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    role = {
        "apiVersion": "nats.io/v1alpha2",
        "kind": "NatsServiceRole",
        "metadata": {"name": "worker", "namespace": "ns", "labels": {"nats_cluster": "c"}},
        "spec": {"permissions": {"publish": ["a"]}},
    }
    cluster = with_spec(auth={"enableServiceAccounts": True})
    flags: tuple[str, ...] = ("--config",)
    assert render(file, cluster, role, manifest("ServiceAccount", "worker"), flags=flags) == 0
    (user,) = json.loads(capsys.readouterr().out)["authorization"]["users"]
    assert user == {"username": "worker", "password": "***", "permissions": {"publish": ["a"]}}
    flags = ("--config", "--show-secrets")
    assert render(file, cluster, role, manifest("ServiceAccount", "worker"), flags=flags) == 0
    (user,) = json.loads(capsys.readouterr().out)["authorization"]["users"]
    assert user["password"] == "the token of ns/worker"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [({"team": "a"}, ["worker_other"]), ({}, []), (None, [])],
)
def test_users_of_namespaces_that_a_role_selects(
    file: Path, capsys: pytest.CaptureFixture[str], labels: Any, expected: list[str]
) -> None:
    """By the labels in the files, and the one that the API server gives each namespace."""
    by_name = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["other"]}
    selector = {"matchLabels": {"team": "a"}, "matchExpressions": [by_name]}
    role = {
        "apiVersion": "nats.io/v1alpha2",
        "kind": "NatsServiceRole",
        "metadata": {"name": "worker", "namespace": "ns", "labels": {"nats_cluster": "c"}},
        "spec": {"serviceAccountNamespaces": {"selector": selector}},
    }
    meta = {"name": "other", "labels": labels}
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
    elsewhere = manifest("ServiceAccount", "worker")
    elsewhere["metadata"]["namespace"] = "other"
    cluster = with_spec(auth={"enableServiceAccounts": True})
    more = (role, place, manifest("ServiceAccount", "worker"), elsewhere)
    assert render(file, cluster, *more, flags=("--config",)) == 0
    users = json.loads(capsys.readouterr().out)["authorization"]["users"]
    assert [user["username"] for user in users if "username" in user] == expected


def test_a_token_beside_what_needs_a_system_account_is_told(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = with_spec(
        auth={"clientsAuthSecret": "s"},
        gatewayConfig={"name": "c", "hostPort": 7522},
        leafnodeConfig={"hostPort": 7422},
    )
    secret = manifest("Secret", "s", stringData={"auth.json": json.dumps({"token": PLANTED})})
    assert render(file, cluster, secret) == 0
    out, err = capsys.readouterr()
    assert "a token together with gateways and leaf nodes" in err
    assert PLANTED not in out + err


def test_long_texts_are_readable(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render(file, CLUSTER) == 0
    assert '  nats.conf: |\n    {\n      "port": 4222,\n' in capsys.readouterr().out


def test_a_cluster_that_cannot_be_used(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render(file, with_spec(version="no tag")) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "spec.version" in err


def test_what_has_no_effect_is_told_and_the_rest_is_rendered(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(file, with_spec(template={"spec": {"nodeselector": {}}})) == 0
    out, err = capsys.readouterr()
    assert "Pod" in out
    assert (
        "spec.template.spec.nodeselector: unknown field; it has no effect: "
        "did you mean nodeSelector?" in err
    )
