"""Everything that a spec can ask for, on every server line that can do it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest
from cryptography import x509

from natsctl.api.checks.validate import validate
from natsctl.api.version import ServerVersion
from natsctl.render.config import tls
from natsctl.render.config.conf import nobody
from natsctl.render.digest import config_digest, expected_digests
from natsctl.render.inputs import ConfigInputs, Files, Login
from natsctl.render.target import Target
from tests.server import servers
from tests.server.layout import below, certificate, issued, texts
from tests.server.servers import trusting
from tests.unit.api.jwts import ACCOUNT, ACCOUNT_JWT, OTHER_USER, USER
from tests.unit.render.targets import target

pytestmark = pytest.mark.server

EVERY_SECRET = {
    "serverSecret": "a",
    "routesSecret": "b",
    "gatewaySecret": "c",
    "leafnodeSecret": "d",
    "websocketSecret": "e",
}
GATEWAY = {"name": "g", "hostPort": 7522}
PERMISSIONS = {"publish": ["a.*"], "subscribe": {"allow": ["b", "c workers"], "deny": [">"]}}
SOMEBODY = {"username": "u", "password": "p"}
TIMEOUTS = {
    "clientsTLSTimeout": 5,
    "routesTLSTimeout": 0.5,
    "gatewaysTLSTimeout": 5.5,
    "leafnodesTLSTimeout": 5,
}


@attrs.frozen
class Feature:
    """Fields of a spec, what Secrets hold, and the first version that has it."""

    fields: dict[str, Any]
    inputs: ConfigInputs = attrs.field(factory=ConfigInputs)
    since: str = "2.0.0"


FEATURES = {
    "tls": Feature(
        {
            "tls": {
                **{k: v for k, v in EVERY_SECRET.items() if k != "websocketSecret"},
                **TIMEOUTS,
                "verify": True,
                "cipherSuites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
                "curvePreferences": ["X25519", "CurveP256"],
            },
            "gatewayConfig": {**GATEWAY, "gateways": [{"name": "h", "url": "tls://127.0.0.1:1"}]},
            "leafnodeConfig": {"remotes": [{"url": "tls://127.0.0.1:1"}]},
        }
    ),
    "tls-of-cert-manager": Feature(
        {"tls": {"serverSecret": "a", "routesSecret": "b"}},
        ConfigInputs(files={"clients": Files("tls.crt", "tls.key")}),
    ),
    "https": Feature({"tls": {"serverSecret": "a", "enableHttps": True}}),
    "verify-and-map": Feature(
        {"tls": {"serverSecret": "a"}, "auth": {"tlsVerifyAndMap": True, "clientsAuthSecret": "s"}},
        ConfigInputs(authorization={"users": [{"username": "CN=u"}]}),
    ),
    "nobody": Feature({"auth": {"enableServiceAccounts": True}}),
    "users": Feature(
        {"auth": {"clientsAuthSecret": "s", "clientsAuthTimeout": 5}},
        ConfigInputs(
            authorization={
                "users": [{**SOMEBODY, "permissions": PERMISSIONS}, {"nkey": OTHER_USER}],
                "default_permissions": {"publish": "x", "subscribe": ["y"]},
            },
        ),
    ),
    "replies": Feature(
        {"auth": {"clientsAuthSecret": "s"}},
        ConfigInputs(
            authorization={
                "users": [
                    {**SOMEBODY, "permissions": {"allow_responses": {"max": 5, "expires": "1m"}}}
                ]
            }
        ),
        since="2.1.9",
    ),
    "single-user": Feature(
        {"auth": {"clientsAuthSecret": "s"}}, ConfigInputs(authorization={**SOMEBODY, "timeout": 2})
    ),
    "token": Feature(
        {"auth": {"clientsAuthSecret": "s"}}, ConfigInputs(authorization={"token": "t"})
    ),
    "file": Feature({"auth": {"clientsAuthFile": "/etc/nats-config/auth/users.json"}}),
    "logins": Feature(
        {
            "auth": {
                "clusterAuthSecret": "r",
                "clusterAuthTimeout": 2,
                "gatewayAuthSecret": "g",
                "gatewayAuthTimeout": 3,
            },
            "gatewayConfig": {**GATEWAY, "gateways": [{"name": "h", "url": "nats://127.0.0.1:1"}]},
        },
        ConfigInputs(routes=Login("u/v", "p@ %"), gateways=Login("w", "#?&")),
    ),
    "gateways": Feature(
        {
            "gatewayConfig": {
                **GATEWAY,
                "rejectUnknown": True,
                "gateways": [
                    {"name": "g", "url": "nats://127.0.0.1:1"},
                    {"name": "h", "urls": ["nats://127.0.0.1:1", "nats://[::1]:1"]},
                ],
            }
        }
    ),
    "leafnodes": Feature({"leafnodeConfig": {"hostPort": 7422}, "tls": {"leafnodeSecret": "d"}}),
    "hub": Feature(
        {"leafnodeConfig": {"remotes": [{"url": "nats://u:p@127.0.0.1:1", "credentials": "/c"}]}}
    ),
    "hubs": Feature(
        {
            "leafnodeConfig": {
                "hostPort": 7422,
                "remotes": [{"urls": ["nats://127.0.0.1:1", "nats://[::1]:1"]}],
            }
        },
        since="2.1.9",
    ),
    "websocket": Feature(
        {
            "websocketConfig": {"port": 8080, "handshakeTimeout": "5s", "compression": True},
            "tls": {"websocketSecret": "e", "websocketTLSTimeout": 5},
        },
        since="2.2.6",
    ),
    "plain-websocket": Feature({"websocketConfig": {"port": 8080, "no_tls": True}}, since="2.2.6"),
    "operator": Feature(
        {
            "operatorConfig": {
                "secret": "o",
                "systemAccount": ACCOUNT,
                "resolver": "MEMORY",
                "resolverPreload": {ACCOUNT: ACCOUNT_JWT},
            },
            "gatewayConfig": GATEWAY,
            "leafnodeConfig": {"hostPort": 7422},
        }
    ),
    "advertised": Feature(
        {
            "pod": {"advertiseExternalIP": True, "enableClientsHostPort": True},
            "gatewayConfig": GATEWAY,
            "tls": {"gatewaySecret": "c"},
        }
    ),
    "advertised-leafnodes": Feature(
        {"pod": {"advertiseExternalIP": True}, "leafnodeConfig": {"hostPort": 7422}}
    ),
    "everything-linked": Feature(
        {"gatewayConfig": GATEWAY, "leafnodeConfig": {"hostPort": 7422}}, since="2.9.25"
    ),
}
CASES = [
    pytest.param(version, name, id=f"{name}-{version}")
    for name, feature in FEATURES.items()
    for version in servers.VERSIONS
    if ServerVersion.parse(version).at_least(*map(int, feature.since.split(".")))
]


def rendered(version: str, name: str) -> Target:
    feature = FEATURES[name]
    inputs = attrs.evolve(feature.inputs, system=USER)
    cluster = target(version=version, size=1, inputs=inputs, **feature.fields)
    assert validate("c", cluster.spec) == ()
    return cluster


@pytest.mark.parametrize(("version", "name"), CASES)
def test_a_server_runs_it(version: str, name: str, tmp_path: Path) -> None:
    cluster = rendered(version, name)
    checked = servers.check(cluster, tmp_path / "check")
    assert checked.returncode == 0, checked.stderr
    with servers.running(cluster, 1, tmp_path / "run", []) as server:
        assert cluster.version.matches(server.ask("/varz")["version"])


@pytest.mark.parametrize("version", servers.those("2.11.17", "2.12.15", "2.15.3"))
@pytest.mark.parametrize("name", FEATURES)
def test_the_digest_is_known_beforehand(version: str, name: str, tmp_path: Path) -> None:
    cluster = rendered(version, name)
    checked = servers.check(cluster, tmp_path)
    told = re.search(r"sha256:[0-9a-f]{64}", checked.stderr)
    assert told
    if name == "file" or name.startswith("advertised"):
        assert expected_digests(cluster)("c-1") is None
        return
    text = below(tmp_path, "/etc/nats-config/nats.conf").read_text()
    assert told[0] == config_digest({"server_name": "c-1", **json.loads(text)})
    if text == texts(cluster)["nats.conf"]:
        assert told[0] == expected_digests(cluster)("c-1")


@pytest.mark.parametrize("version", servers.VERSIONS)
def test_nobody_gets_in_not_even_with_the_hash_for_a_password(version: str, tmp_path: Path) -> None:
    (user,) = nobody()["users"]
    hashed, name = user["password"], user["user"]
    cluster = rendered(version, "nobody")
    with servers.running(cluster, 1, tmp_path, []) as server:
        assert "Authorization Violation" in answer(server, {})
        assert "Authorization Violation" in answer(server, {"user": name, "pass": hashed})
        assert "Authorization Violation" in answer(server, {"user": name, "pass": ""})


@pytest.mark.parametrize("version", servers.VERSIONS)
def test_users_get_in(version: str, tmp_path: Path) -> None:
    with servers.running(rendered(version, "users"), 1, tmp_path, []) as server:
        assert answer(server, {"user": "u", "pass": "p"}).startswith("PONG")
        assert "Authorization Violation" in answer(server, {})


@pytest.mark.parametrize("version", servers.VERSIONS)
def test_an_open_cluster_stays_open(version: str, tmp_path: Path) -> None:
    cluster = target(version=version, size=1, inputs=ConfigInputs(system=USER))
    with servers.running(cluster, 1, tmp_path, []) as server:
        assert answer(server, {}).startswith("PONG")


def answer(server: servers.Server, options: dict[str, str]) -> str:
    """What a server says to a client with these credentials."""
    port = urlsplit(server.clients).port or 0
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        lines = client.makefile("rw", newline="\r\n")
        assert lines.readline().startswith("INFO")
        lines.write(f"CONNECT {json.dumps({'verbose': False, **options})}\r\nPING\r\n")
        lines.flush()
        return lines.readline()


@pytest.mark.parametrize("version", servers.those("2.9.25", "2.15.3"))
def test_a_renewed_certificate_is_shown_by_every_listener(version: str, tmp_path: Path) -> None:
    fields: dict[str, Any] = {
        "tls": EVERY_SECRET,
        "gatewayConfig": GATEWAY,
        "leafnodeConfig": {"hostPort": 7422},
        "websocketConfig": {"port": 8080},
    }
    cluster = target(version=version, size=1, inputs=ConfigInputs(system=USER), **fields)
    with servers.running(cluster, 1, tmp_path, []) as server:
        varz = server.ask("/varz")
        ports = {
            "clients": urlsplit(server.clients).port,
            "routes": urlsplit(server.cluster).port,
            "gateways": varz["gateway"]["port"],
            "leafnodes": varz["leaf"]["port"],
            "websocket": varz["websocket"]["port"],
        }
        before = {name: serial(port, name) for name, port in ports.items()}
        renew(cluster, tmp_path)
        os.kill(server.process.pid, signal.SIGHUP)
        assert servers.wait_for(lambda: "Reloaded server conf" in server.log.read_text())
        after = {name: serial(port, name) for name, port in ports.items()}
    assert len({*before.values(), *after.values()}) == 2
    assert {name for name in ports if before[name] != after[name]} == set(ports)


def renew(cluster: Target, folder: Path) -> None:
    chain, key = issued()
    for listener in tls.secrets(cluster.spec):
        files = tls.files_of(cluster, listener)
        below(folder, tls.path(listener, files.cert)).write_text(chain)
        below(folder, tls.path(listener, files.key)).write_text(key)


def serial(port: int | None, listener: str) -> int:
    """Of the certificate that the listener shows to somebody with one of the same CA."""
    context = trusting()
    with tempfile.NamedTemporaryFile("w") as own:
        own.write("".join(certificate()))
        own.flush()
        context.load_cert_chain(own.name)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        if listener in ("clients", "leafnodes"):
            greeting = b""
            while not greeting.endswith(b"\n"):
                byte = plain.recv(1)
                assert byte, "closed before the greeting"
                greeting += byte
        with context.wrap_socket(plain) as encrypted:
            shown = encrypted.getpeercert(binary_form=True)
    assert shown
    return x509.load_der_x509_certificate(shown).serial_number
