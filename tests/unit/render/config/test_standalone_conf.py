"""nats.conf of a cluster with servers that the Go operator made: they start with it alone."""

import base64
from typing import Any

import attrs

from natsctl.api.fields import Json
from natsctl.render.config.conf import config_text
from natsctl.render.config.standalone_conf import complete_text
from natsctl.render.objects.secret import config_secret
from natsctl.render.target import Target
from tests.unit.render.targets import target


def kept(**spec: Any) -> Target:
    return attrs.evolve(target(**spec), kept={1: "c-1", 2: "c-2", 3: "c-3"})


def nats_conf(found: Target) -> str:
    return base64.b64decode(config_secret(found)["data"]["nats.conf"]).decode()


def test_it_is_the_plain_one_where_nothing_else_is_needed() -> None:
    assert nats_conf(kept()) == config_text(target())


def test_it_includes_the_users_itself() -> None:
    """A server without them lets everybody in."""
    users: Json = {"auth": {"clientsAuthFile": "authconfig/auth.json"}}
    assert nats_conf(kept(**users)).endswith(
        '\n  authorization { include "authconfig/auth.json" }\n}\n'
    )
    assert nats_conf(target(**users)) == config_text(target(**users))


def test_it_includes_the_addresses_of_nodes() -> None:
    text = complete_text(
        kept(pod={"advertiseExternalIP": True}, gatewayConfig={"name": "c", "hostPort": 7522})
    )
    assert 'include "advertise/client_advertise.conf"\n' in text
    assert 'include "gateway.json"\n  include "advertise/gateway_advertise.conf"\n' in text


def test_a_server_names_itself_only_if_its_pod_says_how() -> None:
    assert "server_name" not in complete_text(kept())
    assert "\n  server_name: $SERVER_NAME\n}" in complete_text(kept(useServerName=True))


def test_routes_lead_to_the_names_that_pods_have() -> None:
    found = attrs.evolve(target(size=10), kept={9: "c-9", 10: "c-a"})
    assert "nats://c-a.c-mgmt.ns.svc:6222" in nats_conf(found)
    assert "c-10" not in nats_conf(found)
