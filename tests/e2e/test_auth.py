"""Users from Secrets and files, credentials of routes; and nobody gets in by accident."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.certificates import opaque
from tests.e2e.client import User, user
from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.conftest import Managing
from tests.e2e.kubectl import Json, Kubectl, until

Apply = Callable[..., Cluster]
pytestmark = pytest.mark.usefixtures("reaches_pods")

README: Json = {
    "users": [
        {"username": "user1", "password": "secret1"},
        {
            "username": "user2",
            "password": "secret2",
            "permissions": {"publish": ["hello.*"], "subscribe": ["hello.world"]},
        },
    ],
    "default_permissions": {"publish": ["SANDBOX.*"], "subscribe": ["PUBLIC.>"]},
}
AUTH = {"clientsAuthSecret": "nats-clients-auth", "clientsAuthTimeout": 5}


def users(content: Any, name: str = "nats-clients-auth") -> dict[str, Any]:
    """The Secret of `kubectl create secret generic nats-clients-auth --from-file=...`."""
    return opaque(name, {"clients-auth.json": json.dumps(content)})


def login(cluster: Cluster, name: str, password: str, server: str | None = None) -> User:
    """A client with a password."""
    return user(cluster, server, credentials={"user": name, "pass": password})


@pytest.mark.parametrize("version", ["2.0.0", "2.9.25", NEXT])
def test_users_of_a_secret(cluster: Apply, namespace: Kubectl, version: str) -> None:
    """The README's JSON: each user may do what it says, and nobody else gets in."""
    namespace.apply(users(README))
    found = cluster("a", size=2, version=version, auth=AUTH).ready()
    assert not user(found).gets_in()
    assert not login(found, "user1", "wrong").gets_in()
    assert login(found, "user2", "secret2").reaches("hello.world")
    assert not login(found, "user2", "secret2").reaches("PUBLIC.news")
    assert login(found, "user1", "secret1").gets_in()
    assert not login(found, "user1", "secret1").reaches("hello.world")


def test_a_changed_secret_reaches_running_servers(cluster: Apply, namespace: Kubectl) -> None:
    """Without a sidecar, by the system account: a removed user is out, the others stay."""
    namespace.apply(users(README))
    found = cluster("a", size=3, version=NEXT, auth=AUTH).ready()
    before = found.uids()
    namespace.apply(users({**README, "users": README["users"][1:]}))
    servers = sorted(before)
    until(
        "user1 is out everywhere",
        lambda: not any(login(found, "user1", "secret1", s).gets_in() for s in servers),
        120,
    )
    found.ready(120)
    assert all(login(found, "user2", "secret2", s).gets_in() for s in servers)
    assert found.uids() == before
    events = namespace("get", "events", "-o", "jsonpath={.items[*].message}")
    assert "reloaded: the users changed" in events


def test_below_2_10_a_changed_secret_restarts_one_server_after_the_other(
    cluster: Apply, namespace: Kubectl
) -> None:
    """There is no sidecar and no request that these servers know."""
    namespace.apply(users(README))
    found = cluster("a", size=2, version="2.9.25", auth=AUTH, lameDuckDurationSeconds=30).ready()
    before = found.uids()
    namespace.apply(users({"users": README["users"][1:]}))
    until("both are replaced", lambda: not set(found.uids().values()) & set(before.values()), 120)
    found.ready(120)
    assert not login(found, "user1", "secret1").gets_in()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not valid JSON"),
        ('{"users": [{"username": "u"}]}', "users[0]"),
        ('{"users": [], "acounts": {}}', "acounts"),
        ('{"users": [{"username": "u", "password": "p"}], "token": "t"}', "token and users"),
    ],
)
def test_users_that_cannot_be_used(
    cluster: Apply, namespace: Kubectl, content: str, words: str
) -> None:
    """No server starts, and the condition says what is wrong where, but no value."""
    namespace.apply(opaque("nats-clients-auth", {"clients-auth.json": content}))
    found = cluster("a", size=1, version=NEXT, auth=AUTH)
    found.until_condition("ConfigAccepted", "False", "nats-clients-auth", words)
    assert not found.pods()
    namespace.apply(users(README))
    found.ready()


def test_running_servers_keep_their_users_when_the_secret_breaks(
    cluster: Apply, namespace: Kubectl
) -> None:
    """Nobody is thrown out by a typing error; a server that dies comes back with the old users."""
    namespace.apply(users(README))
    found = cluster("a", size=2, version=NEXT, auth=AUTH).ready()
    namespace.apply(opaque("nats-clients-auth", {"clients-auth.json": "{"}))
    found.until_condition("Degraded", "True", "is not valid JSON")
    uid = found.uids()["a-1"]
    namespace("delete", "pod", "a-1", "--wait=false", "--grace-period=1")
    found.until_replaced("a-1", uid)
    until("a-1 is back", lambda: login(found, "user2", "secret2", "a-1").gets_in(), 60)
    assert not user(found, "a-1").gets_in()


def test_no_user_at_all_means_nobody(cluster: Apply, namespace: Kubectl) -> None:
    """An empty list does not open the doors."""
    namespace.apply(users({"users": []}))
    found = cluster("a", size=1, version=NEXT, auth=AUTH).ready()
    assert not user(found).gets_in()
    assert not login(found, "", "").gets_in()
    found.until_condition("ConfigAccepted", "True", "nobody", reason="NobodyAllowed")


def test_a_token(cluster: Apply, namespace: Kubectl) -> None:
    """Such servers have no system account, so a new token restarts them."""
    namespace.apply(users({"token": "s3cr3t-t0ken"}))
    found = cluster("a", size=1, version=NEXT, auth=AUTH, lameDuckDurationSeconds=30).ready()
    assert user(found, credentials={"auth_token": "s3cr3t-t0ken"}).gets_in()
    assert not user(found).gets_in()
    uid = found.uids()["a-1"]
    namespace.apply(users({"token": "an0ther"}))
    found.until_replaced("a-1", uid, 90)
    found.ready(120)
    assert user(found, credentials={"auth_token": "an0ther"}).gets_in()


def test_an_open_cluster_stays_open(cluster: Apply) -> None:
    """The operator's own account changes nothing for anybody."""
    found = cluster("a", size=2, version=NEXT).ready()
    assert user(found).reaches("anything")
    assert found.config()["accounts"]["$SYS"]["users"]


def test_credentials_of_routes_with_characters_of_urls(cluster: Apply, namespace: Kubectl) -> None:
    """They are escaped; a server without them gets no route."""
    odd = {"username": "ro:ute", "password": "p@ss/w?rd#1%"}
    namespace.apply(users(odd, "routes-auth"))
    auth = {"clusterAuthSecret": "routes-auth", "clusterAuthTimeout": 3}
    found = cluster("a", size=3, version=NEXT, auth=auth).ready()
    found.meshed(3, NEXT)
    assert found.config()["cluster"]["authorization"]["timeout"] == 3
    joins = cluster("b", size=1, version=NEXT, extraRoutes=[{"cluster": "a"}]).ready()

    def peers() -> set[str]:
        return {r["remote_id"] for r in joins.monitoring("b-1", "routez")["routes"] or []}

    until("b has routes to a", lambda: len(peers()) == 3, 30)


def test_users_of_a_file(cluster: Apply, namespace: Kubectl) -> None:
    """Upstream's scenario 13: the file is mounted from a Secret, below /etc/nats-config."""
    namespace.apply(opaque("files", {"auth.json": json.dumps({"users": README["users"][:1]})}))
    found = cluster(
        "a",
        size=1,
        version=NEXT,
        auth={"clientsAuthFile": "authconfig/auth.json"},
        pod={"volumeMounts": [{"name": "auth", "mountPath": "/etc/nats-config/authconfig"}]},
        template={"spec": {"volumes": [{"name": "auth", "secret": {"secretName": "files"}}]}},
    ).ready()
    assert login(found, "user1", "secret1").gets_in()
    assert not user(found).gets_in()


def test_passwords_are_told_nowhere(cluster: Apply, namespace: Kubectl, operator: Managing) -> None:
    """Not in logs, events, statuses, annotations or metrics."""
    planted = "pl4nted-pa55word"
    namespace.apply(users({"users": [{"username": "u", "password": planted}]}))
    found = cluster("a", size=1, version=NEXT, auth=AUTH).ready()
    broken = {"users": [{"username": "u", "password": f"{planted}-2"}, {"nkey": "x"}]}
    namespace.apply(users(broken))
    found.until_condition("Degraded", "True", "nats-clients-auth")
    told = [
        operator.tail(None),
        operator.metrics(),
        namespace("get", "events,nats,pods,services", "-o", "yaml"),
        namespace("logs", "a-1"),
    ]
    assert not any(planted in text for text in told)
