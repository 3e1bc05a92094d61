from typing import Any

import pytest

from tests.unit.api.specs import complaint, complaints

GATEWAY = {"name": "g", "hostPort": 7522}
REMOTE = {"name": "h", "url": "nats://h:7522"}
HUB = {"url": "nats://h:7422"}


def gateway(**fields: Any) -> list[str]:
    return complaints(gatewayConfig={**GATEWAY, **fields})


def leaf(*remotes: dict[str, Any], **fields: Any) -> list[str]:
    return complaints(leafnodeConfig={"remotes": list(remotes)}, **fields)


def websocket(**fields: Any) -> str:
    return complaint(websocketConfig={"port": 8080, "no_tls": True, **fields})


def test_a_gateway_has_a_name_and_a_port() -> None:
    assert gateway(gateways=[REMOTE]) == []
    assert complaints(gatewayConfig={}) == []
    assert gateway(name=None) == [
        "spec.gatewayConfig.name: '' is not a valid name for a "
        "gateway; use letters, digits, dots, hyphens and underscores"
    ]
    assert gateway(hostPort=0) == [
        "spec.gatewayConfig.hostPort: is required; "
        "set it to the port that gateways connect to, such as 7522"
    ]


@pytest.mark.parametrize("name", ["", "a b", "a\n", '"', "\u00e9"])
def test_so_have_the_others(name: str) -> None:
    (found,) = gateway(gateways=[REMOTE, {**REMOTE, "name": name}])
    assert found.startswith("spec.gatewayConfig.gateways[1].name: ")


def test_each_of_the_others_has_a_url() -> None:
    assert gateway(gateways=[{"name": "h"}]) == [
        "spec.gatewayConfig.gateways[0].url: is required; set it to the address where the other "
        "side listens"
    ]
    assert gateway(gateways=[{"name": "h", "urls": ["nats://h:1", "h:1"]}]) == [
        "spec.gatewayConfig.gateways[0].urls[1]: 'h:1' is not a valid URL of a server; use "
        "a URL with host and port, such as nats://host:7422"
    ]
    (found,) = gateway(gateways=[{"name": "h", "url": "ws://h:1"}])
    assert found.startswith("spec.gatewayConfig.gateways[0].url: ")


def test_a_hub_has_urls() -> None:
    assert leaf(HUB, {"urls": ["tls://a:1", "nats://[::1]:2"]}) == []
    assert leaf({"credentials": "/c"}) == [
        "spec.leafnodeConfig.remotes[0].url: is required; set it to the address where the other "
        "side listens"
    ]


def test_credentials_are_in_a_file() -> None:
    assert leaf({**HUB, "credentials": "/etc/creds/user.creds"}) == []
    (found,) = leaf({**HUB, "credentials": "a\nb"})
    assert found.startswith("spec.leafnodeConfig.remotes[0].credentials: ")


def test_hubs_are_reached_by_websocket_from_some_release_on() -> None:
    assert leaf({"url": "wss://h:443/leaf"}) == []
    (found,) = leaf({"url": "ws://h:80"}, version="2.1.9")
    assert found.startswith("spec.leafnodeConfig.remotes[0].url: ")


def test_but_not_by_both() -> None:
    assert leaf({"urls": ["ws://h:80", "nats://h:7422"]}) == [
        "spec.leafnodeConfig.remotes[0].urls: mixes websocket and other URLs, "
        "which nats-server rejects; use one kind"
    ]


def test_the_first_servers_take_one_url_of_a_hub() -> None:
    several = {**HUB, "urls": ["nats://i:7422"]}
    assert leaf(several, version="2.0.0") == [
        "spec.leafnodeConfig.remotes[0].urls: nats-server 2.0.0 accepts only one URL per hub; "
        "use version 2.0.4 or later"
    ]
    assert leaf(several, version="2.0.4") == []
    assert leaf({**HUB, "urls": [HUB["url"]]}, version="2.0.0") == []


def test_the_newest_servers_take_a_hub_once() -> None:
    assert leaf(HUB, HUB, version="2.12.15") == []
    assert leaf(HUB, HUB) == [
        "spec.leafnodeConfig.remotes[1]: is a duplicate, which "
        "nats-server 2.15.3 rejects; remove one"
    ]


@pytest.mark.parametrize(
    "again", [{"urls": [HUB["url"]]}, {**HUB, "urls": [HUB["url"]], "credentials": ""}]
)
def test_however_it_is_written(again: dict[str, Any]) -> None:
    (found,) = leaf(HUB, again)
    assert found.startswith("spec.leafnodeConfig.remotes[1]: is a duplicate")
    assert leaf(HUB, {**again, "credentials": "/c"}) == []


def test_websockets_are_encrypted_or_said_not_to_be() -> None:
    assert complaints(websocketConfig={"port": 8080, "no_tls": True}) == []
    encrypted = {"tls": {"websocketSecret": "w"}}
    assert complaints(websocketConfig={"port": 8080}, **encrypted) == []
    help = (
        "spec.websocketConfig.no_tls: set either no_tls: true or spec.tls.websocketSecret, "
        "not both: nats-server accepts unencrypted websockets only if told explicitly"
    )
    assert complaint(websocketConfig={"port": 8080}) == help
    assert complaint(websocketConfig={"port": 8080, "no_tls": True}, **encrypted) == help


def test_websockets_have_a_port() -> None:
    assert complaints(websocketConfig={}) == []
    assert websocket(port=0) == (
        "spec.websocketConfig.port: is required; "
        "set it to the port that websocket clients connect to, such as 8080"
    )


def test_websockets_came_with_a_release() -> None:
    assert complaint(websocketConfig={"port": 1, "no_tls": True}, version="2.1.9") == (
        "spec.websocketConfig: nats-server 2.1.9 does not support "
        "websockets; omit websocketConfig, or use version 2.2.0 or later"
    )


@pytest.mark.parametrize(
    ("port", "whose"),
    [(4222, "clients"), (6222, "routes"), (8222, "monitoring"), (7777, "metrics")],
)
def test_ports_of_every_server_are_taken(port: int, whose: str) -> None:
    told = f"{port} is already the port of {whose}; use another one"
    assert gateway(hostPort=port) == [f"spec.gatewayConfig.hostPort: {told}"]
    assert complaint(leafnodeConfig={"hostPort": port}) == f"spec.leafnodeConfig.hostPort: {told}"
    assert websocket(port=port) == f"spec.websocketConfig.port: {told}"


def test_the_port_of_the_reloader_is_taken_where_it_tells_how_full_the_volume_is() -> None:
    fields: dict[str, Any] = {
        "websocketConfig": {"port": 7778, "no_tls": True},
        "version": "2.12.15",
    }
    watched = {"jetstream": {}, "pod": {"enableConfigReload": True}}
    assert complaint(**fields, **watched) == (
        "spec.websocketConfig.port: 7778 is already the port of the reloader, which tells how full "
        "the volume is; use another one"
    )
    assert complaints(**fields, jetstream={}) == []


def test_no_two_listeners_share_a_port() -> None:
    assert complaint(gatewayConfig=GATEWAY, leafnodeConfig={"hostPort": 7522}) == (
        "spec.leafnodeConfig.hostPort: 7522 is already the port "
        "of spec.gatewayConfig.hostPort; use another one"
    )
