from typing import Any

import pytest

from natsctl.render.objects.services import client_service, management_service_object
from natsctl.render.pod.pod import pod
from tests.unit.render.targets import target

EVERY: dict[str, Any] = {
    "gatewayConfig": {"name": "g", "hostPort": 7522},
    "leafnodeConfig": {"hostPort": 7422},
    "websocketConfig": {"port": 8080, "no_tls": True},
}
CLOSED = {
    "disableGatewaysHostPort": True,
    "disableLeafnodesHostPort": True,
    "disableWebsocketsHostPort": True,
}


def ports(**policy: Any) -> dict[str, tuple[int, int | None]]:
    """Name -> port of the container and of the node."""
    container = pod(target(**EVERY, pod=policy), 1)["spec"]["containers"][0]
    return {p["name"]: (p["containerPort"], p.get("hostPort")) for p in container["ports"]}


def test_every_listener_has_a_port_of_the_container() -> None:
    assert list(ports()) == ["cluster", "monitoring", "client", "gateway", "leaf", "websocket"]


def test_a_host_port_is_open_on_the_node() -> None:
    found = ports()
    assert found["gateway"] == (7522, 7522)
    assert found["leaf"] == (7422, 7422)
    assert found["websocket"] == (8080, None)
    assert found["client"] == (4222, None)


def test_unless_that_is_switched_off() -> None:
    assert [host for _, host in ports(**CLOSED).values()] == [None] * 6


@pytest.mark.parametrize("policy", [{}, CLOSED])
def test_an_advertised_address_is_one_where_others_get_in(policy: dict[str, Any]) -> None:
    found = ports(advertiseExternalIP=True, **policy)
    assert [found[name][1] for name in ("gateway", "leaf", "websocket")] == [7522, 7422, 8080]


def test_services_have_them_too() -> None:
    clients, servers = client_service(target(**EVERY)), management_service_object(target(**EVERY))
    assert [(p["name"], p["port"]) for p in clients["spec"]["ports"]] == [
        ("tcp-client", 4222),
        ("websocket", 8080),
    ]
    assert [(p["name"], p["targetPort"]) for p in servers["spec"]["ports"]] == [
        ("cluster", 6222),
        ("monitoring", 8222),
        ("metrics", 7777),
        ("websocket", 8080),
        ("gateways", 7522),
        ("leafnodes", 7422),
    ]
