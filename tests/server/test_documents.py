"""Documents of users: what is accepted starts servers of every version, and means what it says."""

from __future__ import annotations

import base64
import json
import socket
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.api.problems import InvalidSpec
from natsctl.api.version import ServerVersion
from natsctl.model.objects import Meta, Secret
from natsctl.plan.inputs.users import Terms, authorization_of
from natsctl.render.inputs import ConfigInputs
from tests.hostile_json import fuzzed
from tests.server import servers
from tests.unit.api.jwts import USER
from tests.unit.render.targets import target

pytestmark = [pytest.mark.server, pytest.mark.timeout(0)]

SUBJECTS = ("a", "b", "a.b", "b.c.d", "_INBOX.x")
KINDS = ("publish", "subscribe")
HASH_OF_P = "$2a$04$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG"

LISTS = st.lists(st.sampled_from(["a", "b", "a.*", "b.>", ">", "a.b"]), max_size=2)
SIDES = st.one_of(
    LISTS,
    LISTS,
    st.sampled_from(["a", ">", "b.>"]),
    st.fixed_dictionaries({}, optional={"allow": LISTS, "deny": LISTS}),
)
DURATIONS = st.sampled_from(
    ["1m", "0.0000001s", "1e-7s", "-1s", "soon", "", "2562047h", "99999999h", "0", 5, None]
)
NUMBERS = st.sampled_from([0, 1, -1, -5, 5, 2**31, 2**53, 2**63 - 1, 1.5, "five", True, None])
RESPONSES: st.SearchStrategy[Any] = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({}, optional={"max": NUMBERS, "expires": DURATIONS}),
    st.sampled_from(["yes", 7, [], None]),
)
PERMISSIONS = st.fixed_dictionaries(
    {}, optional={"publish": SIDES, "subscribe": SIDES, "allow_responses": RESPONSES}
)
TIMEOUTS = st.sampled_from(
    [0, 1, 2.5, 0.001, 1e-7, 1e-4, 1e20, 10**9, 10**10, 2**63 - 1, -1, True, "1s", float("inf")]
)
PASSWORDS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12),
    st.sampled_from(
        [
            "$FOO",
            "$PATH",
            'include "x"',
            "\\u0041",
            "a\\",
            '"',
            "123",
            "1k",
            "true",
            "null",
            "#",
            "//",
            "{",
            "$2a$hello",
            "$2b$04$short",
            "$2a$99$" + "a" * 53,
            "x" * 80,
            "x" * 5000,
            "\ufeff\u2028\x7f\x85",
        ]
    ),
)
USERS = st.fixed_dictionaries(
    {"username": PASSWORDS.filter(lambda text: len(text) < 100), "password": PASSWORDS},
    optional={"permissions": PERMISSIONS},
)
DOCUMENTS = st.one_of(
    st.fixed_dictionaries(
        {"users": st.lists(USERS, max_size=3)},
        optional={"default_permissions": PERMISSIONS, "timeout": TIMEOUTS},
    ),
    st.fixed_dictionaries(
        {"username": PASSWORDS, "password": PASSWORDS},
        optional={"default_permissions": PERMISSIONS, "timeout": TIMEOUTS},
    ),
    st.fixed_dictionaries(
        {"token": PASSWORDS}, optional={"default_permissions": PERMISSIONS, "timeout": TIMEOUTS}
    ),
)


def read(document: Any, version: str) -> Any:
    """What natsctl makes of a document; None if it does not take it."""
    data = base64.b64encode(json.dumps(document).encode()).decode()
    secret = Secret(Meta(name="s", namespace="ns"), data={"users.json": data})
    try:
        return authorization_of(secret, Terms(version=ServerVersion.parse(version)))
    except InvalidSpec as invalid:
        problems = invalid.problems
    assert all(problem.path.startswith("Secret s, key users.json") for problem in problems)
    return None


class Client:
    """Somebody who logs in and tries what they may do."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream

    def ask(self, line: str) -> str:
        self.stream.sendall(f"{line}\r\nPING\r\n".encode())
        heard = b""
        while b"PONG" not in heard:
            data = self.stream.recv(65536)
            if not data:
                raise ConnectionResetError
            heard += data
        return heard.decode()

    def may(self) -> set[tuple[str, str]]:
        found = set()
        for index, subject in enumerate(SUBJECTS):
            for kind, line in zip(
                KINDS, (f"PUB {subject} 0\r\n", f"SUB {subject} {index}"), strict=True
            ):
                if "-ERR" not in self.ask(line):
                    found.add((kind, subject))
        return found


def tried(address: str, login: dict[str, Any]) -> set[tuple[str, str]] | None:
    """What this login may do; None if it does not get in."""
    where = urlsplit(address)
    with socket.create_connection((where.hostname, where.port), 10) as stream:
        client = Client(stream)
        try:
            client.ask(f"CONNECT {json.dumps({'verbose': False, 'pedantic': False, **login})}")
        except (BrokenPipeError, ConnectionResetError):
            return None
        return client.may()


def meant(permissions: Any) -> set[tuple[str, str]]:
    """What whoever wrote these permissions wants to be possible."""
    given = permissions or {}
    return {
        (kind, subject) for kind in KINDS for subject in SUBJECTS if allows(given, kind, subject)
    }


def allows(given: Any, kind: str, subject: str) -> bool:
    side = given.get(kind)
    if isinstance(side, dict):
        allow, deny = side.get("allow"), side.get("deny", [])
    else:
        allow, deny = side, []
    if allow is None:
        responds = given.get("allow_responses", False) is not False
        free = not (kind == "publish" and responds)
    else:
        free = any(
            fits(pattern, subject) for pattern in ([allow] if isinstance(allow, str) else allow)
        )
    return free and not any(fits(pattern, subject) for pattern in deny)


def fits(pattern: str, subject: str) -> bool:
    wanted, given = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        return len(given) >= len(wanted) and fits_each(wanted[:-1], given)
    return len(wanted) == len(given) and fits_each(wanted, given)


def fits_each(wanted: list[str], given: list[str]) -> bool:
    return all(one in ("*", other) for one, other in zip(wanted, given, strict=False))


def logins(document: Any) -> list[tuple[dict[str, Any], Any]]:
    """Each login of a document, with the permissions that are meant for it."""
    defaults = document.get("default_permissions") or {}
    if document.get("token"):
        return [({"auth_token": document["token"]}, {})]
    single = [document] if document.get("username") else []
    return [
        ({"user": user["username"], "pass": user["password"]}, user.get("permissions") or defaults)
        for user in [*document.get("users", []), *single]
    ]


def prove(document: Any, version: str, folder: Path, system: str = USER) -> bool:
    """Whether it is accepted; then the server starts, and all of it is as meant."""
    authorization = read(document, version)
    if authorization is None:
        return False
    inputs = ConfigInputs(authorization=authorization, system=system)
    cluster = target(version=version, size=1, inputs=inputs, auth={"clientsAuthSecret": "s"})
    with servers.running(cluster, 1, folder, []) as server:
        found = {json.dumps(login): tried(server.clients, login) for login, _ in logins(document)}
        wrong = [{**login, "pass": "wrong-one"} for login, _ in logins(document) if "user" in login]
        strangers = [tried(server.clients, one) for one in [{}, {"auth_token": "no"}, *wrong]]
    assert found == {json.dumps(login): meant(given) for login, given in logins(document)}
    assert strangers == [None] * len(strangers)
    return True


@fuzzed(150)
@given(document=DOCUMENTS, version=st.sampled_from(servers.VERSIONS))
def test_a_document_is_refused_or_means_what_it_says(document: Any, version: str) -> None:
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        prove(document, version, Path(folder))


ALICE = {"username": "alice", "password": "p"}
NOTHINGS: dict[str, Any] = {
    "publish-[]": {"publish": []},
    "publish-allow-[]": {"publish": {"allow": []}},
    "publish-deny-[]": {"publish": {"deny": []}},
    "publish-{}": {"publish": {}},
    "publish-allow-[]-deny-a": {"publish": {"allow": [], "deny": ["a"]}},
    "subscribe-[]": {"subscribe": []},
    "both-[]": {"publish": [], "subscribe": []},
    "{}": {},
}


@pytest.mark.parametrize("version", servers.VERSIONS)
@pytest.mark.parametrize("name", NOTHINGS)
def test_nothing_never_becomes_everything(version: str, name: str, tmp_path: Path) -> None:
    assert prove({"users": [{**ALICE, "permissions": NOTHINGS[name]}]}, version, tmp_path)


@pytest.mark.parametrize("version", servers.VERSIONS)
@pytest.mark.parametrize("system", [USER, ""])
@pytest.mark.parametrize(
    "document",
    [
        {**ALICE, "default_permissions": {"publish": ["a"], "subscribe": ["b"]}},
        {
            "users": [ALICE, {**ALICE, "username": "bob", "permissions": {}}],
            "default_permissions": {"publish": ["a"]},
        },
    ],
    ids=["a-single-user", "a-user-with-empty-permissions"],
)
def test_default_permissions_count(
    version: str, system: str, document: Any, tmp_path: Path
) -> None:
    assert prove(document, version, tmp_path, system)


@pytest.mark.parametrize("version", servers.VERSIONS)
def test_who_may_respond_may_do_nothing_else(version: str, tmp_path: Path) -> None:
    permissions = {"publish": [], "allow_responses": {"max": 5, "expires": "1m"}}
    accepted = prove({"users": [{**ALICE, "permissions": permissions}]}, version, tmp_path)
    assert accepted is (version != "2.0.0")


@pytest.mark.parametrize("version", servers.VERSIONS)
@pytest.mark.parametrize("kind", ["$2a$", "$2b$"])
def test_hashes_are_hashes(version: str, kind: str, tmp_path: Path) -> None:
    """Below 2.2 that of another kind would be the password itself."""
    digest = HASH_OF_P.replace("$2a$", kind)
    authorization = read({"users": [{"username": "u", "password": digest}]}, version)
    if authorization is None:
        assert kind == "$2b$"
        assert version in ("2.0.0", "2.1.9")
        return
    inputs = ConfigInputs(authorization=authorization)
    cluster = target(version=version, size=1, inputs=inputs, auth={"clientsAuthSecret": "s"})
    with servers.running(cluster, 1, tmp_path, []) as server:
        assert tried(server.clients, {"user": "u", "pass": "p"}) is not None
        assert tried(server.clients, {"user": "u", "pass": digest}) is None
