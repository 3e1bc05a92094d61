"""Which JWTs servers start with: the same ones are shown to real servers in tests/server."""

from __future__ import annotations

import pytest

from natsctl.api.jwts import LONGEST, account_problem, operator_problem, read
from natsctl.api.version import ServerVersion
from tests.unit.api.jwts import ACCOUNT, OPERATOR, OPERATORS, OTHER_ACCOUNT, USER, made

NOW = ServerVersion.parse("2.14.5")
EARLY = ServerVersion.parse("2.1.9")


@pytest.mark.parametrize("name", OPERATORS)
def test_what_servers_start_with_is_known(name: str) -> None:
    text, since = OPERATORS[name]
    for version in (EARLY, NOW):
        works = version.at_least(*map(int, since.split(".")))
        assert (operator_problem(text, version, ACCOUNT) == "") is works
    assert (operator_problem(text, None, None) == "") or since == "9.0.0"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x" * LONGEST + "x", "is longer than 65536 bytes"),
        ("e30.e30.e30", "its algorithm is neither"),
        ("W10.e30.e30", "its contents are not an object"),
        ("e.e30.e30", "its contents cannot be read"),
        (made("operator", OPERATOR).rsplit(".", 1)[0] + ".A", "is not signed by its issuer"),
        (made("operator", OPERATOR, iss="nobody"), "is not signed by its issuer"),
    ],
)
def test_what_is_no_jwt(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(text)


# Signed by OPERATOR, and its "nats" is a number.
EMPTY = made("operator", OPERATOR, None, body=7)


def test_odd_claims_are_none() -> None:
    found = read(made("operator", OPERATOR, {"signing_keys": "x"}, exp="soon"))
    assert (found.ends, found.texts("signing_keys")) == (0, ())
    assert read(EMPTY).body == {}


def test_accounts() -> None:
    good = made("account", ACCOUNT)
    assert account_problem(ACCOUNT, good, EARLY) == ""
    assert account_problem(ACCOUNT, made("account", ACCOUNT, signer=2, letter="A"), NOW) == ""
    assert "not a JWT of this account" in account_problem(OTHER_ACCOUNT, good, NOW)
    assert "not a JWT of this account" in account_problem(ACCOUNT, made("user", ACCOUNT), NOW)
    assert "is not a JWT" in account_problem(ACCOUNT, "garbage", NOW)
    assert "by an operator" in account_problem(
        ACCOUNT, made("account", ACCOUNT, signer=4, letter="U"), NOW
    )
    assert "use version 2.2.0" in account_problem(ACCOUNT, made("account", ACCOUNT, form=2), EARLY)


def test_a_version_that_is_no_number_is_not_reached() -> None:
    odd = made("operator", OPERATOR, {"assert_server_version": "newest"}, form=2)
    assert "requires a later version" in operator_problem(odd, NOW, None)


def test_keys_that_are_none() -> None:
    assert "keys that are not" in operator_problem(made("operator", USER), NOW, None)
