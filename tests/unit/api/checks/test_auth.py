import base64
import json
from typing import Any

import pytest

from natsctl.api.jwts import is_account
from tests.unit.api.jwts import ACCOUNT, ACCOUNT_JWT, OPERATOR, OTHER_ACCOUNT, OTHER_JWT, USER
from tests.unit.api.specs import complaint, complaints

MEMORY = {"secret": "o", "resolver": "MEMORY", "resolverPreload": {ACCOUNT: ACCOUNT_JWT}}


def operator(**fields: Any) -> dict[str, Any]:
    return {"operatorConfig": {**MEMORY, **fields}}


@pytest.mark.parametrize("field", ["clientsAuthSecret", "clusterAuthSecret", "gatewayAuthSecret"])
def test_secrets_have_names_that_objects_can_have(field: str) -> None:
    assert complaint(auth={field: "My Secret"}) == (
        f"spec.auth.{field}: 'My Secret' is not a valid Secret name; "
        "use lowercase letters, digits, hyphens and dots"
    )


def test_a_file_of_users_has_a_path_that_can_be_included() -> None:
    assert complaints(auth={"clientsAuthFile": "auth/users.json"}) == []
    assert "not a valid file path" in complaint(auth={"clientsAuthFile": 'a"b'})


@pytest.mark.parametrize("seconds", [599, 2**31 + 1])
def test_tokens_live_as_long_as_the_api_server_lets_them(seconds: int) -> None:
    assert complaint(auth={"serviceAccountTokenSeconds": seconds}).startswith(
        "spec.auth.serviceAccountTokenSeconds: "
    )
    assert complaints(auth={"serviceAccountTokenSeconds": 600}) == []


BOTH = {
    "gatewayConfig": {"name": "g", "hostPort": 7522},
    "leafnodeConfig": {"hostPort": 7422},
}


@pytest.mark.parametrize(
    "fields",
    [
        {"version": "2.8.4"},
        {"auth": {"clientsAuthFile": "f"}},
        {
            "auth": {"tlsVerifyAndMap": True},
            "tls": {"serverSecret": "s", "leafnodeSecret": "l", "leafnodeVerify": True},
        },
        operator(),
    ],
)
def test_leaf_nodes_beside_gateways_need_a_system_account(fields: dict[str, Any]) -> None:
    assert complaint(**BOTH, **fields).startswith(
        "spec.leafnodeConfig.hostPort: leaf nodes together with gateways need a system account"
    )


@pytest.mark.parametrize(
    "fields", [{}, {"version": "2.9.0"}, operator(systemAccount=ACCOUNT)], ids=["", "2.9", "own"]
)
def test_which_most_clusters_have(fields: dict[str, Any]) -> None:
    assert complaints(**BOTH, **fields) == []


def test_remotes_are_no_listener() -> None:
    hub = {"remotes": [{"url": "nats://h:7422"}]}
    assert complaints(**{**BOTH, "leafnodeConfig": hub}, version="2.8.4") == []


@pytest.mark.parametrize(
    "config",
    [{"systemAccount": ACCOUNT}, {"resolver": "MEMORY"}, {"resolver": "URL(http://h/)"}],
)
def test_accounts_of_an_operator_need_the_operator(config: dict[str, Any]) -> None:
    assert complaints(operatorConfig=config)[0] == (
        "spec.operatorConfig.secret: is required; "
        "set it to the name of the Secret with the operator's op.jwt"
    )
    assert complaints(operatorConfig={}) == []


@pytest.mark.parametrize(
    "auth",
    [{"enableServiceAccounts": True}, {"clientsAuthSecret": "s"}, {"clientsAuthFile": "f"}],
)
def test_an_operators_accounts_have_users_of_their_own(auth: dict[str, Any]) -> None:
    (field,) = auth
    assert complaint(**operator(), auth=auth) == (
        f"spec.auth.{field}: with operatorConfig, servers take users from account JWTs "
        "only; omit one of the two"
    )


def test_an_operators_leaf_nodes_need_accounts() -> None:
    hub = {"remotes": [{"url": "nats://h:7422"}]}
    assert complaint(**operator(), leafnodeConfig=hub).startswith("spec.leafnodeConfig.remotes: ")
    assert complaints(**operator(), leafnodeConfig=hub, version="2.1.9") == []


@pytest.mark.parametrize(
    "resolver",
    ["URL(http://h:9090/jwt/v1/accounts/)", 'url( "https://[::1]/a" )', "URL(https://h)"],
)
def test_a_resolver_is_a_url(resolver: str) -> None:
    assert complaints(operatorConfig={"secret": "o", "resolver": resolver}) == []


@pytest.mark.parametrize(
    "resolver", ["URL()", "http://h", "URL(ftp://h/)", "URL(http://h/) ", "memory!", "{}"]
)
def test_or_memory_and_nothing_else(resolver: str) -> None:
    assert complaint(operatorConfig={"secret": "o", "resolver": resolver}).endswith(
        "is not a valid resolver; use MEMORY, or URL(https://host/jwt/v1/accounts/)"
    )


def test_a_url_that_servers_take_for_memory_is_refused() -> None:
    resolver = "URL(http://members/jwt/)"
    assert complaint(operatorConfig={"secret": "o", "resolver": resolver}) == (
        'spec.operatorConfig.resolver: nats-server treats any text that contains "mem" as MEMORY; '
        "use another URL"
    )


def test_newer_servers_take_the_resolver_from_the_operators_jwt() -> None:
    assert complaints(operatorConfig={"secret": "o"}) == []
    assert complaint(operatorConfig={"secret": "o"}, version="2.1.0") == (
        "spec.operatorConfig.resolver: is required by nats-server 2.1.0; "
        "use MEMORY, or URL(https://host/jwt/v1/accounts/)"
    )


def test_jwts_are_for_the_resolver_in_memory() -> None:
    found = complaint(**operator(resolver="URL(http://h/)"))
    assert found == (
        "spec.operatorConfig.resolverPreload: requires resolver MEMORY; set that, or omit this"
    )


@pytest.mark.parametrize(
    "key", ["SYS", OPERATOR, USER, ACCOUNT[:-1], ACCOUNT.lower(), ACCOUNT[:-1] + "2"]
)
def test_accounts_have_public_keys(key: str) -> None:
    assert not is_account(key)
    found = complaint(**operator(resolver="URL(http://h/)", resolverPreload={}, systemAccount=key))
    assert found.endswith(
        "is not a valid account; use the public key of an account: 56 characters, starting with A"
    )
    assert "is not a valid account" in complaint(**operator(resolverPreload={key: ACCOUNT_JWT}))


def test_the_system_account_is_among_those_in_memory() -> None:
    assert complaints(**operator(systemAccount=ACCOUNT)) == []
    assert complaint(**operator(systemAccount=OTHER_ACCOUNT)) == (
        "spec.operatorConfig.systemAccount: resolver MEMORY does not have this account; "
        "add its JWT to resolverPreload"
    )


def encoded(claims: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "jwt",
    [
        "",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "a b.c.d",
        f"h.{encoded([])}.s",
        f"h.{encoded({})}.s",
        f"h.{encoded({'sub': 1})}.s",
        f"h.{encoded({'sub': OTHER_ACCOUNT})}.s",
    ],
)
def test_a_jwt_names_its_account(jwt: str) -> None:
    path = f"spec.operatorConfig.resolverPreload.{ACCOUNT}: "
    assert complaint(**operator(resolverPreload={ACCOUNT: jwt})).startswith(path)
    assert complaint(**operator(resolverPreload={ACCOUNT: OTHER_JWT})) == (
        f"{path}is not a JWT of this account; use the one whose subject is this account"
    )
