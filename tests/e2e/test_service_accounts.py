"""Users made from NatsServiceRoles and ServiceAccounts."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.certificates import opaque
from tests.e2e.client import User, user
from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.conftest import NewNamespace
from tests.e2e.kubectl import Json, Kubectl, KubectlFailed, until

Apply = Callable[..., Cluster]
pytestmark = pytest.mark.usefixtures("reaches_pods")
AUTH = {"enableServiceAccounts": True}


def account(name: str) -> Json:
    """A ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}


def role(name: str, cluster: str, **permissions: Any) -> Json:
    """A NatsServiceRole."""
    return {
        "apiVersion": "nats.io/v1alpha2",
        "kind": "NatsServiceRole",
        "metadata": {"name": name, "labels": {"nats_cluster": cluster}},
        "spec": {"permissions": permissions},
    }


def token(kubectl: Kubectl, secret: str) -> dict[str, str]:
    """What a bound-token Secret holds; empty until it holds something."""
    try:
        data = kubectl.get("secret", secret).get("data") or {}
    except KubectlFailed:
        return {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def bound(kubectl: Kubectl, secret: str) -> dict[str, str]:
    """The same, once there is a token."""

    def held() -> dict[str, str]:
        found = token(kubectl, secret)
        return found if found.get("token") else {}

    return until(f"{secret} has a token", held)


def credentials(told: dict[str, str]) -> dict[str, str]:
    return {"user": told["username"], "pass": told["token"]}


def login(cluster: Cluster, told: dict[str, str]) -> User:
    """A client that mounts such a Secret."""
    return user(cluster, credentials=credentials(told))


def logins(cluster: Cluster, told: dict[str, str]) -> list[User]:
    """The same, of each server: one may have taken a change up before another."""
    shown = credentials(told)
    return [user(cluster, server, credentials=shown) for server in sorted(cluster.pods())]


@pytest.mark.parametrize("version", ["2.9.25", NEXT])
def test_the_readme(cluster: Apply, namespace: Kubectl, version: str) -> None:
    """An admin and a user, each with its own Secret, password and permissions."""
    namespace.apply(
        account("nats-admin-user"),
        account("nats-user"),
        role("nats-user", "example-nats", publish=["foo.*", "foo.bar.quux"], subscribe=["foo.bar"]),
        role("nats-admin-user", "example-nats", publish=[">"], subscribe=[">"]),
    )
    found = cluster("example-nats", size=3, version=version, auth=AUTH).ready()
    admin = bound(namespace, "nats-admin-user-example-nats-bound-token")
    plain = bound(namespace, "nats-user-example-nats-bound-token")
    assert plain["username"] == "nats-user"
    assert login(found, admin).reaches("hello.world")
    assert login(found, plain).reaches("foo.bar")
    assert not login(found, plain).reaches("hello.world")
    assert not login(found, {**admin, "token": plain["token"]}).gets_in()
    assert not user(found).gets_in()
    claims = json.loads(base64.urlsafe_b64decode(plain["token"].split(".")[1] + "=="))
    where = namespace.namespace
    assert claims["aud"] == [f"nats://example-nats.{where}.svc"]
    assert claims["kubernetes.io"]["secret"]["name"] == "nats-user-example-nats-bound-token"
    told = namespace.get("natsserviceroles", "nats-user")["status"]
    assert told["conditions"][0]["status"] == "True"
    assert told["serviceAccounts"][0]["user"] == "nats-user"


def test_accounts_and_roles_come_and_go(cluster: Apply, namespace: Kubectl) -> None:
    """Nobody at first; each change reaches the running servers, which are never restarted."""
    found = cluster("a", size=2, version=NEXT, auth=AUTH).ready()
    before = found.uids()
    assert not user(found).gets_in()
    found.until_condition("ConfigAccepted", "True", "no ServiceAccount", reason="NobodyAllowed")
    namespace.apply(role("worker", "a", publish=["jobs"], subscribe=["jobs"]))
    until(
        "the role says why nobody",
        lambda: (
            "ServiceAccount worker does not exist"
            in json.dumps(namespace.get("natsserviceroles", "worker").get("status", {}))
        ),
    )
    namespace.apply(account("worker"))
    told = bound(namespace, "worker-a-bound-token")
    until("worker gets in", lambda: all(at.gets_in() for at in logins(found, told)), 120)
    namespace.apply(role("worker", "a", publish=["other"], subscribe=["other"]))
    servers = logins(found, told)
    until("the new rights count", lambda: all(at.reaches_by_now("other") for at in servers), 120)
    assert not any(at.reaches("jobs") for at in servers)
    namespace("delete", "natsserviceroles", "worker")
    until("worker is out", lambda: not any(at.gets_in() for at in servers), 120)
    until("its Secret is gone", lambda: not token(namespace, "worker-a-bound-token"), 60)
    found.ready(120)
    assert found.uids() == before


def test_deleting_secret_or_account_revokes(cluster: Apply, namespace: Kubectl) -> None:
    """Without the Secret there is a new token; without the account there is none."""
    namespace.apply(account("worker"), role("worker", "a", publish=[">"], subscribe=[">"]))
    found = cluster("a", size=1, version=NEXT, auth=AUTH).ready()
    first = bound(namespace, "worker-a-bound-token")
    until("worker gets in", lambda: login(found, first).gets_in(), 60)
    namespace("delete", "secret", "worker-a-bound-token")
    second = bound(namespace, "worker-a-bound-token")
    assert second["token"] != first["token"]
    until("the old token is worth nothing", lambda: not login(found, first).gets_in(), 120)
    until("the new one is", lambda: login(found, second).gets_in(), 120)
    namespace("delete", "serviceaccount", "worker")
    until("worker is out", lambda: not login(found, second).gets_in(), 120)
    until("its Secret is gone", lambda: not token(namespace, "worker-a-bound-token"), 60)


def test_accounts_of_other_namespaces(
    cluster: Apply, namespace: Kubectl, new_namespace: NewNamespace
) -> None:
    """The same name twice: both get in, the other one as <role>_<namespace>."""
    other = new_namespace()
    namespace.apply(account("worker"), role("worker", "a", publish=[">"], subscribe=[">"]))
    other.apply(account("worker"))
    found = cluster("a", size=1, version=NEXT, auth=AUTH).ready()
    here = bound(namespace, "worker-a-bound-token")
    there = bound(other, "worker-a-bound-token")
    assert here["username"] == "worker"
    assert there["username"] == f"worker_{other.namespace}"
    for told in (here, there):
        until("it gets in", login(found, told).gets_in, 120)
    namespace("delete", "natsserviceroles", "worker")
    until("the other's Secret is gone too", lambda: not token(other, "worker-a-bound-token"), 60)


def test_static_users_only_if_asked_for(cluster: Apply, namespace: Kubectl) -> None:
    """Upstream ignored them beside ServiceAccounts, so no old manifest opens up."""
    content = json.dumps({"users": [{"username": "static", "password": "pa55"}]})
    namespace.apply(
        opaque("users", {"clients-auth.json": content}),
        account("worker"),
        role("worker", "a", publish=[">"], subscribe=[">"]),
    )
    auth = AUTH | {"clientsAuthSecret": "users"}
    found = cluster("a", size=1, version=NEXT, auth=auth).ready()
    told = bound(namespace, "worker-a-bound-token")
    static = user(found, credentials={"user": "static", "pass": "pa55"})
    assert not static.gets_in()
    found.patch(auth={"allowStaticUsers": True})
    until("the static user gets in", static.gets_in, 120)
    assert login(found, told).gets_in()


def test_a_token_is_renewed_before_it_ends(cluster: Apply, namespace: Kubectl) -> None:
    """Clients find the new one at once; servers take the old one until clients have the new."""
    namespace.apply(account("worker"), role("worker", "a", publish=[">"], subscribe=[">"]))
    auth = AUTH | {"serviceAccountTokenSeconds": 600}
    found = cluster("a", size=1, version=NEXT, auth=auth).ready()
    first = bound(namespace, "worker-a-bound-token")
    until("worker gets in", lambda: login(found, first).gets_in(), 60)
    secret = "secret/worker-a-bound-token"
    due = {"nats.io/token-renew-after": "2020-01-01T00:00:00Z"}
    namespace.patch(secret, {"metadata": {"annotations": due}})
    second = until(
        "there is a new token",
        lambda: (t := token(namespace, "worker-a-bound-token"))["token"] != first["token"] and t,
    )
    assert second
    assert second["previous-token"] == first["token"]
    assert login(found, first).gets_in()
    switch = {"nats.io/token-switch-at": "2020-01-01T00:00:00Z"}
    namespace.patch(secret, {"metadata": {"annotations": switch}})
    until("the new token counts", lambda: login(found, second).gets_in(), 120)
    until("the old one does not", lambda: not login(found, first).gets_in(), 120)


def test_deny_and_responses(cluster: Apply, namespace: Kubectl) -> None:
    """What roles may say beyond upstream's lists."""
    namespace.apply(
        account("worker"),
        role(
            "worker",
            "a",
            publish=[">"],
            subscribe=[">", "jobs workers"],
            deny={"publish": ["admin.>"]},
        ),
    )
    found = cluster("a", size=1, version=NEXT, auth=AUTH).ready()
    told = bound(namespace, "worker-a-bound-token")
    until("worker gets in", lambda: login(found, told).gets_in(), 60)
    assert login(found, told).reaches("jobs")
    assert not login(found, told).reaches("admin.x")
