from typing import Any

import pytest

from natsctl.api.fields import Json
from natsctl.api.parse import parse_spec
from natsctl.api.version import ServerVersion
from natsctl.render.config.clients import accounts_block
from natsctl.render.config.conf import has_system, may_have_system, nobody
from natsctl.render.config.system_account import (
    JETSTREAM_REQUESTS,
    PERMISSIONS,
    SYSTEM_ACCOUNT,
    lacks_system,
    system_permissions,
)
from natsctl.render.inputs import ConfigInputs
from natsctl.render.revision.system_stamp import system_stamp
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
def test_some_ways_of_letting_clients_in_exclude_it(fields: Json) -> None:
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
def test_others_do_not(fields: Json) -> None:
    assert may(**fields)


def test_without_a_key_there_is_none() -> None:
    assert has_system(target(inputs=ConfigInputs(system=KEY)))
    assert not has_system(target())
    assert not has_system(target(inputs=ConfigInputs(system=KEY), version="2.2.6"))
    with_token = ConfigInputs(system=KEY, authorization={"token": "t"})
    assert not has_system(target(inputs=with_token, auth={"clientsAuthSecret": "s"}))


BOTH: Json = {"gatewayConfig": {"name": "g", "hostPort": 1}, "leafnodeConfig": {"hostPort": 2}}


def test_servers_with_leaf_nodes_and_gateways_do_not_start_without_one() -> None:
    assert lacks_system(target(**BOTH))
    assert not lacks_system(target(**BOTH, inputs=ConfigInputs(system=KEY)))
    assert not lacks_system(target(gatewayConfig=BOTH["gatewayConfig"]))
    own: Json = {"operatorConfig": {"secret": "s", "systemAccount": "A"}}
    assert not lacks_system(target(**BOTH, **own))


class TestWithJetStream:
    SYSTEM = ConfigInputs(system=KEY)

    def test_the_operators_user_may_send_the_requests_of_procedures_and_no_others(self) -> None:
        (user,) = accounts_block(target(jetstream={}, inputs=self.SYSTEM))["accounts"][
            SYSTEM_ACCOUNT
        ]["users"]
        assert user["permissions"] == {
            "publish": {
                "allow": [
                    "$SYS.REQ.SERVER.*.RELOAD",
                    "$JS.API.META.LEADER.STEPDOWN",
                    "$JS.API.SERVER.REMOVE",
                    "$JS.API.SERVER.EVACUATE",
                    "$JS.API.ACCOUNT.STREAM.MOVE.*.*",
                    "$JS.API.ACCOUNT.STREAM.CANCEL_MOVE.*.*",
                ]
            },
            "subscribe": PERMISSIONS["subscribe"],
        }

    def test_no_request_is_about_what_users_stored(self) -> None:
        """It may not read, write, create or delete a message, a stream or a consumer."""
        assert all(
            subject.startswith(("$JS.API.META.", "$JS.API.SERVER.", "$JS.API.ACCOUNT.STREAM."))
            for subject in JETSTREAM_REQUESTS
        )

    def test_other_clusters_are_left_as_they_are(self) -> None:
        assert system_permissions(parse_spec({"size": 3})) is PERMISSIONS
        stamp = str(system_stamp(target(inputs=self.SYSTEM)))
        assert stamp == f"$SYS {KEY} f46b89af90 -"

    def test_its_rights_show_in_the_revision_so_that_servers_are_reloaded(self) -> None:
        with_it = system_stamp(target(inputs=self.SYSTEM, jetstream={}))
        without = system_stamp(target(inputs=self.SYSTEM))
        assert with_it.rights != without.rights
        assert not with_it.same_user(without)
