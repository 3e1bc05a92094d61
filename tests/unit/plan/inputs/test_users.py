"""Users that Secrets hold: what is understood, and what is said of the rest."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from natsctl.api.problems import InvalidSpec
from natsctl.api.version import ServerVersion
from natsctl.model.objects import Meta, Secret
from natsctl.plan.inputs.users import Terms, authorization_of, login_of, nobody_allowed
from natsctl.render.inputs import Login
from tests.unit.api.jwts import USER

NKEY = USER
PLANTED = "pl4nted"


def secret(**data: str) -> Secret:
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return Secret(Meta(name="s", namespace="ns"), data=encoded)


def users(content: Any) -> Secret:
    return secret(**{"auth.json": json.dumps(content)})


def complaint(found: Secret, terms: Terms = Terms()) -> str:  # noqa: B008 (frozen)
    with pytest.raises(InvalidSpec) as invalid:
        authorization_of(found, terms)
    assert PLANTED not in str(invalid.value)
    return str(invalid.value)


GOOD: list[Any] = [
    {"users": []},
    {"users": [{"username": "u", "password": "p"}], "timeout": 2.5},
    {"users": [{"nkey": NKEY, "permissions": {"publish": "a", "subscribe": ["b", "c q"]}}]},
    {
        "users": [{"username": "u", "password": "p"}],
        "default_permissions": {
            "publish": {"allow": ["a.*"], "deny": [">"]},
            "allow_responses": {"max": 1, "expires": "1m"},
        },
    },
    {"username": "u", "password": "p"},
    {"token": "t"},
]


@pytest.mark.parametrize("content", GOOD)
def test_what_nats_server_takes(content: Any) -> None:
    assert authorization_of(users(content)) == content


def test_aliases_and_nulls() -> None:
    given = {"users": [{"user": "u", "pass": "p"}], "token": None}
    assert authorization_of(users(given)) == {"users": [{"username": "u", "password": "p"}]}


BAD: list[tuple[Any, str]] = [
    ([], "use an object"),
    ({"acounts": {}}, "acounts: unknown key; the keys are username"),
    ({"users": {}}, "users: use a list"),
    ({"users": ["u"]}, "users[0]: use an object"),
    ({"users": [{"username": "u"}]}, "users[0]: needs either a username and a password"),
    ({"users": [{"username": "u", "password": PLANTED, "nkey": NKEY}]}, "users[0]: needs"),
    ({"users": [{"username": 7, "password": PLANTED}]}, "users[0].username: use a string"),
    ({"users": [{"username": "u", "password": f"{PLANTED}\n"}]}, "users[0].password: use a string"),
    ({"users": [{"nkey": "SU" + PLANTED}]}, "users[0].nkey: is not a user's public key"),
    ({"users": [{"username": "u", "password": PLANTED, "x": 1}]}, "users[0].x: unknown key"),
    ({"users": [{"username": "u", "password": PLANTED}] * 2}, "user u appears 2 times"),
    ({"token": PLANTED, "users": [{"username": "u", "password": "p"}]}, "token and users"),
    ({"username": "u"}, "a username requires a password"),
    ({"timeout": "soon"}, "timeout: use a number of seconds"),
    ({"timeout": -1}, "timeout: use a number of seconds"),
    ({"timeout": True}, "timeout: use a number of seconds"),
    ({"timeout": 1e-7}, "timeout: use a number of seconds from 0.001 to 1000000000"),
    ({"timeout": 1e18}, "timeout: use a number of seconds"),
    ({"timeout": 10**10}, "timeout: use a number of seconds"),
    ({"user": "u", "username": "u", "password": PLANTED}, "user: duplicates username"),
    ({"users": [{"user": "u", "pass": PLANTED, "password": "p"}]}, "users[0].pass: duplicates"),
    ({"users": [{"nkey": NKEY[:-1] + "A"}]}, "users[0].nkey: is not a user's public key"),
    ({"token": PLANTED, "default_permissions": {"publish": ["a"]}}, "has no effect with a token"),
    ({"users": [{"username": "u", "password": PLANTED * 600}]}, "users[0].password: is too long"),
    ({"token": PLANTED * 600}, "token: is too long"),
    ({"username": "u", "password": f"$2b$04${PLANTED}"}, "starts like a bcrypt hash but"),
    ({"users": [{"username": "u", "password": "$2a$99$" + "a" * 53}]}, "but is not one"),
    ({"default_permissions": []}, "default_permissions: use an object"),
    ({"default_permissions": {"pub": []}}, "default_permissions.pub: unknown key"),
    ({"default_permissions": {"publish": 7}}, "publish: use a list of subjects"),
    ({"default_permissions": {"publish": ["a b"]}}, "publish[0]: is not a valid subject"),
    ({"default_permissions": {"publish": {"alow": []}}}, "publish.alow: unknown key"),
    ({"default_permissions": {"publish": {"deny": [7]}}}, "publish.deny[0]: is not a"),
    ({"default_permissions": {"allow_responses": 7}}, "allow_responses: use true"),
    ({"default_permissions": {"allow_responses": None}}, "allow_responses: use true"),
    *(
        (
            {"users": [{"nkey": NKEY, "permissions": {"allow_responses": {"max": most}}}]},
            "max: use",
        )
        for most in ("five", "5", 1.5, True, -2, 2**63 - 1, None)
    ),
    *(
        (
            {"users": [{"nkey": NKEY, "permissions": {"allow_responses": {"expires": for_}}}]},
            "quotes",
        )
        for for_ in ("soon", "", 5, None, "1e-7s", "1d", "9" * 400 + "h", "--1s")
    ),
    ({"default_permissions": {"allow_responses": {"m": 1}}}, "allow_responses.m: unknown key"),
]


@pytest.mark.parametrize(("content", "says"), BAD)
def test_what_it_does_not_take_is_named_without_its_value(content: Any, says: str) -> None:
    assert says in complaint(users(content))


def test_a_document_that_is_none() -> None:
    assert "is not valid JSON at line 2" in complaint(secret(**{"auth.json": f'{{\n"{PLANTED}'}))
    broken = Secret(Meta(name="s"), data={"auth.json": "no base64!"})
    assert complaint(broken) == "Secret s, key auth.json: is not valid JSON"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'{{"a":"{PLANTED}"' + ',"b":' + "[" * 5000, "key a: is nested more than 64 levels deep"),
        (
            f'{{"users": [{{"username": "\\ud800", "password": "{PLANTED}"}}]}}',
            "an unpaired surrogate",
        ),
        (f'["{PLANTED}"' + ",1" * 20_000 + "]", "has about 20001 values"),
        ('{"timeout": 1e400}', "a number that is too large"),
        ('{"timeout": ' + "1" * 5000 + "}", "a number with more than 64 bits"),
        ('{"timeout": NaN}', "has NaN"),
    ],
)
def test_a_document_that_is_too_much(text: str, says: str) -> None:
    assert says in complaint(secret(a=text))


def test_the_one_key_that_counts() -> None:
    assert authorization_of(secret(anything='{"token": "t"}')) == {"token": "t"}
    assert authorization_of(secret(**{"a.json": '{"token": "t"}', "notes": "x"})) == {"token": "t"}
    assert "has the keys a, b; give it a single key" in complaint(secret(a="{}", b="{}"))
    assert "is empty" in complaint(Secret(Meta(name="s")))


def test_certificates_stand_for_passwords() -> None:
    mapped = {"users": [{"username": "user@example.com"}]}
    assert authorization_of(users(mapped), Terms(mapped=True)) == mapped
    assert "users[0]" in complaint(users({"users": [{}]}), Terms(mapped=True))


def test_the_login_of_routes() -> None:
    assert login_of(users({"user": "u", "pass": "p", "timeout": 1})) == Login("u", "p")
    contents: list[dict[str, Any]] = [{"token": "t"}, {"users": []}, {}]
    for content in contents:
        with pytest.raises(InvalidSpec, match="needs exactly one username and one password"):
            login_of(users(content))


GOOD_HASH = "$2{}$04$" + "a" * 53


def test_hashes_of_passwords() -> None:
    def told(kind: str, version: str) -> str:
        given = users({"username": "u", "password": GOOD_HASH.format(kind)})
        try:
            authorization_of(given, Terms(version=ServerVersion.parse(version)))
        except InvalidSpec as invalid:
            return str(invalid)
        return ""

    assert told("a", "2.1.9") == told("a", "2.2.0") == told("b", "2.2.0") == ""
    assert "treats this kind of hash as the password itself" in told("b", "2.1.9")
    early = Terms(version=ServerVersion.parse("2.1.9"))
    odd = users({"username": "u", "password": "$2a$hello"})
    assert "but is not one" in complaint(odd, early)
    assert authorization_of(odd)


def test_servers_connect_with_passwords_and_not_with_their_hashes() -> None:
    hashed = users({"username": "u", "password": GOOD_HASH.format("b")})
    with pytest.raises(InvalidSpec, match="servers need the password itself"):
        login_of(hashed)


def test_how_much_of_a_password_servers_read() -> None:
    long = users({"username": "u", "password": "x" * 5000})
    assert authorization_of(long, Terms(longest=8192))
    assert "at most 4000 bytes" in complaint(long)


def test_permissions_that_a_version_does_not_know() -> None:
    given = users({"users": [{"nkey": NKEY, "permissions": {"allow_responses": True}}]})
    old = Terms(version=ServerVersion.parse("2.0.0"))
    assert "nats-server 2.0.0 does not support this permission" in complaint(given, old)
    assert authorization_of(given, Terms(version=ServerVersion.parse("2.0.4")))


def test_responses_for_ever() -> None:
    given = {"allow_responses": {"max": -1, "expires": "-1s"}}
    document = {"users": [{"nkey": NKEY, "permissions": given}]}
    assert authorization_of(users(document)) == document


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"token": "a", "token": "b"}', 'has the key "token" twice in one object'),
        ('{"users": [{"username": "u", "password": "a", "password": "b"}]}', '"password" twice'),
        ('{"timeout": 1e400}', "too large"),
        ('{"timeout": NaN}', "NaN"),
        ('{"timeout": Infinity}', "Infinity"),
        ('{"timeout": 99999999999999999999}', "64 bits"),
    ],
)
def test_what_is_no_good_json(text: str, says: str) -> None:
    assert says in complaint(secret(**{"auth.json": text}))


def test_nobody() -> None:
    assert nobody_allowed({"users": [], "timeout": 1})
    assert not nobody_allowed({"token": "t"})
