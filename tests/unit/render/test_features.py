"""The parts of the configuration that only some clusters have, as the older operator wrote them."""

from typing import Any

import attrs
import pytest

from natsctl.render.config.boot import advertised_blocks, boot_text
from natsctl.render.config.conf import nobody, server_config
from natsctl.render.config.system_account import PERMISSIONS
from natsctl.render.inputs import ConfigInputs, Login, Neighbour
from tests.unit.api.jwts import ACCOUNT, ACCOUNT_JWT
from tests.unit.render.targets import target

LOGIN = Login("a/b", "p@ss:w%rd ")
ESCAPED = "a%2Fb:p%40ss%3Aw%25rd%20@"
KEY = "U" + "A" * 55
GATEWAY: dict[str, Any] = {"name": "g", "hostPort": 7522}
POD = {"advertiseExternalIP": True}
OPEN = POD | {"enableClientsHostPort": True}
SYSTEM = ConfigInputs(system=KEY)
SYS = {"$SYS": {"users": [{"nkey": KEY, "permissions": PERMISSIONS}]}}


def config(inputs: ConfigInputs | None = None, **fields: Any) -> dict[str, Any]:
    return server_config(target(inputs=inputs, size=fields.pop("size", 1), **fields))


def users(authorization: Any, **fields: Any) -> dict[str, Any]:
    inputs = attrs.evolve(SYSTEM, authorization=authorization)
    auth = {"clientsAuthSecret": "s", **fields.pop("auth", {})}
    return config(inputs, auth=auth, **fields)


class TestEncryption:
    def test_of_clients_and_routes(self) -> None:
        found = config(tls={"serverSecret": "s", "routesSecret": "r"})
        assert found["tls"]["cert_file"] == "/etc/nats-server-tls-certs/server.pem"
        assert found["cluster"]["tls"]["cert_file"] == "/etc/nats-routes-tls-certs/route.pem"

    def test_of_monitoring(self) -> None:
        found = config(tls={"serverSecret": "s", "enableHttps": True})
        assert found["https_port"] == 8222
        assert "http_port" not in found


class TestRoutes:
    def test_servers_show_each_other_a_login(self) -> None:
        found = config(
            ConfigInputs(routes=LOGIN), auth={"clusterAuthSecret": "s", "clusterAuthTimeout": 3}
        )
        assert found["cluster"]["routes"] == [f"nats://{ESCAPED}c-1.c-mgmt.ns.svc:6222"]
        assert found["cluster"]["authorization"] == {
            "username": "a/b",
            "password": "p@ss:w%rd ",
            "timeout": 3,
        }

    def test_without_the_login_nobody_gets_in(self) -> None:
        found = config(auth={"clusterAuthSecret": "s"})["cluster"]["authorization"]
        assert found["username"] == "nobody"
        assert found["password"] == nobody()["users"][0]["password"]

    @pytest.mark.parametrize(
        ("neighbour", "routes"),
        [
            (None, ["nats://o-mgmt:6222"]),
            (Neighbour(2), [f"nats://o-{i}.o-mgmt.ns.svc:6222" for i in (1, 2)]),
            (
                Neighbour(2, LOGIN),
                [f"nats://{ESCAPED}o-{i}.o-mgmt.ns.svc:6222" for i in (1, 2)],
            ),
            (Neighbour(0), []),
        ],
    )
    def test_another_cluster_is_reached_as_it_wants(
        self, neighbour: Neighbour | None, routes: list[str]
    ) -> None:
        inputs = ConfigInputs(neighbours={"o": neighbour} if neighbour else {})
        found = config(inputs, extraRoutes=[{"cluster": "o"}])
        assert found["cluster"]["routes"][1:] == routes

    def test_servers_of_the_go_operator_keep_the_name_that_they_reach_another_cluster_by(
        self,
    ) -> None:
        def routes(neighbour: Neighbour) -> list[str]:
            made = target(size=1, extraRoutes=[{"cluster": "o"}])
            inputs = ConfigInputs(neighbours={"o": neighbour})
            found = attrs.evolve(made, kept={1: "c-1"}, inputs=inputs)
            return list(server_config(found)["cluster"]["routes"])[1:]

        assert routes(Neighbour(2)) == ["nats://o-mgmt:6222"]
        assert routes(Neighbour(1, encrypted=True)) == ["nats://o-1.o-mgmt.ns.svc:6222"]

    def test_no_route_is_there_twice(self) -> None:
        route = {"route": "nats://c-1.c-mgmt.ns.svc:6222"}
        assert len(config(extraRoutes=[route, route])["cluster"]["routes"]) == 1


class TestGateways:
    def test_the_block(self) -> None:
        remotes = [
            {"name": "g", "url": "nats://a:7522"},
            {"name": "h", "url": "nats://b:1", "urls": ["tls://u:p@c:2", "nats://b:1"]},
        ]
        fields = {**GATEWAY, "rejectUnknown": True, "gateways": remotes}
        assert config(gatewayConfig=fields)["gateway"] == {
            "name": "g",
            "port": 7522,
            "gateways": [
                {"name": "g", "url": "nats://a:7522"},
                {"name": "h", "urls": ["nats://b:1", "tls://u:p@c:2"]},
            ],
            "reject_unknown": True,
        }

    def test_a_cluster_is_called_like_its_gateway(self) -> None:
        assert config(gatewayConfig=GATEWAY)["cluster"]["name"] == "g"
        assert config(gatewayConfig=GATEWAY, named=True)["cluster"]["name"] == "g"
        assert "name" not in config(gatewayConfig=GATEWAY, version="2.1.9")["cluster"]

    def test_a_cluster_on_its_own_has_none(self) -> None:
        assert "gateway" not in config()
        assert "gateway" not in config(gatewayConfig={})

    def test_a_login_is_shown_to_the_others(self) -> None:
        remotes = [{"name": "h", "url": "nats://b:1", "urls": ["nats://u:p@b:2"]}]
        found = config(
            ConfigInputs(gateways=LOGIN),
            gatewayConfig={**GATEWAY, "gateways": remotes},
            auth={"gatewayAuthSecret": "s", "gatewayAuthTimeout": 2},
        )["gateway"]
        assert found["authorization"]["password"] == LOGIN.password
        assert found["authorization"]["timeout"] == 2
        assert found["gateways"][0]["urls"] == [f"nats://{ESCAPED}b:1", "nats://u:p@b:2"]

    def test_it_is_encrypted_with_its_own_certificates(self) -> None:
        found = config(gatewayConfig=GATEWAY, tls={"gatewaySecret": "s"})["gateway"]
        assert found["tls"]["ca_file"] == "/etc/nats-gateways-tls-certs/ca.pem"


class TestLeafnodes:
    def test_a_listener(self) -> None:
        fields: dict[str, Any] = {"leafnodeConfig": {"hostPort": 7422}}
        assert config(**fields)["leaf"] == {"port": 7422}
        found = config(**fields, tls={"leafnodeSecret": "s"})["leaf"]
        assert found["tls"]["key_file"] == "/etc/nats-leafnodes-tls-certs/server-key.pem"

    def test_hubs(self) -> None:
        remotes = [
            {"url": "nats://a:1", "urls": ["nats://b:2"], "credentials": "/c/u.creds"},
            {"urls": ["wss://c:443"]},
        ]
        assert config(leafnodeConfig={"remotes": remotes})["leaf"] == {
            "remotes": [
                {"urls": ["nats://a:1", "nats://b:2"], "credentials": "/c/u.creds"},
                {"url": "wss://c:443"},
            ]
        }

    def test_neither(self) -> None:
        assert "leaf" not in config()
        assert "leaf" not in config(leafnodeConfig={})


class TestWebsocket:
    def test_the_block(self) -> None:
        fields = {"port": 9222, "handshakeTimeout": "5s", "compression": True}
        found = config(websocketConfig=fields, tls={"websocketSecret": "s"})["websocket"]
        assert found.pop("tls")["ca_file"] == "/etc/nats-websocket-tls-certs/ca.pem"
        assert found == {"listen": ":9222", "handshake_timeout": "5s", "compression": True}

    def test_without_encryption_only_where_that_is_said(self) -> None:
        assert config(websocketConfig={"port": 1, "no_tls": True})["websocket"] == {
            "listen": ":1",
            "no_tls": True,
        }
        assert config(websocketConfig={"port": 1})["websocket"] == {"listen": ":1"}

    def test_without_a_port_there_is_none(self) -> None:
        assert "websocket" not in config()
        assert "websocket" not in config(websocketConfig={})


class TestUsers:
    def test_an_open_cluster_says_nothing(self) -> None:
        assert "authorization" not in config(attrs.evolve(SYSTEM, authorization={"users": []}))

    def test_a_secret_says_who(self) -> None:
        block = {"users": [{"username": "u", "password": "p"}], "timeout": 2}
        found = users(block)
        assert found["authorization"] == block
        assert found["accounts"] == SYS
        assert "system_account" not in found

    def test_the_operators_user_may_do_only_what_is_asked_of_servers(self) -> None:
        assert PERMISSIONS == {
            "publish": {"allow": ["$SYS.REQ.SERVER.*.RELOAD"]},
            "subscribe": {"allow": ["_INBOX.natsctl.*"]},
        }

    def test_servers_of_earlier_versions_keep_the_name_of_its_account(self) -> None:
        found = config(attrs.evolve(SYSTEM, account="SYS"))
        assert found["accounts"] == {"SYS": SYS["$SYS"]}
        assert found["system_account"] == "SYS"

    def test_the_account_is_named_where_servers_want_it_named(self) -> None:
        found = config(
            SYSTEM,
            gatewayConfig={"name": "g", "hostPort": 7222},
            leafnodeConfig={"hostPort": 7422},
        )
        assert (found["accounts"], found["system_account"]) == (SYS, "$SYS")

    @pytest.mark.parametrize("block", [None, {}, {"users": []}, {"timeout": 1}, {"token": ""}])
    @pytest.mark.parametrize("how", [{}, {"enableServiceAccounts": True}])
    def test_nobody_is_not_everybody(self, block: Any, how: dict[str, Any]) -> None:
        assert users(block, auth=how)["authorization"]["users"] == nobody()["users"]

    def test_the_spec_has_the_last_word_on_the_timeout(self) -> None:
        block = {"users": [{"username": "u", "password": "p"}], "timeout": 2}
        found = users(block, auth={"clientsAuthTimeout": 5})
        assert found["authorization"]["timeout"] == 5

    def test_a_single_user_becomes_one_of_a_list(self) -> None:
        block = {"username": "u", "password": "p", "timeout": 2}
        user = {"username": "u", "password": "p"}
        assert users(block)["authorization"] == {"timeout": 2, "users": [user]}
        assert users(block, version="2.2.6")["authorization"] == block

    def test_a_token_stands_alone(self) -> None:
        found = users({"token": "t"})
        assert found["authorization"] == {"token": "t"}
        assert {"accounts", "system_account"}.isdisjoint(found)

    def test_the_operator_has_an_account_also_in_an_open_cluster(self) -> None:
        assert config(SYSTEM)["accounts"] == SYS
        assert "accounts" not in config()

    @pytest.mark.parametrize(
        ("file", "included"),
        [
            ("users.json", "users.json"),
            ("authconfig/auth.json", "authconfig/auth.json"),
            ("/etc/nats-config/authconfig/auth.json", "authconfig/auth.json"),
            ("/etc/other/auth.json", "../other/auth.json"),
        ],
    )
    def test_a_file_is_included_by_the_path_that_servers_read(
        self, file: str, included: str
    ) -> None:
        cluster = target(auth={"clientsAuthFile": file})
        assert boot_text(cluster).splitlines()[-1] == f'authorization {{ include "{included}" }}'
        assert "authorization" not in server_config(cluster)


class TestOperator:
    def test_accounts_at_a_url(self) -> None:
        fields = {"secret": "s", "systemAccount": ACCOUNT, "resolver": "URL(https://h/)"}
        found = config(SYSTEM, operatorConfig=fields)
        assert found["operator"] == "/etc/nats-operator/op.jwt"
        assert found["system_account"] == ACCOUNT
        assert found["resolver"] == "URL(https://h/)"
        assert {"accounts", "resolver_preload"}.isdisjoint(found)

    def test_accounts_in_memory(self) -> None:
        fields = {
            "secret": "s",
            "resolver": "MEMORY",
            "resolverPreload": {ACCOUNT: ACCOUNT_JWT},
        }
        assert config(operatorConfig=fields)["resolver_preload"] == {ACCOUNT: ACCOUNT_JWT}

    def test_none(self) -> None:
        assert "operator" not in config(operatorConfig={})


class TestAdvertising:
    @pytest.mark.parametrize(
        "spec", [{"pod": OPEN}, {"pod": POD, "template": {"spec": {"hostNetwork": True}}}]
    )
    def test_clients_are_told_the_address_of_the_node(self, spec: dict[str, Any]) -> None:
        assert boot_text(target(**spec)).splitlines() == [
            "server_name: $SERVER_NAME",
            'include "nats.conf"',
            'include "advertise/client_advertise.conf"',
        ]
        assert advertised_blocks(target(**spec)) == {}

    def test_but_not_of_a_port_that_the_node_does_not_open(self) -> None:
        assert "advertise" not in boot_text(target(pod=POD))
        kept = attrs.evolve(target(pod=POD), kept={1: "c-1"})
        assert "client_advertise" in boot_text(kept), (
            "servers of the Go operator keep what they have"
        )

    def test_so_are_gateways_and_leaf_nodes(self) -> None:
        cluster = target(pod=POD, gatewayConfig=GATEWAY, leafnodeConfig={"hostPort": 7422})
        assert boot_text(cluster).splitlines()[2:] == [
            "gateway {",
            'include "gateway.json"',
            'include "advertise/gateway_advertise.conf"',
            "}",
            "leaf {",
            'include "leafnodes.json"',
            'include "advertise/gateway_advertise.conf"',
            "}",
        ]
        whole = server_config(cluster)
        assert advertised_blocks(cluster) == {
            "gateway.json": whole["gateway"],
            "leafnodes.json": whole["leaf"],
        }

    def test_a_leaf_node_has_nothing_to_tell(self) -> None:
        hub = {"remotes": [{"url": "nats://h:1"}]}
        assert advertised_blocks(target(pod=POD, leafnodeConfig=hub)) == {}

    def test_unless_asked_nobody_is_told(self) -> None:
        assert advertised_blocks(target(gatewayConfig=GATEWAY)) == {}
        assert boot_text(target(gatewayConfig=GATEWAY)).count("include") == 1


def test_tags_of_the_servers() -> None:
    assert config(serverTags=["zone:a", "fast"])["server_tags"] == ["zone:a", "fast"]
    assert "server_tags" not in config()
