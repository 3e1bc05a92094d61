"""What opens is what was computed: every listener, every way to authenticate, every visitor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest
import trustme
from attrs import field, frozen

from natsctl.api.checks import doors
from natsctl.api.checks.doors import Door
from natsctl.api.version import ServerVersion
from natsctl.render.config.system_account import STRANGERS, has_system
from natsctl.render.doors import doors_of
from natsctl.render.inputs import ConfigInputs, Login
from natsctl.render.target import Target
from tests.server import servers
from tests.server.layout import signed
from tests.server.servers import PATIENCE
from tests.server.visitors import Visitor, knocking, listening, say
from tests.unit.api.jwts import ACCOUNT, ACCOUNT_JWT, OTHER_USER, USER
from tests.unit.render.targets import target

pytestmark = pytest.mark.server

CLIENTS, ROUTES = {"serverSecret": "s"}, {"routesSecret": "r"}
LEAVES, GATEWAYS = {"leafnodeSecret": "l"}, {"gatewaySecret": "g"}
VERIFIED = {"leafnodeVerify": True}
WEBSOCKETS_VERIFIED = {"websocketSecret": "w", "websocketVerify": True}
BCRYPT = "$2a$04$abcdefghijklmnopqrstuuFmEfrkTQnczNzw475xE2VhDrK1uwJiC"
ALICE = {"username": "alice", "password": "right"}
OF_SECRET = {"clientsAuthSecret": "u"}
MAPPED = {**OF_SECRET, "tlsVerifyAndMap": True}
PATIENT = {
    f"{listener}TLSTimeout": PATIENCE
    for listener in ("clients", "routes", "gateways", "leafnodes", "websocket")
}
"""Servers wait half a second for the end of a handshake, which a busy machine takes."""
BY_CERTIFICATE = {"users": [{"username": "CN=alice,O=trustme"}, {"username": "alice"}]}


@frozen
class Case:
    """Fields of a spec beside its listeners, and what Secrets hold.

    `passwords`: users with the password "right". `links`: with a gateway instead of a port for
    leaf nodes, which most versions take together only with a system account.
    """

    fields: dict[str, Any] = field(factory=dict)
    authorization: dict[str, Any] | None = None
    passwords: tuple[str, ...] = ("alice",)
    links: bool = False


CASES = {
    "nothing": Case(),
    "encrypted": Case({"tls": {**CLIENTS, **LEAVES, "websocketSecret": "w"}}),
    "encrypted-links": Case({"tls": {**ROUTES, **GATEWAYS}}, links=True),
    "https": Case({"tls": {**CLIENTS, "enableHttps": True}}),
    "users": Case({"auth": OF_SECRET}, {"users": [ALICE]}),
    "single-user": Case({"auth": OF_SECRET}, ALICE),
    "bcrypt": Case({"auth": OF_SECRET}, {"users": [{**ALICE, "password": BCRYPT}]}),
    "nkey": Case({"auth": OF_SECRET}, {"users": [{"nkey": USER}]}),
    "nkey-and-user": Case({"auth": OF_SECRET}, {"users": [{"nkey": USER}, ALICE]}),
    "token": Case({"auth": OF_SECRET}, {"token": "right"}),
    "nobody": Case({"auth": OF_SECRET}, None),
    "service-accounts": Case({"auth": {"enableServiceAccounts": True}}, {"users": [ALICE]}),
    "file": Case({"auth": {"clientsAuthFile": "users.json"}}),
    "verify": Case({"tls": {**CLIENTS, "verify": True}}),
    "verify-everywhere": Case(
        {"tls": {**CLIENTS, **LEAVES, "verify": True, **VERIFIED, **WEBSOCKETS_VERIFIED}}
    ),
    "verify-and-users": Case(
        {"tls": {**CLIENTS, "verify": True}, "auth": OF_SECRET}, {"users": [ALICE]}
    ),
    "map": Case({"tls": CLIENTS, "auth": MAPPED}, BY_CERTIFICATE),
    "map-everywhere": Case(
        {"tls": {**CLIENTS, **LEAVES, **VERIFIED, **WEBSOCKETS_VERIFIED}, "auth": MAPPED},
        BY_CERTIFICATE,
    ),
    "map-and-passwords": Case(
        {"tls": CLIENTS, "auth": MAPPED},
        {"users": [*BY_CERTIFICATE["users"], {"username": "bob", "password": "right"}]},
        passwords=("bob",),
    ),
    "map-without-users": Case({"tls": CLIENTS, "auth": {"tlsVerifyAndMap": True}}),
    "logins-of-links": Case(
        {"auth": {"clusterAuthSecret": "r", "gatewayAuthSecret": "g"}}, links=True
    ),
    "logins-of-encrypted-links": Case(
        {
            "auth": {"clusterAuthSecret": "r", "gatewayAuthSecret": "g"},
            "tls": {**ROUTES, **GATEWAYS},
        },
        links=True,
    ),
    "jwts": Case(
        {
            "operatorConfig": {
                "secret": "o",
                "systemAccount": ACCOUNT,
                "resolver": "MEMORY",
                "resolverPreload": {ACCOUNT: ACCOUNT_JWT},
            }
        }
    ),
}
LISTENING = {
    doors.CLIENTS: r"Listening for client connections on 127\.0\.0\.1:(\d+)",
    doors.WEBSOCKET: r"Listening for websocket clients on wss?://127\.0\.0\.1:(\d+)",
    doors.LEAFNODES: r"Listening for leafnode connections on 127\.0\.0\.1:(\d+)",
    doors.ROUTES: r"Listening for route connections on 127\.0\.0\.1:(\d+)",
    doors.GATEWAYS: r"Listening for gateways connections on 127\.0\.0\.1:(\d+)",
}
ABOUT: dict[str, Visitor] = {
    "nothing": Visitor(),
    "only-a-name": Visitor({"user": "alice"}),
    "a-wrong-password": Visitor({"user": "alice", "pass": "wrong"}),
    "alice": Visitor({"user": "alice", "pass": "right"}, shows=frozenset({doors.PASSWORD})),
    "bob": Visitor({"user": "bob", "pass": "right"}, shows=frozenset({doors.PASSWORD})),
    "a-wrong-token": Visitor({"auth_token": "wrong"}),
    "the-token": Visitor({"auth_token": "right"}, shows=frozenset({doors.TOKEN})),
    "an-nkey": Visitor(signs=True, shows=frozenset({doors.NKEY})),
    "an-nkey-unsigned": Visitor({"nkey": USER}),
    "of-a-file": Visitor({"user": "of-a-file", "pass": "p"}, shows=frozenset({doors.FILE})),
}
CERTIFIED: dict[str, tuple[str, Visitor]] = {
    "a-foreign-certificate": ("foreign", Visitor()),
    "a-foreign-certificate-and-name": ("foreign", Visitor({"user": "alice"})),
    "a-certificate-of-nobody": ("stranger", Visitor(certified=True)),
    "a-certificate-of-nobody-and-name": ("stranger", Visitor({"user": "alice"}, certified=True)),
    "a-certificate": ("alice", Visitor(certified=True, shows=frozenset({doors.MAPPED}))),
    "a-certificate-and-password": (
        "alice",
        Visitor(
            {"user": "alice", "pass": "right"}, certified=True, shows=frozenset({doors.PASSWORD})
        ),
    ),
}


@pytest.fixture(scope="module")
def visitors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Visitor]:
    """All of them, with the certificates that they have."""
    folder = tmp_path_factory.mktemp("visitors")
    issued = {
        "alice": signed("alice", common_name="alice", organization_name="trustme"),
        "stranger": signed("stranger", common_name="stranger"),
        "foreign": trustme.CA().issue_cert("alice", common_name="alice"),
    }
    for name, one in issued.items():
        (folder / f"{name}.pem").write_bytes(b"".join(p.bytes() for p in one.cert_chain_pems))
        (folder / f"{name}.key").write_bytes(one.private_key_pem.bytes())
    return ABOUT | {
        name: attrs.evolve(visitor, pair=(folder / f"{whose}.pem", folder / f"{whose}.key"))
        for name, (whose, visitor) in CERTIFIED.items()
    }


def made(version: str, case: Case) -> Target:
    """A cluster of the case with the listeners that its version has."""
    blocks: dict[str, Any] = {"leafnodeConfig": {"hostPort": 7422}}
    if case.links:
        blocks = {"gatewayConfig": {"name": "c", "hostPort": 7522}}
    tls = case.fields.get("tls", {})
    if ServerVersion.parse(version).at_least(2, 2):
        blocks["websocketConfig"] = {"port": 8080, "no_tls": "websocketSecret" not in tls}
    elif tls:
        tls = {key: value for key, value in tls.items() if not key.startswith("websocket")}
    fields = {**case.fields, **({"tls": {**PATIENT, **tls}} if tls else {})}
    login = Login("alice", "right") if "clusterAuthSecret" in fields.get("auth", {}) else None
    inputs = ConfigInputs(
        authorization=case.authorization, routes=login, gateways=login, system=OTHER_USER
    )
    return target(version=version, size=1, inputs=inputs, **fields, **blocks)


@contextmanager
def opened(cluster: Target, folder: Path) -> Iterator[tuple[servers.Server, dict[str, int]]]:
    """A server, and where its listeners are."""
    with servers.running(cluster, 1, folder, []) as server:
        said = server.log.read_text()
        found = {name: re.search(pattern, said) for name, pattern in LISTENING.items()}
        ports = {name: int(match[1]) for name, match in found.items() if match}
        ports |= {doors.MONITORING: urlsplit(server.monitoring).port or 0}
        if doors.WEBSOCKET in ports:
            ports[doors.LEAFNODES_OVER_WEBSOCKET] = ports[doors.WEBSOCKET]
        yield server, ports


def lets_in(server: servers.Server, door: Door, port: int, visitor: Visitor) -> bool:
    """Whether a visitor gets in, and not only where nobody is."""
    if door.listener == doors.MONITORING:
        return server.status("/varz") == 200
    assert servers.wait_for(lambda: not accounts_of_leaves(server)), "one that left is still there"
    with knocking(door, port, visitor) as is_in:
        if not is_in or door.listener not in LEAVES_COME_BY:
            return is_in
        return STRANGERS not in accounts_of_leaves(server)


def accounts_of_leaves(server: servers.Server) -> set[str]:
    """Of all leaf nodes that are in; of none where a server does not tell."""
    leaves = server.ask("/leafz")["leafs"] if server.status("/leafz") == 200 else []
    return {leaf["account"] for leaf in leaves or []}


ONE = {"nothing": Visitor()}
LEAVES_COME_BY = (doors.LEAFNODES, doors.LEAFNODES_OVER_WEBSOCKET)
OF_ACCOUNTS = (doors.CLIENTS, doors.WEBSOCKET, *LEAVES_COME_BY)


@pytest.mark.parametrize("version", servers.VERSIONS)
@pytest.mark.parametrize("name", CASES)
def test_each_door_opens_to_whom_was_computed(
    version: str, name: str, visitors: dict[str, Visitor], tmp_path: Path
) -> None:
    case = CASES[name]
    cluster = made(version, case)
    found: dict[tuple[str, str], bool] = {}
    computed = {}
    with opened(cluster, tmp_path) as (server, ports):
        for door in doors_of(cluster):
            for who, visitor in (ONE if door.listener == doors.MONITORING else visitors).items():
                cell = door.listener, who
                computed[cell] = expected(cluster, case, door, visitor)
                found[cell] = lets_in(server, door, ports[door.listener], visitor)
    assert found == computed


def expected(cluster: Target, case: Case, door: Door, visitor: Visitor) -> bool:
    """What was computed of one visitor at one door."""
    shows = visitor.shows
    if visitor.fields.get("user") not in case.passwords:
        shows -= {doors.PASSWORD}
    # Servers with a system account refuse a login that they do not know, though none is needed.
    offers = bool(visitor.fields) or visitor.signs
    if door.listener in LEAVES_COME_BY and "auth_token" in visitor.fields:
        offers = cluster.version.at_least(2, 12)
    if offers and not door.logins and door.listener in OF_ACCOUNTS and has_system(cluster):
        return False
    return door.lets_in(shows, certificate=visitor.certified)


@pytest.mark.parametrize("version", ["2.1.9", "2.2.6", "2.9.25", "2.10.29", "2.11.17"])
@pytest.mark.parametrize(("who", "hears"), [("nothing", False), ("alice", True)])
def test_a_leaf_node_without_a_login_hears_nothing(
    version: str, who: str, hears: bool, tmp_path: Path
) -> None:
    cluster = made(version, CASES["users"])
    found = {door.listener: door for door in doors_of(cluster)}
    with opened(cluster, tmp_path) as (_, ports):
        leaf = listening(found[doors.LEAFNODES], ports[doors.LEAFNODES], ABOUT[who], "news.>")
        with leaf as heard:
            say(found[doors.CLIENTS], ports[doors.CLIENTS], ABOUT["alice"], "news.today")
            assert heard() is hears
