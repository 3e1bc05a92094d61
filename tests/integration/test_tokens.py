"""Tokens of ServiceAccounts against a real API server (nobody collects garbage here)."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from natsctl.kube.client import Client
from natsctl.kube.errors import NotFound
from natsctl.kube.resources import CLUSTERS, PODS, ROLES, SECRETS, Resource
from tests.integration.conftest import exists, nats, operator, until
from tests.integration.proxy import Proxy

ACCOUNTS = Resource("ServiceAccount", "v1", "serviceaccounts", PODS.projection)
SECRET = "worker-x-bound-token"
AUTH = {"enableServiceAccounts": True}


async def account(client: Client, namespace: str, name: str = "worker") -> None:
    meta = {"name": name, "namespace": namespace}
    await client.create(ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})


async def role(client: Client, namespace: str, name: str = "worker") -> None:
    meta = {"name": name, "namespace": namespace, "labels": {"nats_cluster": "x"}}
    spec = {"permissions": {"publish": ["a"]}}
    body = {"apiVersion": "nats.io/v1alpha2", "kind": "NatsServiceRole", "metadata": meta}
    await client.create(ROLES, body | {"spec": spec})


async def token(client: Client, namespace: str) -> dict[str, str]:
    """What the Secret holds; empty without a token."""
    try:
        data = (await client.raw(SECRETS, namespace, SECRET)).get("data") or {}
    except NotFound:
        return {}
    return {k: base64.b64decode(v).decode() for k, v in data.items()} if "token" in data else {}


async def told(client: Client, namespace: str) -> dict[str, Any]:
    """The role's status."""
    status: dict[str, Any] = (await client.raw(ROLES, namespace, "worker")).get("status") or {}
    return status


async def delete(client: Client, resource: Resource, namespace: str, name: str) -> None:
    found = await client.get(resource, namespace, name)
    await client.delete(resource, namespace, name, found.metadata.uid)


async def test_accounts_before_and_after_their_role(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    await account(client, namespace)
    async with operator(kubeconfig, namespace, cluster_scoped=True):
        await client.create(CLUSTERS, nats("x", namespace, size=1, auth=AUTH))
        await role(client, namespace)
        first = await until(lambda: token(client, namespace))
        await account(client, other_namespace)
        second = await until(lambda: token(client, other_namespace))
        assert (first["username"], second["username"]) == ("worker", f"worker_{other_namespace}")
        where = {
            (s["namespace"], s["user"])
            for s in (await until(lambda: _both(client, namespace)))["serviceAccounts"]
        }
        assert where == {(namespace, "worker"), (other_namespace, f"worker_{other_namespace}")}
        await delete(client, ACCOUNTS, namespace, "worker")
        await until(lambda: _gone(client, namespace))
        await delete(client, ROLES, namespace, "worker")
        await until(lambda: _gone(client, other_namespace))


async def _both(client: Client, namespace: str) -> dict[str, Any] | None:
    status = await told(client, namespace)
    return status if len(status.get("serviceAccounts") or []) == 2 else None


async def _gone(client: Client, namespace: str) -> bool:
    return not await exists(client, SECRETS, namespace, SECRET)


async def test_a_deleted_secret_means_a_new_token(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    await account(client, namespace)
    await role(client, namespace)
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1, auth=AUTH))
        first = await until(lambda: token(client, namespace))
        await delete(client, SECRETS, namespace, SECRET)

        async def renewed() -> bool:
            found = await token(client, namespace)
            return bool(found) and found["token"] != first["token"]

        await until(renewed)


async def test_a_namespaced_operator_says_what_it_cannot_see(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    await account(client, other_namespace)
    await role(client, namespace)
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1, auth=AUTH))

        async def says() -> bool:
            conditions = (await told(client, namespace)).get("conditions") or [{}]
            return f"only those in namespace {namespace}" in conditions[0].get("message", "")

        await until(says)
        assert not await exists(client, SECRETS, other_namespace, SECRET)


async def test_a_secret_of_that_name_that_is_not_ours_is_left_alone(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    foreign = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": namespace},
        "data": {"token": "eA=="},
    }
    await client.create(SECRETS, foreign)
    await account(client, namespace)
    await role(client, namespace)
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1, auth=AUTH))

        async def says() -> bool:
            condition, *_ = (await told(client, namespace)).get("conditions") or [{}]
            return condition.get("reason") == "NotLetIn" and SECRET in condition["message"]

        await until(says)
        assert (await client.raw(SECRETS, namespace, SECRET))["data"] == {"token": "eA=="}


async def test_the_status_of_a_role_is_written_once(
    client: Client, namespace: str, proxy: Proxy
) -> None:
    """At rest, tokens and foreign Secrets cost nothing."""
    await account(client, namespace)
    await role(client, namespace)
    async with operator(proxy.kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=0, auth=AUTH))
        await until(lambda: token(client, namespace))

        async def matched() -> bool:
            return bool((await told(client, namespace)).get("serviceAccounts"))

        await until(matched)
        await until(lambda: exists(client, SECRETS, namespace, "x"))
        await asyncio.sleep(2)
        proxy.writes.clear()
        proxy.reads.clear()
        await asyncio.sleep(4)
        assert [r for r in proxy.writes + proxy.reads if "/leases" not in r[1]] == []
