"""What opens, as far as a spec and its Secrets tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from natsctl.api.checks import doors
from natsctl.api.checks.doors import (
    JWT,
    MAPPED,
    NKEY,
    NOBODY,
    PASSWORD,
    TOKEN,
    Door,
    connection_types,
    contradictions,
    logins_of,
    remarks,
)
from natsctl.api.checks.validate import validate
from natsctl.api.fields import Json
from natsctl.api.parse import parse_spec
from natsctl.api.version import DEFAULT_VERSION, ServerVersion
from tests.unit.api.specs import complaints

NEWEST = ServerVersion.parse(DEFAULT_VERSION)
USERS: Json = {"clientsAuthSecret": "u"}
CLIENTS: Json = {"serverSecret": "s"}
WEBSOCKET: Json = {"websocketConfig": {"port": 8080, "no_tls": True}}
SAFE_WEBSOCKET: Json = {"websocketConfig": {"port": 8080}}
LEAVES: Json = {"leafnodeConfig": {"hostPort": 7422}}
GATEWAY: Json = {"gatewayConfig": {"name": "g", "hostPort": 7522}}
WEBSOCKET_VERIFIED: Json = {"websocketSecret": "w", "websocketVerify": True}
LEAVES_VERIFIED: Json = {"leafnodeSecret": "l", "leafnodeVerify": True}
DOCUMENT = Path(__file__).parents[4] / "docs" / "security.md"


def found(version: str = DEFAULT_VERSION, *logins: str, **fields: Any) -> dict[str, Door]:
    spec = parse_spec({"size": 1, **fields})
    known = frozenset(logins) if logins else None
    return {d.listener: d for d in doors.doors(spec, ServerVersion.parse(version), known)}


def paths(version: str = DEFAULT_VERSION, **fields: Any) -> list[str]:
    spec = parse_spec({"size": 1, **fields})
    return [p.path for p in contradictions(spec, ServerVersion.parse(version))]


def remarked(**fields: Any) -> list[str]:
    return list(remarks(parse_spec({"size": 1, **fields}), NEWEST))


class TestWhatOpens:
    def test_whoever_asks_for_nothing_is_open(self) -> None:
        every = found(**WEBSOCKET, **LEAVES, **GATEWAY)
        assert list(every) == [
            "clients",
            "websocket",
            "leafnodes",
            "leaf nodes over websocket",
            "routes",
            "gateways",
            "monitoring",
        ]
        assert all(door.is_open for door in every.values())
        assert not any(door.encrypted for door in every.values())

    def test_what_has_to_be_shown(self) -> None:
        door = Door("clients", 4222, certificate=True, logins=frozenset({PASSWORD}))
        assert door.lets_in({PASSWORD}, certificate=True)
        assert not door.lets_in({PASSWORD})
        assert not door.lets_in({TOKEN}, certificate=True)
        assert not door.is_open

    def test_monitoring_asks_nobody(self) -> None:
        https = found(auth=USERS, tls={**CLIENTS, "enableHttps": True})["monitoring"]
        assert https.is_open
        assert https.encrypted

    def test_links_have_their_own_logins_and_certificates(self) -> None:
        links = found(
            auth={"clusterAuthSecret": "r", "gatewayAuthSecret": "g"},
            tls={"gatewaySecret": "g"},
            **GATEWAY,
        )
        assert links["routes"].logins == links["gateways"].logins == {PASSWORD}
        assert links["gateways"].certificate
        assert not links["routes"].certificate

    @pytest.mark.parametrize(
        ("fields", "logins"),
        [
            ({}, set()),
            ({"auth": USERS}, {PASSWORD, NKEY, TOKEN}),
            ({"auth": {"enableServiceAccounts": True}}, {PASSWORD}),
            ({"auth": {"enableServiceAccounts": True, **USERS}}, {PASSWORD}),
            ({"auth": {"clientsAuthFile": "u.json"}}, {doors.FILE}),
            (
                {"auth": {"clientsAuthFile": "u.json", "tlsVerifyAndMap": True}},
                {doors.FILE, MAPPED},
            ),
            ({"auth": {**USERS, "tlsVerifyAndMap": True}}, {PASSWORD, NKEY, TOKEN, MAPPED}),
            ({"operatorConfig": {"secret": "o"}}, {JWT}),
        ],
    )
    def test_what_a_spec_alone_tells(self, fields: Json, logins: set[str]) -> None:
        assert logins_of(parse_spec({"size": 1, **fields})) == logins

    def test_certificates_name_users_only_where_they_are_asked_for(self) -> None:
        fields: Json = {"auth": {**USERS, "tlsVerifyAndMap": True}, **LEAVES}
        plain = found("2.14.5", MAPPED, tls=CLIENTS, **fields, **WEBSOCKET)
        assert plain["clients"].logins == {MAPPED}
        for listener in ("websocket", "leafnodes", "leaf nodes over websocket"):
            assert plain[listener].logins == {NOBODY}
        tls = {**CLIENTS, **WEBSOCKET_VERIFIED, **LEAVES_VERIFIED}
        asked = found("2.14.5", MAPPED, tls=tls, **fields, **SAFE_WEBSOCKET)
        for listener in ("websocket", "leafnodes", "leaf nodes over websocket"):
            assert asked[listener].logins == {MAPPED}
            assert asked[listener].certificate

    @pytest.mark.parametrize(
        ("version", "logins", "left"),
        [
            ("2.14.5", {TOKEN}, {TOKEN}),
            ("2.11.17", {TOKEN}, {NOBODY}),
            ("2.11.17", {PASSWORD}, {PASSWORD}),
            ("2.1.0", {PASSWORD}, {NOBODY}),
        ],
    )
    def test_leaf_nodes_show_what_their_version_can_check(
        self, version: str, logins: set[str], left: set[str]
    ) -> None:
        assert found(version, *logins, auth=USERS, **LEAVES)["leafnodes"].logins == left

    def test_leaf_nodes_before_2_2_show_what_clients_do(self) -> None:
        fields: Json = {"auth": {**USERS, "tlsVerifyAndMap": True}, **LEAVES}
        before = found("2.1.9", PASSWORD, tls=CLIENTS, **fields)
        assert before["leafnodes"].logins == {NOBODY}
        asked = found("2.1.9", MAPPED, tls={**CLIENTS, **LEAVES_VERIFIED}, **fields)
        assert asked["leafnodes"].logins == {MAPPED}

    def test_servers_of_an_earlier_natsctl_leave_a_door_open(self) -> None:
        spec = parse_spec({"size": 1, "auth": USERS, **LEAVES})
        old = ServerVersion.parse("2.10.29")
        (leaves,) = (
            d for d in doors.doors(spec, old, open_leaves=True) if d.listener == "leafnodes"
        )
        assert leaves.is_open


class TestWhatContradicts:
    def test_nothing_does_where_nothing_was_asked_for(self) -> None:
        assert paths(**WEBSOCKET, **LEAVES, **GATEWAY) == []

    @pytest.mark.parametrize("asked", [{"verify": True}, {}])
    def test_ports_beside_clients_that_show_certificates(self, asked: Json) -> None:
        auth: Json = {} if asked else {"auth": {"tlsVerifyAndMap": True}}
        fields: Json = {"tls": {**CLIENTS, **asked}, **auth}
        assert paths(**fields, **WEBSOCKET) == ["spec.websocketConfig"]
        assert paths(**fields, **LEAVES) == ["spec.leafnodeConfig.hostPort"]
        verified = {**CLIENTS, **asked, **WEBSOCKET_VERIFIED, **LEAVES_VERIFIED}
        assert paths(**{**fields, "tls": verified}, **SAFE_WEBSOCKET, **LEAVES) == []

    def test_leaf_nodes_over_websockets(self) -> None:
        tls = {**CLIENTS, "verify": True, **LEAVES_VERIFIED}
        assert paths(tls=tls, **WEBSOCKET, **LEAVES) == ["spec.websocketConfig"] * 2

    def test_a_login_is_asked_everywhere(self) -> None:
        tls = {**CLIENTS, "verify": True}
        assert paths(tls=tls, auth=USERS, **WEBSOCKET, **LEAVES) == []
        assert paths("2.9.25", tls=tls, auth=USERS, **WEBSOCKET, **LEAVES) == []

    def test_users_by_certificate_beside_websockets_without(self) -> None:
        auth = {**USERS, "tlsVerifyAndMap": True}
        assert paths(tls=CLIENTS, auth=auth, **WEBSOCKET) == ["spec.websocketConfig"]
        tls = {**CLIENTS, "websocketSecret": "w"}
        assert paths(tls=tls, auth=auth, **SAFE_WEBSOCKET) == ["spec.websocketConfig"]
        verified = {**CLIENTS, **WEBSOCKET_VERIFIED}
        assert paths(tls=verified, auth=auth, **SAFE_WEBSOCKET) == []
        tokens = {"enableServiceAccounts": True, "tlsVerifyAndMap": True}
        assert paths(tls=CLIENTS, auth=tokens, **WEBSOCKET) == []

    def test_it_is_refused_but_for_clusters_that_run(self) -> None:
        raw = {"size": 1, "tls": {**CLIENTS, "verify": True}, **WEBSOCKET}
        (problem,) = complaints(**raw)
        assert problem.startswith("spec.websocketConfig: opens a port")
        assert "set tls.websocketVerify: true" in problem
        assert validate("c", parse_spec(raw), running=True) == ()

    def test_certificates_are_asked_for_only_where_some_are_shown(self) -> None:
        tls = {"websocketVerify": True, "leafnodeVerify": True}
        (leaves, websocket) = complaints(tls=tls, **WEBSOCKET, **LEAVES)
        assert leaves == (
            "spec.tls.leafnodeVerify: needs certificates; set spec.tls.leafnodeSecret as well"
        )
        assert websocket.startswith("spec.tls.websocketVerify: needs certificates")


class TestRemarks:
    def test_links_that_are_open_where_clients_are_not(self) -> None:
        assert remarked(**GATEWAY) == []
        routes, gateways = remarked(auth=USERS, **GATEWAY)
        assert "anyone who can reach port 6222" in routes
        assert "anyone who can reach port 7522" in gateways
        logins = {**USERS, "clusterAuthSecret": "r"}
        assert len(remarked(auth=logins, tls={"gatewaySecret": "g"}, **GATEWAY)) == 0

    def test_network_policies_limit_who_reaches_them(self) -> None:
        peers: list[Json] = [{"podSelector": {}}]
        assert remarked(auth=USERS, networkPolicy={}) == []
        assert len(remarked(auth=USERS, networkPolicy={}, **GATEWAY)) == 1
        assert remarked(auth=USERS, networkPolicy={"gatewaysFrom": peers}, **GATEWAY) == []
        assert len(remarked(auth=USERS, networkPolicy={"enabled": False})) == 1


class TestHowUsersWithoutAPasswordConnect:
    def types(self, version: str = DEFAULT_VERSION, **fields: Any) -> tuple[str, ...]:
        spec = parse_spec({"size": 1, **fields})
        return connection_types(spec, ServerVersion.parse(version))

    def test_there_is_no_other_way(self) -> None:
        assert self.types() == ()
        tls = {**WEBSOCKET_VERIFIED, **LEAVES_VERIFIED}
        assert self.types(tls=tls, **SAFE_WEBSOCKET, **LEAVES) == ()

    def test_only_where_certificates_are_asked_for(self) -> None:
        assert self.types(**WEBSOCKET) == ("STANDARD",)
        assert self.types(tls=WEBSOCKET_VERIFIED, **SAFE_WEBSOCKET, **LEAVES) == (
            "STANDARD",
            "WEBSOCKET",
        )

    def test_versions_that_do_not_know_types(self) -> None:
        assert self.types("2.1.9", **LEAVES) == ()


WAYS: dict[str, tuple[Json, tuple[str, ...]]] = {
    "nothing": ({}, ()),
    "users with passwords, ServiceAccounts": ({"auth": USERS}, (PASSWORD,)),
    "users with nkeys": ({"auth": USERS}, (NKEY,)),
    "a token": ({"auth": USERS}, (TOKEN,)),
    "a Secret that names nobody": ({"auth": USERS}, (NOBODY,)),
    "`tls.verify`": ({"tls": {**CLIENTS, "verify": True}}, ()),
    "`tls.verify`, users with passwords": (
        {"tls": {**CLIENTS, "verify": True}, "auth": USERS},
        (PASSWORD,),
    ),
    "`auth.tlsVerifyAndMap`": (
        {"tls": CLIENTS, "auth": {**USERS, "tlsVerifyAndMap": True}},
        (MAPPED,),
    ),
    "`auth.clientsAuthFile`": ({"auth": {"clientsAuthFile": "u"}}, (doors.FILE,)),
    "JWTs, `operatorConfig`": ({"operatorConfig": {"secret": "o"}}, (JWT,)),
}
SHORT = {
    PASSWORD: "password",
    NKEY: "nkey",
    TOKEN: "token",
    MAPPED: "",
    JWT: "JWT",
    NOBODY: "nobody",
    doors.FILE: "what the file says",
}
REFUSED = "everybody: rejected"


def cell(door: Door, fields: Json, listener: Json) -> str:
    if door.logins == {NOBODY}:
        return "nobody"
    certificate = "certificate of a user" if MAPPED in door.logins else "certificate"
    shown = [certificate] * door.certificate + [SHORT[login] for login in door.logins]
    if paths(**fields, **listener) and door.is_open:
        return REFUSED
    return " and ".join(filter(None, shown)) or "everybody"


def rows() -> list[str]:
    listeners: dict[str, tuple[Json, Json]] = {
        "clients": ({}, {}),
        "websocket": (WEBSOCKET, {}),
        "leafnodes": (LEAVES, {}),
    }
    verified = {
        "websocket": (SAFE_WEBSOCKET, WEBSOCKET_VERIFIED),
        "leafnodes": (LEAVES, LEAVES_VERIFIED),
    }
    made = []
    for way, (fields, logins) in WAYS.items():
        cells = []
        for name, (block, _) in listeners.items():
            cells.append(
                cell(found(DEFAULT_VERSION, *logins, **fields, **block)[name], fields, block)
            )
        for name, (block, tls) in verified.items():
            both = {**fields, "tls": {**fields.get("tls", {}), **tls}}
            cells.append(cell(found(DEFAULT_VERSION, *logins, **both, **block)[name], both, block))
        made.append(f"| {way} | {' | '.join(cells)} |")
    return made


def test_the_document_has_the_table() -> None:
    text = DOCUMENT.read_text()
    assert [row for row in rows() if row not in text] == []
