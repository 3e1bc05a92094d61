"""Clusters joined by gateways, and what they tell others to dial."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.e2e import images
from tests.e2e.certificates import Authority, opaque
from tests.e2e.client import passes, user
from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.jwts import Tree
from tests.e2e.kubectl import Json, Kubectl, until

Apply = Callable[..., Cluster]
PORT = 7522
LABEL = "nats.io/node-external-ip"
pytestmark = pytest.mark.usefixtures("reaches_pods")


def side(namespace: str, own: str, other: str, scheme: str = "nats") -> Json:
    """Fields of one of two clusters; both are on one node, which has the port once."""
    url = f"{scheme}://{other}-mgmt.{namespace}.svc:{PORT}"
    config = {
        "name": own,
        "hostPort": PORT,
        "rejectUnknown": True,
        "gateways": [{"name": other, "url": url}],
    }
    return {"gatewayConfig": config, "pod": {"disableGatewaysHostPort": True}}


def linked(cluster: Cluster, other: str) -> bool:
    """Whether each server of a cluster has a connection to another one's gateway."""
    asked = (cluster.monitoring(pod, "gatewayz") for pod in cluster.uids())
    return all(other in (answer["outbound_gateways"] or {}) for answer in asked)


def joined(east: Cluster, west: Cluster) -> None:
    """Both have connections to each other, and messages pass both ways."""
    until("east is linked", partial(linked, east, "west"), 60)
    until("west is linked", partial(linked, west, "east"), 60)
    passes(user(east), user(west))
    passes(user(west), user(east))


@pytest.mark.parametrize("version", ["2.9.25", NEXT])
def test_a_message_crosses(cluster: Apply, namespace: Kubectl, version: str) -> None:
    """Two clusters of two servers, each by the name of the other's Service."""
    where = namespace.namespace
    east = cluster("east", size=2, version=version, **side(where, "east", "west"))
    west = cluster("west", size=2, version=version, **side(where, "west", "east"))
    joined(east.ready(), west.ready())
    spec = east.pods()["east-1"]["spec"]["containers"][0]
    assert {"name": "gateway", "containerPort": PORT, "protocol": "TCP"} in spec["ports"]


def test_a_message_crosses_with_a_login_and_certificates(
    cluster: Apply, namespace: Kubectl
) -> None:
    """The login of gatewayAuthSecret is in the URLs; without it a third cluster stays out."""
    ca, where = Authority(), namespace.namespace
    names = [f"{n}-mgmt.{where}.svc" for n in ("east", "west", "spy")]
    namespace.apply(
        ca.secret("gateways-tls", *names, *(f"*.{name}" for name in names)),
        opaque("gateways", {"auth": '{"username": "g/w", "password": "p@ss:w?rd"}'}),
    )
    secure = {
        "tls": {"gatewaySecret": "gateways-tls", "gatewaysTLSTimeout": 5},
        "auth": {"gatewayAuthSecret": "gateways", "gatewayAuthTimeout": 5},
    }
    east = cluster("east", size=1, version=NEXT, **side(where, "east", "west", "tls"), **secure)
    west = cluster("west", size=1, version=NEXT, **side(where, "west", "east", "tls"), **secure)
    joined(east.ready(), west.ready())
    block = east.config()["gateway"]
    assert block["authorization"] == {"username": "g/w", "password": "p@ss:w?rd", "timeout": 5}
    assert block["tls"]["cert_file"] == "/etc/nats-gateways-tls-certs/server.pem"
    open_east = side(where, "west", "east", "tls")
    spy = cluster("spy", size=1, version=NEXT, tls=secure["tls"], **open_east).ready()
    refused = "authentication error"
    until("east refuses the spy", lambda: refused in east.log("east-1").lower(), 30)
    assert not linked(spy, "east")


@pytest.fixture
def label(kubectl: Kubectl) -> Iterator[Callable[[str], None]]:
    """Gives every node an external address, and takes it away afterwards."""
    yield lambda address: print(kubectl("label", "nodes", "--all", f"{LABEL}={address}"))
    kubectl("label", "nodes", "--all", f"{LABEL}-")


def advertising(account: str, **pod: Any) -> Json:
    """Fields of a cluster whose servers tell the address of their node."""
    repository, tag = images.own()
    image = {"bootconfigImage": repository, "bootconfigImageTag": tag}
    told = {"advertiseExternalIP": True, "enableClientsHostPort": True}
    return {
        "pod": {**told, **image, **pod},
        "template": {"spec": {"serviceAccountName": account}},
    }


@pytest.mark.parametrize("version", ["2.0.0", "2.9.25", NEXT])
def test_the_address_of_the_node_is_told(
    cluster: Apply, account: str, label: Callable[[str], None], version: str
) -> None:
    """Upstream's scenario 18: the label counts where the node has no ExternalIP."""
    label("127.0.0.1")
    gateway = {"name": "minikube", "hostPort": 32328, "rejectUnknown": True}
    remotes = [{"name": "minikube", "url": "nats://127.0.0.1:32328"}]
    found = cluster(
        "a",
        size=1,
        version=version,
        gatewayConfig=gateway | {"gateways": remotes},
        **advertising(account),
    ).ready()
    block = found.config()["gateway"]
    assert (block["name"], block["port"], block["reject_unknown"]) == ("minikube", 32328, True)
    said = found.log("a-1", "bootconfig")
    assert "advertise 127.0.0.1" in said
    assert LABEL in said
    assert 'Advertise address for gateway "minikube" is set to 127.0.0.1:32328' in found.log("a-1")
    assert user(found, "a-1").info()["host"] == "127.0.0.1"
    ports = found.pods()["a-1"]["spec"]["containers"][0]["ports"]
    assert {p["name"]: p.get("hostPort") for p in ports}["gateway"] == 32328


def test_a_node_without_an_address(
    cluster: Apply, account: str, label: Callable[[str], None]
) -> None:
    """The init container and the condition say what to do; then it goes on."""
    found = cluster("a", size=1, version=NEXT, **advertising(account))
    found.until_condition("Degraded", "True", "a-1", "container bootconfig", f"node1 {LABEL}=")

    def reason() -> str:
        """Why it failed; nothing while it starts once more."""
        said = found.log("a-1", "bootconfig")
        return said if "has no ExternalIP and no label" in said else ""

    said = until("the container says why", reason) or ""
    assert f"kubectl label node node1 {LABEL}=ADDRESS" in said
    label("10.1.2.3")
    found.ready(60)
    assert user(found, "a-1").info()["host"] == "10.1.2.3"


def test_the_internal_address_if_asked(cluster: Apply, account: str) -> None:
    """Gateways and leaf nodes are told it as well, and the node's port leads to them."""
    found = cluster(
        "a",
        size=1,
        version=NEXT,
        gatewayConfig={"name": "g", "hostPort": PORT},
        leafnodeConfig={"hostPort": 7422},
        **advertising(account, advertiseInternalIP=True, disableGatewaysHostPort=True),
    ).ready()
    node = found.pods()["a-1"]["status"]["hostIP"]
    assert user(found, "a-1").info()["host"] == node
    assert f'Advertise address for gateway "g" is set to {node}:{PORT}' in found.log("a-1")
    for port in (PORT, 7422):
        with socket.create_connection((node, port), 5) as connection:
            assert connection.recv(4).startswith(b"INFO")


def test_gateway_leaf_nodes_and_a_nats_operator(cluster: Apply, namespace: Kubectl) -> None:
    """Upstream's scenario 19, and the server runs: accounts are in its memory."""
    tree = Tree()
    namespace.apply(opaque("operator", {"op.jwt": tree.operator_jwt}))
    found = cluster(
        "a",
        size=1,
        version=NEXT,
        gatewayConfig={"name": "minikube", "hostPort": 32329, "rejectUnknown": True},
        leafnodeConfig={"hostPort": 4224},
        operatorConfig={
            "secret": "operator",
            "systemAccount": tree.system.public,
            "resolver": "MEMORY",
            "resolverPreload": tree.accounts,
        },
    ).ready()
    config = found.config()
    assert config["gateway"]["port"] == 32329
    assert config["leaf"]["port"] == 4224
    assert config["operator"] == "/etc/nats-operator/op.jwt"
    assert config["system_account"] == tree.system.public
    assert config["resolver"] == "MEMORY"
    assert not user(found).gets_in()
    assert user(found, login=tree.login).reaches("anything")
    assert not user(found, login=Tree().login).gets_in()
