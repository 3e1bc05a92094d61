"""Two installations that see the same clusters, and one that watches several namespaces."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import msgspec
import pytest

from natsctl.kube.client import Client
from natsctl.kube.resources import CLUSTERS, EVENTS, PODS
from tests.integration.conftest import children, nats, operator, until
from tests.integration.test_tokens import AUTH, account, role, token

ANNOTATION = "nats.io/operator"


async def holder(client: Client, namespace: str, name: str) -> str:
    status = (await client.raw(CLUSTERS, namespace, name)).get("status") or {}
    return str(status.get("operator", ""))


async def held_by(client: Client, namespace: str, name: str, installation: str) -> None:
    async def check() -> bool:
        return await holder(client, namespace, name) == f"{installation}/nats-operator"

    await until(check)


async def said(client: Client, namespace: str, reason: str) -> list[str]:
    reply = await client.transport.request("GET", EVENTS.path(namespace))
    events: list[dict[str, Any]] = msgspec.json.decode(reply.body)["items"]
    return [e["message"] for e in events if e["reason"] == reason]


async def size(client: Client, namespace: str, name: str, wanted: int) -> None:
    """Ask for this many servers, and wait for their pods."""
    await client.patch(CLUSTERS, namespace, name, {"spec": {"size": wanted}})

    async def made() -> bool:
        found = await children(client, namespace)
        return sum(key.startswith(f"Pod/{name}-") for key in found) == wanted

    await until(made)


async def test_the_second_leaves_a_cluster_alone_and_says_who_is_in_its_way(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    async with operator(kubeconfig, other_namespace, cluster_scoped=True):
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        await held_by(client, namespace, "x", other_namespace)
        async with operator(kubeconfig, namespace):
            (told,) = await until(lambda: said(client, namespace, "ManagedByAnother"))
            assert f"installation {other_namespace}/nats-operator manages this cluster" in told
            await size(client, namespace, "x", 2)
            assert await holder(client, namespace, "x") == f"{other_namespace}/nats-operator"


async def test_of_two_that_begin_at_once_one_manages_each_cluster(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    names = [f"x{number}" for number in range(6)]
    async with (
        operator(kubeconfig, other_namespace, cluster_scoped=True),
        operator(kubeconfig, namespace),
    ):
        for name in names:
            await client.create(CLUSTERS, nats(name, namespace, size=1))

        async def all_made() -> bool:
            return len(await children(client, namespace)) == 4 * len(names)

        await until(all_made)
        for name in names:
            writer = await holder(client, namespace, name)
            assert writer in (f"{namespace}/nats-operator", f"{other_namespace}/nats-operator")
        await until(lambda: _said_of_all(client, namespace, names))


async def _said_of_all(client: Client, namespace: str, names: list[str]) -> bool:
    """Whether each was created once; events come late."""
    told = await said(client, namespace, "CreatedServers")
    assert len(told) == len(set(told))
    return len(told) == len(names)


async def test_the_user_chooses_and_the_other_lets_go(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    async with operator(kubeconfig, other_namespace, cluster_scoped=True):
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        await held_by(client, namespace, "x", other_namespace)
        before = await until(lambda: children(client, namespace))
        async with operator(kubeconfig, namespace):
            choice = {ANNOTATION: f"{namespace}/nats-operator"}
            await client.patch(CLUSTERS, namespace, "x", {"metadata": {"annotations": choice}})
            await held_by(client, namespace, "x", namespace)
            await size(client, namespace, "x", 2)
            assert before.items() <= (await children(client, namespace)).items()
            assert await said(client, namespace, "HandedOver")


async def test_a_replacement_in_the_same_place_goes_on(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        await held_by(client, namespace, "x", namespace)
    async with operator(kubeconfig, namespace):
        await size(client, namespace, "x", 2)


async def test_one_that_is_gone_for_good_is_replaced_from_elsewhere(
    client: Client,
    namespace: str,
    other_namespace: str,
    kubeconfig: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen by its lease, and not while it is renewed."""
    monkeypatch.setattr("natsctl.controllers.cluster.reconciler.HANDOVER", 3.0)
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        await held_by(client, namespace, "x", namespace)
        second = operator(kubeconfig, other_namespace, cluster_scoped=True)
        await second.__aenter__()
        await until(lambda: said(client, namespace, "ManagedByAnother"))
        await asyncio.sleep(7)
        await held_by(client, namespace, "x", namespace)
    await held_by(client, namespace, "x", other_namespace)
    await size(client, namespace, "x", 2)
    await second.__aexit__(None, None, None)


async def test_one_installation_watches_several_namespaces_and_no_other(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    """Its lease is in a third one; ServiceAccounts count in those that it watches."""
    watched = (namespace, other_namespace)
    async with operator(kubeconfig, "default", namespaces=watched):
        for place in watched:
            await client.create(CLUSTERS, nats("x", place, size=1))
            await held_by(client, place, "x", "default")
            await until(partial(children, client, place))
        await client.create(CLUSTERS, nats("x", "kube-system", size=1))
        await role(client, namespace)
        await account(client, namespace)
        await account(client, other_namespace)
        await client.patch(CLUSTERS, namespace, "x", {"spec": {"auth": AUTH}})
        for place in watched:
            await until(partial(token, client, place))
        await client.transport.request("DELETE", PODS.path(other_namespace, "x-1"))
        await size(client, other_namespace, "x", 1)
        assert not await holder(client, "kube-system", "x")
    await client.transport.request("DELETE", CLUSTERS.path("kube-system", "x"))
