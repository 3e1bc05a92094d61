from typing import Any

import pytest

from natsctl.api.parse import parse_spec
from natsctl.api.version import ServerVersion
from natsctl.render.config.conf import has_system, may_have_system, nobody
from natsctl.render.config.system_account import lacks_system
from natsctl.render.inputs import ConfigInputs
from tests.unit.render.targets import target

KEY = "U" + "A" * 55


def may(version: str = "2.14.10", authorization: Any = None, **fields: Any) -> bool:
    spec = parse_spec({"size": 1, **fields})
    return may_have_system(spec, ServerVersion.parse(version), authorization)


def test_nobody_has_a_hash_for_a_password() -> None:
    (user,) = nobody()["users"]
    assert user["password"].startswith("$2a$04$")
    assert len(user["password"]) == 60


@pytest.mark.parametrize(
    ("version", "safe"), [("2.2.6", False), ("2.8.4", False), ("2.9.0", True), ("nightly", True)]
)
def test_a_system_account_opens_and_closes_nothing_from_some_release_on(
    version: str, safe: bool
) -> None:
    assert may(version) is safe


@pytest.mark.parametrize(
    "fields",
    [
        {"authorization": {"token": "t"}, "auth": {"clientsAuthSecret": "s"}},
        {"operatorConfig": {"secret": "s"}},
        {"auth": {"clientsAuthFile": "auth.json"}},
        {"auth": {"tlsVerifyAndMap": True}},
    ],
)
def test_some_ways_of_letting_clients_in_exclude_it(fields: dict[str, Any]) -> None:
    assert not may(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"authorization": {"users": []}},
        {"authorization": {"token": "was not requested"}},
        {"operatorConfig": {}},
        {"auth": {"clientsAuthFile": "x", "clientsAuthSecret": "s"}},
        {"auth": {"clientsAuthFile": "x", "enableServiceAccounts": True}},
        {"auth": {"clientsAuthFile": ""}},
    ],
)
def test_others_do_not(fields: dict[str, Any]) -> None:
    assert may(**fields)


def test_without_a_key_there_is_none() -> None:
    assert has_system(target(inputs=ConfigInputs(system=KEY)))
    assert not has_system(target())
    assert not has_system(target(inputs=ConfigInputs(system=KEY), version="2.2.6"))
    with_token = ConfigInputs(system=KEY, authorization={"token": "t"})
    assert not has_system(target(inputs=with_token, auth={"clientsAuthSecret": "s"}))


BOTH = {"gatewayConfig": {"name": "g", "hostPort": 1}, "leafnodeConfig": {"hostPort": 2}}


def test_servers_with_leaf_nodes_and_gateways_do_not_start_without_one() -> None:
    assert lacks_system(target(**BOTH))
    assert not lacks_system(target(**BOTH, inputs=ConfigInputs(system=KEY)))
    assert not lacks_system(target(gatewayConfig=BOTH["gatewayConfig"]))
    own = {"operatorConfig": {"secret": "s", "systemAccount": "A"}}
    assert not lacks_system(target(**BOTH, **own))
