"""How the configuration keeps doors closed that servers would leave open."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.api.checks import doors
from natsctl.api.fields import Json
from natsctl.render.config.clients import logins
from natsctl.render.config.conf import server_config
from natsctl.render.config.system_account import PERMISSIONS, STRANGERS, SYSTEM_ACCOUNT, no_login
from natsctl.render.doors import doors_of
from natsctl.render.inputs import ConfigInputs
from natsctl.render.revision.revision import revision
from tests.unit.api.jwts import USER
from tests.unit.render.targets import target

USERS: Json = {"auth": {"clientsAuthSecret": "u"}}
MAPPED: Json = {
    "auth": {"clientsAuthSecret": "u", "tlsVerifyAndMap": True},
    "tls": {"serverSecret": "s"},
}
LEAVES: Json = {"leafnodeConfig": {"hostPort": 7422}}
WEBSOCKET: Json = {"websocketConfig": {"port": 8080, "no_tls": True}}
ALICE = {"username": "alice", "password": "p"}


def config(authorization: Any = None, system: str = "", **fields: Any) -> Any:
    inputs = ConfigInputs(authorization=authorization, system=system)
    return server_config(target(inputs=inputs, **fields))


class TestLeafNodesWithoutALogin:
    def test_they_come_into_an_account_of_their_own(self) -> None:
        made = config({"users": [ALICE]}, USER, version="2.10.29", **USERS, **LEAVES)
        assert made["leaf"]["authorization"] == {"account": STRANGERS}
        user = {"nkey": USER, "permissions": PERMISSIONS}
        assert made["accounts"] == {STRANGERS: {}, SYSTEM_ACCOUNT: {"users": [user]}}

    def test_also_where_there_is_no_other_account(self) -> None:
        made = config({"token": "t"}, version="2.2.6", **USERS, **LEAVES)
        assert made["accounts"] == {STRANGERS: {}}
        assert "system_account" not in made

    def test_a_single_user_is_one_of_a_list_whom_leaf_nodes_can_be(self) -> None:
        made = config(ALICE, version="2.2.6", **USERS, **LEAVES)
        assert made["authorization"] == {"users": [ALICE]}

    @pytest.mark.parametrize("authorization", [{"users": [ALICE]}, ALICE])
    def test_versions_without_such_an_account_take_the_login_of_the_only_user(
        self, authorization: Any
    ) -> None:
        made = config(authorization, version="2.0.0", **USERS, **LEAVES)
        assert made["leaf"]["authorization"] == {"user": "alice", "password": "p"}
        assert "accounts" not in made

    @pytest.mark.parametrize(
        "authorization",
        [
            {"users": [ALICE, ALICE | {"username": "bob"}]},
            {"users": [ALICE | {"permissions": {"publish": ["a"]}}]},
            {"users": [ALICE], "default_permissions": {"publish": ["a"]}},
            {"token": "t"},
            None,
        ],
    )
    def test_where_that_is_not_everything_no_leaf_node_gets_in(self, authorization: Any) -> None:
        made = config(authorization, version="2.0.0", **USERS, **LEAVES)
        assert made["leaf"]["authorization"] == no_login()

    @pytest.mark.parametrize(
        "fields",
        [
            {"version": "2.12.0", **USERS},
            {"version": "2.10.29"},
            {"version": "2.10.29", "operatorConfig": {"secret": "o"}},
        ],
    )
    def test_servers_that_need_no_help(self, fields: Json) -> None:
        assert "authorization" not in config({"users": [ALICE]}, **fields, **LEAVES)["leaf"]

    def test_a_change_takes_a_restart(self) -> None:
        assert "auth.leafnodes" in revision(target(version="2.10.29", **USERS, **LEAVES))
        assert "auth.leafnodes" not in revision(target(**USERS, **LEAVES))


class TestUsersWithoutAPassword:
    def test_they_connect_only_where_certificates_are_asked_for(self) -> None:
        users = [{"username": "CN=a"}, ALICE, {"nkey": USER}]
        made = config({"users": users}, **MAPPED, **WEBSOCKET)
        assert made["authorization"]["users"] == [
            {"username": "CN=a", "allowed_connection_types": ["STANDARD"]},
            ALICE,
            {"nkey": USER},
        ]

    @pytest.mark.parametrize("fields", [{}, {"version": "2.1.9", **LEAVES}])
    def test_where_there_is_no_other_door(self, fields: Json) -> None:
        made = config({"users": [{"username": "CN=a"}]}, **MAPPED, **fields)
        assert made["authorization"]["users"] == [{"username": "CN=a"}]

    def test_running_servers_take_it_up(self) -> None:
        inputs = ConfigInputs(authorization={"users": [{"username": "CN=a"}]})
        path = "auth.connectionTypes"
        assert path in revision(target(inputs=inputs, **MAPPED, **WEBSOCKET))
        assert path not in revision(target(inputs=inputs, **MAPPED))
        assert path not in revision(target(inputs=inputs, **USERS, **WEBSOCKET))
        everybody = ConfigInputs(authorization={"users": [ALICE]})
        assert path not in revision(target(inputs=everybody, **MAPPED, **WEBSOCKET))

    def test_verified_listeners_tell_users_by_certificates(self) -> None:
        tls = {
            "serverSecret": "s",
            "websocketSecret": "w",
            "websocketVerify": True,
            "leafnodeSecret": "l",
            "leafnodeVerify": True,
        }
        blocks: Json = {"websocketConfig": {"port": 8080}, **LEAVES}
        mapped = config(None, auth=MAPPED["auth"], tls=tls, **blocks)
        plain = config(None, tls=tls, **blocks)
        for listener in ("websocket", "leaf"):
            assert mapped[listener]["tls"]["verify_and_map"] is True
            assert "verify" not in mapped[listener]["tls"]
            assert plain[listener]["tls"]["verify"] is True


@pytest.mark.parametrize(
    ("authorization", "found"),
    [
        (None, {doors.NOBODY}),
        ({"token": "t"}, {doors.TOKEN}),
        (ALICE, {doors.PASSWORD}),
        ({"users": [ALICE, {"nkey": USER}]}, {doors.PASSWORD, doors.NKEY}),
        ({"users": [{"username": "CN=a"}]}, {doors.MAPPED}),
    ],
)
def test_what_clients_may_show(authorization: Any, found: set[str]) -> None:
    cluster = target(inputs=ConfigInputs(authorization=authorization), **USERS)
    assert logins(cluster) == found
    assert doors_of(cluster)[0].logins == found


def test_what_clients_may_show_without_a_secret_of_users() -> None:
    assert logins(target()) == frozenset()
    assert logins(target(operatorConfig={"secret": "o"})) == {doors.JWT}
