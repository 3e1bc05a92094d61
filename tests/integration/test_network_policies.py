"""A cluster's NetworkPolicy on a real API server: what it takes, keeps, and is put right there."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import msgspec
from aiohttp import web
from hypothesis import HealthCheck, assume, given, settings

from natsctl.controllers.watch.owned import owned_resource
from natsctl.kube.client import JSON_PATCH, Client
from natsctl.kube.resources import CLUSTERS, PODS
from natsctl.kube.transport import connect
from natsctl.model.objects import NetworkPolicy, Object
from natsctl.model.slim import slim
from natsctl.plan.rules.owned_objects import differs
from natsctl.render.objects.network_policy import network_policy
from natsctl.render.target import Target
from tests.integration.conftest import children, exists, nats, operator, until
from tests.integration.proxy import Proxy
from tests.integration.test_operator import edit, made, says, told
from tests.unit.plan.world import stamped
from tests.unit.render.targets import TARGETS

NETWORK_POLICIES = owned_resource("NetworkPolicy")
OWN = {"Service/x", "Service/x-mgmt", "Secret/x", "Pod/x-1"}
TEAM = {"podSelector": {"matchLabels": {"team": "a"}}}
LIMITED = {"size": 1, "networkPolicy": {"clientsFrom": [TEAM]}}
EVERYBODY = [{"op": "remove", "path": "/spec/ingress/0/from"}]


async def policy(client: Client, namespace: str) -> dict[str, Any]:
    return await client.raw(NETWORK_POLICIES, namespace, "x")


async def there(client: Client, namespace: str) -> bool:
    return await exists(client, NETWORK_POLICIES, namespace, "x")


async def gone(client: Client, namespace: str) -> bool:
    return not await there(client, namespace)


async def test_it_comes_is_put_right_and_goes_while_servers_stay(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    async with operator(kubeconfig, namespace, pod_labels={"op": "yes"}):
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        servers = await made(client, namespace, OWN)
        assert await gone(client, namespace)

        await edit(client, namespace, networkPolicy=LIMITED["networkPolicy"])
        await until(lambda: there(client, namespace))
        first = await policy(client, namespace)
        assert first["metadata"]["ownerReferences"][0]["name"] == "x"
        assert first["spec"]["podSelector"]["matchLabels"] == {"app": "nats", "nats_cluster": "x"}
        assert first["spec"]["ingress"][1]["from"] == [
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "podSelector": {"matchLabels": {"op": "yes"}},
            }
        ]

        await client.patch(NETWORK_POLICIES, namespace, "x", EVERYBODY, JSON_PATCH)

        async def mended() -> bool:
            return bool((await policy(client, namespace))["spec"] == first["spec"])

        await until(mended)
        bare = {"metadata": {"labels": dict.fromkeys(first["metadata"]["labels"])}}
        await client.patch(NETWORK_POLICIES, namespace, "x", bare)

        async def labelled() -> bool:
            meta = (await policy(client, namespace))["metadata"]
            return bool(meta.get("labels") == first["metadata"]["labels"])

        await until(labelled)
        await client.delete(NETWORK_POLICIES, namespace, "x", first["metadata"]["uid"])
        await until(lambda: there(client, namespace))
        assert (await policy(client, namespace))["spec"] == first["spec"]

        await edit(client, namespace, networkPolicy={"enabled": True, "clientsFrom": None})

        async def opened() -> bool:
            return "from" not in (await policy(client, namespace))["spec"]["ingress"][-1]

        await until(opened)
        await edit(client, namespace, networkPolicy=None)
        await until(lambda: gone(client, namespace))
        await until(lambda: told(client, namespace, "DeletedObjects"))
        assert await made(client, namespace, OWN) == servers


async def test_one_that_is_not_ours_is_left_alone_and_named(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    foreign = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "x", "namespace": namespace, "labels": {"app": "nats"}},
        "spec": {"podSelector": {}},
    }
    theirs = await client.create(NETWORK_POLICIES, foreign)
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, **LIMITED))
        await says(client, namespace, "Degraded", "NetworkPolicy x: is not owned by natsctl")
        await says(client, namespace, "Ready", "ServersNotReady")
        assert await exists(client, PODS, namespace, "x-1"), "servers do not wait for it"
        now = await client.get(NETWORK_POLICIES, namespace, "x")
        assert now.metadata.resource_version == theirs.metadata.resource_version
        await edit(client, namespace, networkPolicy=None)
        await says(client, namespace, "Degraded", "AsExpected")
        assert await there(client, namespace), "it is not ours to delete"


async def test_a_paused_cluster_keeps_what_it_has(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, **LIMITED))
        await until(lambda: there(client, namespace))
        await edit(client, namespace, paused=True)
        await says(client, namespace, "Progressing", "Paused")
        before = (await policy(client, namespace))["metadata"]["uid"]
        await edit(client, namespace, networkPolicy=None)
        await client.patch(NETWORK_POLICIES, namespace, "x", EVERYBODY, JSON_PATCH)
        generation = (await client.get(CLUSTERS, namespace, "x")).metadata.generation

        async def seen() -> bool:
            status = (await client.raw(CLUSTERS, namespace, "x"))["status"]
            return bool(status["observedGeneration"] == generation)

        await until(seen)
        left = await policy(client, namespace)
        assert left["metadata"]["uid"] == before
        assert "from" not in left["spec"]["ingress"][0]


async def test_it_costs_one_write_and_nothing_at_rest(
    client: Client, namespace: str, proxy: Proxy
) -> None:
    async with operator(proxy.kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, **(LIMITED | {"size": 0})))
        await until(lambda: told(client, namespace, "Ready"))
        touched = [r for r in proxy.writes + proxy.reads if "/networkpolicies" in r[1]]
        assert [method for method, _ in touched] == ["POST"]
        proxy.writes.clear()
        proxy.reads.clear()
        await asyncio.sleep(3)
        assert [r for r in proxy.writes + proxy.reads if "/leases" not in r[1]] == []


async def test_a_label_without_a_value_is_told_and_lets_nobody_in(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    """An API server that dropped it would have left a selector of all pods."""
    empty = {"clientsFrom": [{"podSelector": {"matchLabels": {"app": None}}}]}
    await client.create(CLUSTERS, nats("x", namespace, size=1, networkPolicy=empty))
    async with operator(kubeconfig, namespace):
        no_value = "podSelector.matchLabels.app: has no value; use a quoted string"
        await says(client, namespace, "SpecAccepted", no_value)
        assert await children(client, namespace) == {}


async def test_without_the_right_everything_else_goes_on(
    client: Client, namespace: str, proxy: Proxy
) -> None:
    """As with the roles of an older release; the condition names what is missing."""
    forbidden = "networkpolicies.networking.k8s.io is forbidden: cannot create resource"

    def refuse(request: web.Request) -> web.Response | None:
        if "/networkpolicies" not in request.path:
            return None
        return web.json_response({"reason": "Forbidden", "message": forbidden}, status=403)

    proxy.before = refuse
    async with operator(proxy.kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, **LIMITED))
        await made(client, namespace, OWN)
        await says(client, namespace, "Degraded", f'NetworkPolicy x: "{forbidden}"')
        proxy.before = None
        await edit(client, namespace, noAdvertise=True)
        await until(lambda: there(client, namespace))
        await says(client, namespace, "Degraded", "AsExpected")


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(TARGETS)
def test_whatever_is_rendered_is_taken_and_kept_as_it_is(kubeconfig: str, found: Target) -> None:
    """Else it would be written again and again."""
    manifest = network_policy(attrs.evolve(found, namespace="default"))
    assume(manifest is not None)
    assert manifest is not None
    del manifest["metadata"]["ownerReferences"]
    wanted = stamped(manifest)

    async def stored() -> Object:
        async with connect(kubeconfig) as transport:
            return await Client(transport).create(NETWORK_POLICIES, wanted.manifest, dry_run=True)

    kept = asyncio.run(stored())
    assert isinstance(kept, NetworkPolicy)
    assert kept.spec == msgspec.json.decode(msgspec.json.encode(manifest["spec"]))
    assert not differs(wanted, slim(kept))
