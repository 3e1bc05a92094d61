"""What is not ours, watched at a real API server: followed where named, not kept elsewhere."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from natsctl.controllers.watch.secret_cache import SecretCache
from natsctl.controllers.watch.service_accounts import ServiceAccounts
from natsctl.kube.client import Client
from natsctl.kube.reflector import Reflector
from natsctl.kube.resources import (
    ACCOUNTS_METADATA,
    CLUSTERS,
    PODS,
    SECRETS,
    SECRETS_METADATA,
    Resource,
)
from natsctl.kube.store import Key
from natsctl.model.objects import Object
from tests.integration.conftest import condition, exists, nats, operator, until
from tests.integration.proxy import Proxy
from tests.unit.plan.references import tls_secret

ACCOUNTS = Resource("ServiceAccount", "v1", "serviceaccounts", PODS.projection)
FOREIGN, AT_ONCE = 5000, 50


async def secret(client: Client, namespace: str, name: str, text: str = "x") -> None:
    meta = {"name": name, "namespace": namespace}
    data = {"auth.json": base64.b64encode(text.encode()).decode()}
    await client.create(
        SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": meta} | {"data": data}
    )


async def account(client: Client, namespace: str, name: str) -> None:
    meta = {"name": name, "namespace": namespace}
    await client.create(ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})


async def crowd(client: Client, namespace: str) -> None:
    """Thousands of Secrets and ServiceAccounts that no cluster names."""

    async def some(first: int) -> None:
        for number in range(first, FOREIGN, AT_ONCE):
            await secret(client, namespace, f"foreign-{number}")
            await account(client, namespace, f"foreign-{number}")

    async with asyncio.TaskGroup() as group:
        for first in range(AT_ONCE):
            group.create_task(some(first))


@asynccontextmanager
async def watching(*readers: Reflector[Object]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    try:
        for reader in readers:
            await reader.synced.wait()
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("first", [True, False], ids=["listed", "watched"])
async def test_thousands_that_are_not_ours_are_not_kept_and_wake_nobody(
    client: Client, namespace: str, first: bool
) -> None:
    woken: list[Key] = []
    references, accounts = SecretCache(woken.append), ServiceAccounts(woken.append, (namespace,))
    cluster, key = (namespace, "x"), (namespace, "users")
    await secret(client, namespace, "users")
    await account(client, namespace, "worker")
    references.name(cluster, frozenset([key]))
    held = await references.read(client, key)
    found = await accounts.find(client.transport, cluster, frozenset(["worker"]))
    assert held is not None
    woken.clear()  # the list itself told of what was found
    if first:
        await crowd(client, namespace)
    readers = (
        Reflector(client.transport, SECRETS_METADATA, references, namespace),
        Reflector(client.transport, ACCOUNTS_METADATA, accounts, namespace),
    )
    async with watching(*readers):
        if not first:
            await crowd(client, namespace)
        await client.patch(SECRETS, namespace, "users", {"data": {"more": "eA=="}})

        async def told() -> bool:
            return bool(woken)

        await until(told)
        again = await references.read(client, key)
        assert again is not None
        assert set(again.data or {}) == {"auth.json", "more"}
        assert set(woken) == {cluster}
        assert (len(woken), len(references), len(accounts)) == (1, 1, 1)
        assert len(references._held) + len(references._versions) <= 2
        assert await accounts.find(client.transport, cluster, frozenset(["worker"])) == found


async def test_a_cluster_waits_for_a_secret_and_follows_it(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    async def reason(wanted: str) -> bool:
        return (await condition(client, namespace, "x", "ConfigAccepted")).get("reason") == wanted

    async def configured(text: str) -> bool:
        data = (await client.raw(SECRETS, namespace, "x"))["data"]
        return any(text in base64.b64decode(value).decode() for value in data.values())

    auth = {"clientsAuthSecret": "users"}
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1, auth=auth))
        await until(lambda: reason("Waiting"))
        assert not await exists(client, SECRETS, namespace, "x")
        assert not await exists(client, PODS, namespace, "x-1")
        await secret(client, namespace, "users", '{"users": [{"username": "a", "password": "b"}]}')
        await until(lambda: exists(client, PODS, namespace, "x-1"))
        assert await configured('"a"')
        other = base64.b64encode(b'{"users": [{"username": "zed", "password": "b"}]}').decode()
        await client.patch(SECRETS, namespace, "users", {"data": {"auth.json": other}})
        await until(lambda: configured('"zed"'))
        held = await client.get(SECRETS, namespace, "users")
        await client.delete(SECRETS, namespace, "users", held.metadata.uid)
        await until(lambda: reason("Waiting"))
        assert await configured('"zed"')
        assert await exists(client, PODS, namespace, "x-1")


async def test_at_rest_users_and_certificates_cost_no_request(
    client: Client, namespace: str, proxy: Proxy
) -> None:
    await secret(client, namespace, "users", '{"users": [{"username": "a", "password": "b"}]}')
    meta = {"name": "certs", "namespace": namespace}
    data = tls_secret("certs", f"*.x-mgmt.{namespace}.svc").data
    certs = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}
    await client.create(SECRETS, certs)
    spec = {"auth": {"clientsAuthSecret": "users"}, "tls": {"serverSecret": "certs"}}
    async with operator(proxy.kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=0, **spec))

        async def ready() -> bool:
            return (await condition(client, namespace, "x", "Ready")).get("status") == "True"

        await until(ready)
        status = (await client.raw(CLUSTERS, namespace, "x"))["status"]
        assert [c["secret"] for c in status["certificates"]] == ["certs"]
        await asyncio.sleep(2)
        proxy.writes.clear()
        proxy.reads.clear()
        await asyncio.sleep(4)
        assert [r for r in proxy.writes + proxy.reads if "/leases" not in r[1]] == []
