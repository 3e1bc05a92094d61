"""What a reload takes up is what `reloadable` says: every field of a configuration, changed alone.

A server runs one configuration, gets another and the signal to reload it, and says in its log
what came of it.
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import attrs
import pytest

from natsctl.render.inputs import ConfigInputs, Files, Login
from natsctl.render.revision.effects import reloadable
from natsctl.render.revision.revision import changed_fields, revision, revision_text
from natsctl.render.target import Target
from tests.server import servers
from tests.server.layout import lay_out, on_loopback, texts
from tests.unit.api.jwts import ACCOUNT, ACCOUNT_JWT, OTHER_ACCOUNT, OTHER_JWT, USER
from tests.unit.render.targets import target

pytestmark = pytest.mark.server

VERSIONS = servers.those("2.9.25", "2.15.3")
SECRETS = {"serverSecret": "s", "routesSecret": "r"}
TLS = {"tls": SECRETS}
GATEWAY = {"gatewayConfig": {"name": "g", "hostPort": 7522}}
REMOTE = {"name": "h", "url": "nats://127.0.0.1:1"}
LEAF = {"leafnodeConfig": {"hostPort": 7422}}
HUB = {"leafnodeConfig": {"remotes": [{"url": "nats://127.0.0.1:1"}]}}
WEBSOCKET = {"websocketConfig": {"port": 8080, "no_tls": True}}
PRELOAD = {"resolver": "MEMORY", "resolverPreload": {ACCOUNT: ACCOUNT_JWT}}
OPERATOR = {"operatorConfig": {"secret": "o", **PRELOAD}}
USERS = {"auth": {"clientsAuthSecret": "u"}}
ROUTES_AUTH = {"auth": {"clusterAuthSecret": "r"}}
GATEWAYS_AUTH = {**GATEWAY, "auth": {"gatewayAuthSecret": "g"}}
GATEWAY_TLS: dict[str, Any] = {**GATEWAY, "tls": {"gatewaySecret": "g"}}
LEAF_TLS: dict[str, Any] = {**LEAF, "tls": {"leafnodeSecret": "l"}}
WEBSOCKET_TLS: dict[str, Any] = {"websocketConfig": {"port": 8080}, "tls": {"websocketSecret": "w"}}

# A path, a spec, and what changes in a block of it.
FIELDS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("natsConfig.debug", {}, {"natsConfig": {"debug": True}}),
    ("natsConfig.trace", {}, {"natsConfig": {"trace": True}}),
    ("natsConfig.disableLogtime", {}, {"natsConfig": {"disableLogtime": True}}),
    ("natsConfig.write_deadline", {}, {"natsConfig": {"write_deadline": "5s"}}),
    ("natsConfig.maxConnections", {}, {"natsConfig": {"maxConnections": 7}}),
    ("natsConfig.maxPayload", {}, {"natsConfig": {"maxPayload": 7}}),
    ("natsConfig.maxControlLine", {}, {"natsConfig": {"maxControlLine": 2048}}),
    ("natsConfig.maxPending", {}, {"natsConfig": {"maxPending": 2**27}}),
    ("natsConfig.maxSubscriptions", {}, {"natsConfig": {"maxSubscriptions": 7}}),
    ("serverTags", {}, {"serverTags": ["zone:a"]}),
    ("serverTags", {"serverTagsFromNode": ["zone"]}, {"serverTags": ["fast"]}),
    ("lameDuckDurationSeconds", {}, {"lameDuckDurationSeconds": 60}),
    ("extraRoutes", {}, {"extraRoutes": [{"route": "nats://127.0.0.1:1"}]}),
    ("tls.enableHttps", TLS, {"tls": {**SECRETS, "enableHttps": True}}),
    ("tls.verify", TLS, {"tls": {**SECRETS, "verify": True}}),
    ("tls.cipherSuites", TLS, {"tls": {**SECRETS, "cipherSuites": ["TLS_AES_128_GCM_SHA256"]}}),
    ("tls.curvePreferences", TLS, {"tls": {**SECRETS, "curvePreferences": ["CurveP256"]}}),
    ("tls.clientsTLSTimeout", TLS, {"tls": {**SECRETS, "clientsTLSTimeout": 5}}),
    ("tls.routesTLSTimeout", TLS, {"tls": {**SECRETS, "routesTLSTimeout": 5}}),
    ("tls.serverSecretCAFileName", TLS, {"tls": {**SECRETS, "serverSecretCAFileName": "c"}}),
    ("tls.serverSecretCertFileName", TLS, {"tls": {**SECRETS, "serverSecretCertFileName": "c"}}),
    ("tls.serverSecretKeyFileName", TLS, {"tls": {**SECRETS, "serverSecretKeyFileName": "k"}}),
    ("tls.routesSecretCAFileName", TLS, {"tls": {**SECRETS, "routesSecretCAFileName": "c"}}),
    ("tls.routesSecretCertFileName", TLS, {"tls": {**SECRETS, "routesSecretCertFileName": "c"}}),
    ("tls.routesSecretKeyFileName", TLS, {"tls": {**SECRETS, "routesSecretKeyFileName": "k"}}),
    *(
        (
            f"tls.{secret}{kind}FileName",
            base,
            {"tls": {**base["tls"], f"{secret}{kind}FileName": "new"}},
        )
        for secret, base in (
            ("gatewaySecret", GATEWAY_TLS),
            ("leafnodeSecret", LEAF_TLS),
            ("websocketSecret", WEBSOCKET_TLS),
        )
        for kind in ("CA", "Cert", "Key")
    ),
    (
        "tls.gatewaysTLSTimeout",
        GATEWAY_TLS,
        {"tls": {"gatewaySecret": "g", "gatewaysTLSTimeout": 5}},
    ),
    (
        "tls.leafnodesTLSTimeout",
        LEAF_TLS,
        {"tls": {"leafnodeSecret": "l", "leafnodesTLSTimeout": 5}},
    ),
    (
        "tls.websocketTLSTimeout",
        WEBSOCKET_TLS,
        {"tls": {"websocketSecret": "w", "websocketTLSTimeout": 5}},
    ),
    ("auth.tlsVerifyAndMap", TLS, {"auth": {"tlsVerifyAndMap": True}}),
    ("auth.enableServiceAccounts", {}, {"auth": {"enableServiceAccounts": True}}),
    ("auth.clientsAuthSecret", {}, USERS),
    (
        "auth.clientsAuthTimeout",
        USERS,
        {"auth": {"clientsAuthSecret": "u", "clientsAuthTimeout": 5}},
    ),
    ("auth.clientsAuthFile", {}, {"auth": {"clientsAuthFile": "users/a.json"}}),
    (
        "auth.clusterAuthTimeout",
        ROUTES_AUTH,
        {"auth": {"clusterAuthSecret": "r", "clusterAuthTimeout": 5}},
    ),
    (
        "auth.gatewayAuthTimeout",
        GATEWAYS_AUTH,
        {"auth": {"gatewayAuthSecret": "g", "gatewayAuthTimeout": 5}},
    ),
    ("gatewayConfig.name", GATEWAY, {"gatewayConfig": {"name": "i", "hostPort": 7522}}),
    (
        "gatewayConfig.rejectUnknown",
        GATEWAY,
        {"gatewayConfig": {"name": "g", "hostPort": 7522, "rejectUnknown": True}},
    ),
    (
        "gatewayConfig.gateways",
        GATEWAY,
        {"gatewayConfig": {"name": "g", "hostPort": 7522, "gateways": [REMOTE]}},
    ),
    ("leafnodeConfig.hostPort", {}, LEAF),
    ("leafnodeConfig.remotes", {}, HUB),
    (
        "leafnodeConfig.remotes",
        HUB,
        {"leafnodeConfig": {"remotes": [{"url": "nats://127.0.0.1:1", "credentials": "/c"}]}},
    ),
    (
        "websocketConfig.compression",
        WEBSOCKET,
        {"websocketConfig": {"port": 8080, "no_tls": True, "compression": True}},
    ),
    (
        "websocketConfig.handshakeTimeout",
        WEBSOCKET,
        {"websocketConfig": {"port": 8080, "no_tls": True, "handshakeTimeout": "3s"}},
    ),
    (
        "operatorConfig.systemAccount",
        OPERATOR,
        {"operatorConfig": {"secret": "o", **PRELOAD, "systemAccount": ACCOUNT}},
    ),
    (
        "operatorConfig.resolverPreload",
        OPERATOR,
        {
            "operatorConfig": {
                "secret": "o",
                "resolver": "MEMORY",
                "resolverPreload": {ACCOUNT: ACCOUNT_JWT, OTHER_ACCOUNT: OTHER_JWT},
            }
        },
    ),
]
SYSTEM = ConfigInputs(system=USER)
LOGIN, OTHER_LOGIN = Login("u", "p"), Login("v", "q")
NAMED, STANDARD = Files("server.pem", "server-key.pem", "ca.pem"), Files("a.crt", "a.key", "ca.crt")


def with_users(*names: str) -> ConfigInputs:
    users = [{"username": name, "password": "p"} for name in names]
    return attrs.evolve(SYSTEM, authorization={"users": users}, sealed={"auth.users": f"{names}"})


# What Secrets hold, which no field tells.
SEALED: list[tuple[str, dict[str, Any], ConfigInputs, ConfigInputs]] = [
    ("auth.users", USERS, with_users("a"), with_users("a", "b")),
    ("auth.users", USERS, with_users("a", "b"), with_users("b")),
    ("auth.users", USERS, SYSTEM, with_users("a")),
    ("auth.token", USERS, SYSTEM, attrs.evolve(SYSTEM, authorization={"token": "t"})),
    (
        "auth.routes",
        ROUTES_AUTH,
        attrs.evolve(SYSTEM, routes=LOGIN, sealed={"auth.routes": "1"}),
        attrs.evolve(SYSTEM, routes=OTHER_LOGIN, sealed={"auth.routes": "2"}),
    ),
    (
        "auth.gateways",
        GATEWAYS_AUTH,
        attrs.evolve(SYSTEM, gateways=LOGIN, sealed={"auth.gateways": "1"}),
        attrs.evolve(SYSTEM, gateways=OTHER_LOGIN, sealed={"auth.gateways": "2"}),
    ),
    *(
        (
            "tls.certificates",
            base,
            attrs.evolve(SYSTEM, files={listener: NAMED}, sealed={"tls.certificates": "1"}),
            attrs.evolve(SYSTEM, files={listener: NAMED}, sealed={"tls.certificates": "2"}),
        )
        for listener, base in (
            ("clients", TLS),
            ("routes", TLS),
            ("gateways", GATEWAY_TLS),
            ("leafnodes", LEAF_TLS),
            ("websocket", WEBSOCKET_TLS),
        )
    ),
]
SYSTEM_USER = "auth.system"
"""The operator's own user, which comes or goes beside some ways to log in."""
RESTARTED_ALL_THE_SAME = ("auth.clientsAuthFile", "auth.token")
"""Servers take them up, but the operator's own user goes with them, which asks for reloads."""
WORDS = re.compile(r"Reloaded server configuration|Failed to reload server configuration: .*")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("path", "base", "change"), FIELDS, ids=[f"{i}-{f[0]}" for i, f in enumerate(FIELDS)]
)
def test_a_field(
    version: str, path: str, base: dict[str, Any], change: dict[str, Any], tmp_path: Path
) -> None:
    before = target(size=1, version=version, inputs=SYSTEM, named=True, **base)
    after = target(size=1, version=version, inputs=SYSTEM, named=True, **{**base, **change})
    holds(path, before, after, tmp_path)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("path", "base", "held", "holds_now"), SEALED, ids=[f"{i}-{s[0]}" for i, s in enumerate(SEALED)]
)
def test_what_a_secret_holds(
    version: str,
    path: str,
    base: dict[str, Any],
    held: ConfigInputs,
    holds_now: ConfigInputs,
    tmp_path: Path,
) -> None:
    before = target(size=1, version=version, inputs=held, **base)
    after = target(size=1, version=version, inputs=holds_now, **base)
    holds(path, before, after, tmp_path)


def holds(path: str, before: Target, after: Target, folder: Path) -> None:
    changed = changed_fields(revision_text(revision(before)), revision(after))
    assert set(changed) - {SYSTEM_USER} == {path}
    said = reload(before, after, folder)
    taken_up = reloadable(path, after.version) or path in RESTARTED_ALL_THE_SAME
    assert said.startswith("Reloaded") is taken_up, said


def reload(before: Target, after: Target, folder: Path) -> str:
    """The words of a server that runs the one and is told to run the other."""
    routes = [extra.route or "" for extra in after.spec.extra_routes]
    with servers.running(before, 1, folder, []) as server:
        lay_out(after, folder, on_loopback(texts(after), routes))
        os.kill(server.process.pid, signal.SIGHUP)
        assert servers.wait_for(lambda: WORDS.search(server.log.read_text()))
        found = WORDS.search(server.log.read_text())
    assert found
    return found[0]
