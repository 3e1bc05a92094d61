"""What a tenant of another namespace may try on the users of a cluster, on a real API server."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from natsctl.controllers.cluster.identity import SECRET as OPERATOR_SECRET
from natsctl.controllers.watch.stores import open_stores, token_readers
from natsctl.kube.client import JSON_PATCH, Client
from natsctl.kube.errors import Terminal
from natsctl.kube.resources import CLUSTERS, PODS, ROLES, SECRETS
from natsctl.kube.transport import Transport
from natsctl.model.bound_tokens import SEAL
from natsctl.plan.service_accounts.seals import labels_of
from tests.integration.conftest import condition, exists, nats, operator, until
from tests.integration.proxy import Proxy
from tests.integration.test_tokens import AUTH, SECRET, account, delete, role, token, told

SEAL_PATH = f"/metadata/annotations/{SEAL.replace('/', '~1')}"


def secret(namespace: str, name: str = SECRET, **parts: Any) -> dict[str, Any]:
    """A Secret that a tenant makes; `parts` are labels, annotations and data."""
    data = {k: base64.b64encode(v.encode()).decode() for k, v in parts.pop("data", {}).items()}
    meta = {"name": name, "namespace": namespace, **parts}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}


async def users(client: Client, namespace: str) -> dict[str, str]:
    """Names and passwords of the users of cluster x."""
    if not await exists(client, SECRETS, namespace, "x"):
        return {}
    data = (await client.raw(SECRETS, namespace, "x"))["data"]
    conf = json.loads(base64.b64decode(data["nats.conf"]))
    found = conf["authorization"].get("users") or ()  # none: nobody gets in
    return {u["username"]: u["password"] for u in found if "username" in u and "password" in u}


async def version(client: Client, namespace: str, name: str) -> str:
    found = await client.get(SECRETS, namespace, name)
    return found.metadata.resource_version


async def lets_in(client: Client, namespace: str, *names: str) -> dict[str, str]:
    """Wait until these users are in, and no other."""

    async def exactly() -> tuple[dict[str, str]] | None:
        found = await users(client, namespace)
        return (found,) if set(found) == set(names) else None

    (found,) = await until(exactly)
    return dict(found)


async def test_a_role_of_another_namespace_adds_nobody(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    """Labels of strangers name a cluster as they like."""
    await account(client, namespace)
    await account(client, other_namespace, "intruder")
    await account(client, other_namespace)
    for name in ("intruder", "worker"):
        await role(client, other_namespace, name)
        label = {"metadata": {"labels": {"nats.io/cluster-namespace": namespace}}}
        await client.patch(ROLES, other_namespace, name, label)
    await role(client, namespace)
    async with operator(kubeconfig, namespace, cluster_scoped=True):
        await client.create(CLUSTERS, nats("x", namespace, size=1, auth=AUTH))
        await lets_in(client, namespace, "worker", f"worker_{other_namespace}")
        await asyncio.sleep(1)
        await lets_in(client, namespace, "worker", f"worker_{other_namespace}")
        assert not await exists(client, SECRETS, other_namespace, "intruder-x-bound-token")


async def test_a_secret_made_before_decides_nothing(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    """Its labels say that it is ours: it gets a token, and what was in it counts for nothing."""
    chosen = {"token": "hunter2", "previous-token": "hunter3\x00\n", "junk": "x" * 700_000}
    labels = labels_of(namespace, "x")
    await client.create(SECRETS, secret(other_namespace, labels=labels, data=chosen))
    await account(client, other_namespace)
    await role(client, namespace)
    async with operator(kubeconfig, namespace, cluster_scoped=True):
        await client.create(CLUSTERS, nats("x", namespace, size=1, auth=AUTH))
        found = await lets_in(client, namespace, f"worker_{other_namespace}")
        assert found[f"worker_{other_namespace}"].count(".") == 2
        assert (await token(client, other_namespace)).get("previous-token") is None
        await until(lambda: exists(client, PODS, namespace, "x-1"))


async def test_a_secret_in_the_way_costs_its_own_account_only(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    """An immutable one with our labels, too, cannot be written over."""
    locked = secret(other_namespace, labels=labels_of(namespace, "x"), data={"token": "t"})
    await client.create(SECRETS, locked | {"immutable": True})
    for where in (namespace, other_namespace):
        await account(client, where)
    await role(client, namespace)
    async with operator(kubeconfig, namespace, cluster_scoped=True):
        await client.create(CLUSTERS, nats("x", namespace, size=1, auth=AUTH))
        await lets_in(client, namespace, "worker")
        await until(lambda: exists(client, PODS, namespace, "x-1"))

        async def says() -> bool:
            (found, *_) = (await told(client, namespace)).get("conditions") or [{}]
            return found.get("reason") == "NotLetIn" and other_namespace in found["message"]

        await until(says)

        async def remarks() -> bool:
            found = await condition(client, namespace, "x", "ConfigAccepted")
            return (found["status"], found["reason"]) == ("True", "TokensNotMade")

        await until(remarks)
        assert (await condition(client, namespace, "x", "Degraded"))["status"] == "False"


async def test_whoever_edits_a_sealed_secret_does_not_choose_the_password(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    for where in (namespace, other_namespace):
        await account(client, where)
    await role(client, namespace)
    async with operator(kubeconfig, namespace, cluster_scoped=True):
        await client.create(CLUSTERS, nats("x", namespace, size=1, auth=AUTH))
        stranger = f"worker_{other_namespace}"
        before = await lets_in(client, namespace, "worker", stranger)
        chosen = {"data": {"token": base64.b64encode(b"hunter2").decode()}}
        await client.patch(SECRETS, other_namespace, SECRET, chosen)

        async def renewed() -> bool:
            found = await token(client, other_namespace)
            now = await users(client, namespace)
            return found["token"] != "hunter2" and now.get(stranger) == found["token"]

        await until(renewed, 40)
        after = await users(client, namespace)
        assert after["worker"] == before["worker"]
        assert "hunter2" not in after.values()


async def test_tokens_without_a_seal_are_sealed_and_count_on(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    """After an upgrade from a version that sealed none, and after the operator's key was lost."""
    for where in (namespace, other_namespace):
        await account(client, where)
    await role(client, namespace)
    async with operator(kubeconfig, namespace, cluster_scoped=True):
        await client.create(CLUSTERS, nats("x", namespace, size=0, auth=AUTH))
        before = await lets_in(client, namespace, "worker", f"worker_{other_namespace}")
    for where in (namespace, other_namespace):
        broken = [{"op": "replace", "path": SEAL_PATH, "value": "{}"}]
        await client.patch(SECRETS, where, SECRET, broken, JSON_PATCH)
    await delete(client, SECRETS, namespace, OPERATOR_SECRET)
    async with operator(kubeconfig, namespace, cluster_scoped=True):

        async def sealed() -> bool:
            found = [await client.get(SECRETS, w, SECRET) for w in (namespace, other_namespace)]
            return all(s.metadata.annotation(SEAL) != "{}" for s in found)

        await until(sealed)
        await asyncio.sleep(1)
        assert await users(client, namespace) == before
        for where in (namespace, other_namespace):
            found = await token(client, where)
            assert found["token"] in before.values()
            assert "previous-token" not in found


async def test_other_peoples_candidates_wake_nobody_and_are_not_kept(
    client: Client, transport: Transport, namespace: str, other_namespace: str, proxy: Proxy
) -> None:
    """However many there are, and whatever their labels and annotations say."""
    await account(client, namespace)
    await role(client, namespace)
    async with operator(proxy.kubeconfig, namespace, cluster_scoped=True):
        await client.create(CLUSTERS, nats("x", namespace, size=0, auth=AUTH))
        await lets_in(client, namespace, "worker")
        await asyncio.sleep(2)
        seal = (await client.get(SECRETS, namespace, SECRET)).metadata.annotation(SEAL)
        proxy.writes.clear()
        proxy.reads.clear()
        for number in range(60):
            name = SECRET if number == 0 else f"r{number}-x-bound-token"
            body = secret(
                other_namespace,
                name,
                labels=labels_of(namespace, "x"),
                annotations={SEAL: seal},
                data={"token": "x" * 1000},
            )
            await client.create(SECRETS, body)
        await asyncio.sleep(2)
        assert [r for r in proxy.writes + proxy.reads if "/leases" not in r[1]] == []
    stores = open_stores(lambda key: None)
    (reader,) = token_readers(transport, stores, None, b"another key")
    reading = asyncio.create_task(reader.run())
    await reader.synced.wait()
    reading.cancel()
    assert len(stores.tokens) == 0


async def test_names_of_roles_and_accounts_have_no_underscore(
    client: Client, namespace: str
) -> None:
    """Which is why role `a_b` and role `a` of a ServiceAccount in namespace `b` never meet."""
    for make in (role, account):
        with pytest.raises(Terminal) as refused:
            await make(client, namespace, "a_b")
        assert refused.value.status == 422
