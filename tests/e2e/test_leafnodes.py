"""Clusters that are leaf nodes of others."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.e2e.certificates import Authority, opaque
from tests.e2e.client import passes, user
from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.jwts import Tree
from tests.e2e.kubectl import Json, Kubectl

Apply = Callable[..., Cluster]
PORT = 7422
pytestmark = pytest.mark.usefixtures("reaches_pods")
LISTENS = {"leafnodeConfig": {"hostPort": PORT}, "pod": {"disableLeafnodesHostPort": True}}


def spoke_of(*urls: str, **remote: str) -> Json:
    """Fields of a cluster that connects to a hub: one URL as `url`, several as `urls`."""
    places: Json = {"url": urls[0]} if len(urls) == 1 else {"urls": list(urls)}
    return {"leafnodeConfig": {"remotes": [{**places, **remote}]}}


def hub_url(namespace: Kubectl, login: str = "", scheme: str = "nats") -> str:
    """The headless Service of the cluster `hub`."""
    return f"{scheme}://{login}hub-mgmt.{namespace.namespace}.svc:{PORT}"


def leafs(cluster: Cluster) -> list[Json]:
    """What a cluster's servers say of their leaf connections."""
    found: list[Json] = []
    for pod in cluster.uids():
        found += cluster.monitoring(pod, "leafz").get("leafs") or []
    return found


@pytest.mark.parametrize("version", ["2.0.0", "2.9.25", NEXT])
def test_a_message_passes_both_ways(cluster: Apply, namespace: Kubectl, version: str) -> None:
    """A hub that asks for a password, and a spoke that has it in its URL."""
    login = {"user": "leaf", "pass": "secret"}
    users = {"users": [{"username": "leaf", "password": "secret"}]}
    namespace.apply(opaque("users", {"auth.json": json.dumps(users)}))
    auth = {"clientsAuthSecret": "users"}
    hub = cluster("hub", size=1, version=version, auth=auth, **LISTENS).ready()
    remote = spoke_of(hub_url(namespace, "leaf:secret@"))
    spoke = cluster("spoke", size=1, version=version, **remote).ready()
    passes(user(hub, credentials=login), user(spoke))
    passes(user(spoke), user(hub, credentials=login))
    (container,) = hub.pods()["hub-1"]["spec"]["containers"]
    assert {"name": "leaf", "containerPort": PORT, "protocol": "TCP"} in container["ports"]


def test_each_server_of_the_spoke_is_a_leaf_of_one_of_the_hub(
    cluster: Apply, namespace: Kubectl
) -> None:
    """The hub's servers are named one by one; one that is not there does no harm."""
    urls = [f"nats://hub-{i}.hub-mgmt.{namespace.namespace}.svc:{PORT}" for i in (1, 2, 3)]
    hub = cluster("hub", size=2, version=NEXT, **LISTENS).ready()
    spoke = cluster("spoke", size=2, version=NEXT, **spoke_of(*urls)).ready()
    passes(user(hub, "hub-2"), user(spoke, "spoke-1"))
    passes(user(spoke, "spoke-2"), user(hub, "hub-1"))
    assert len(leafs(spoke)) == len(leafs(hub)) == 2


def test_a_hub_with_certificates(cluster: Apply, namespace: Kubectl) -> None:
    """A spoke trusts the hub's CA where its environment names it; another spoke does not."""
    ca, where = Authority(), namespace.namespace
    namespace.apply(
        ca.secret("leafs-tls", f"hub-mgmt.{where}.svc", f"*.hub-mgmt.{where}.svc"),
        opaque("hub-ca", {"ca.crt": ca.pem}),
    )
    tls = {"leafnodeSecret": "leafs-tls", "leafnodesTLSTimeout": 5}
    hub = cluster("hub", size=1, version=NEXT, tls=tls, **LISTENS).ready()
    block = hub.config()["leaf"]["tls"]
    assert block["cert_file"] == "/etc/nats-leafnodes-tls-certs/server.pem"
    assert block["timeout"] == 5
    remote = spoke_of(hub_url(namespace, scheme="tls"))
    spoke = cluster(
        "spoke",
        size=1,
        version=NEXT,
        pod={
            "natsEnv": [{"name": "SSL_CERT_FILE", "value": "/etc/hub-ca/ca.crt"}],
            "volumeMounts": [{"name": "hub-ca", "mountPath": "/etc/hub-ca"}],
        },
        template={"spec": {"volumes": [{"name": "hub-ca", "secret": {"secretName": "hub-ca"}}]}},
        **remote,
    ).ready()
    stranger = cluster("stranger", size=1, version=NEXT, **remote).ready()
    passes(user(hub), user(spoke))
    assert len(leafs(hub)) == 1
    assert not leafs(stranger)
    assert "certificate" in stranger.log("stranger-1")


@pytest.mark.parametrize("version", ["2.9.25", NEXT])
def test_credentials_of_a_hub_with_accounts(
    cluster: Apply, namespace: Kubectl, version: str
) -> None:
    """The spoke shows a credentials file, which comes from a Secret."""
    tree = Tree()
    namespace.apply(
        opaque("operator", {"op.jwt": tree.operator_jwt}),
        opaque("hub-user", {"user.creds": tree.credentials}),
    )
    accounts = {
        "secret": "operator",
        "systemAccount": tree.system.public,
        "resolver": "MEMORY",
        "resolverPreload": tree.accounts,
    }
    hub = cluster("hub", size=1, version=version, operatorConfig=accounts, **LISTENS).ready()
    volume = {"name": "creds", "secret": {"secretName": "hub-user"}}
    spoke = cluster(
        "spoke",
        size=1,
        version=version,
        pod={"volumeMounts": [{"name": "creds", "mountPath": "/etc/nats-creds"}]},
        template={"spec": {"volumes": [volume]}},
        **spoke_of(hub_url(namespace), credentials="/etc/nats-creds/user.creds"),
    ).ready()
    passes(user(hub, login=tree.login), user(spoke))
    passes(user(spoke), user(hub, login=tree.login))
    (leaf,) = leafs(hub)
    assert leaf["account"] == tree.account.public
