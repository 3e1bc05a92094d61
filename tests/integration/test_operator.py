"""A whole operator against a real API server, without a kubelet: pods are made and never start."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from aiohttp import web

from natsctl.controllers.cluster.identity import SECRET as SYSTEM_USER
from natsctl.controllers.runtime.lease import LeaseLost, Timing
from natsctl.kube.client import Client
from natsctl.kube.errors import Terminal
from natsctl.kube.resources import CLUSTERS, CRDS, EVENTS, LEASES, PODS, SECRETS, SERVICES, Resource
from natsctl.model import names
from natsctl.plan.proof import current_content, digest_of, previous_content
from natsctl.plan.reload.secrets import withdrawal
from tests.integration.conftest import (
    children,
    condition,
    exists,
    install_crds,
    nats,
    operator,
    until,
)
from tests.integration.proxy import Proxy

QUICK = Timing(duration=3, renew_deadline=2, renew_period=0.5, acquire_period=0.2)
ALL = {
    "Service/x",
    "Service/x-mgmt",
    "Secret/x",
    "Pod/x-1",
    "Pod/x-2",
    "Pod/x-3",
}


async def made(client: Client, namespace: str, wanted: set[str] = ALL) -> dict[str, str]:
    """Wait until exactly these objects are there."""

    async def complete() -> dict[str, str] | None:
        found = await children(client, namespace)
        return found if set(found) == wanted else None

    result: dict[str, str] = await until(complete)
    return result


async def says(client: Client, namespace: str, kind: str, text: str, name: str = "x") -> None:
    """Wait until a condition's reason or message contains `text`."""

    async def found() -> bool:
        now = await condition(client, namespace, name, kind)
        return text in f"{now.get('reason')} {now.get('message')}"

    await until(found)


async def told(client: Client, namespace: str, reason: str) -> bool:
    """Whether an Event with this reason was written."""
    reply = await client.transport.request("GET", EVENTS.path(namespace))
    return any(e["reason"] == reason for e in msgspec.json.decode(reply.body)["items"])


async def edit(client: Client, namespace: str, **spec: Any) -> None:
    await client.patch(CLUSTERS, namespace, "x", {"spec": spec})


async def test_a_cluster_becomes_services_a_secret_and_pods(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=3))
        await made(client, namespace)
        await edit(client, namespace, size=1)
        await made(client, namespace, ALL - {"Pod/x-2", "Pod/x-3"})


@pytest.mark.parametrize("cut", range(1, 9))
async def test_an_operator_that_dies_after_any_write_is_continued(
    client: Client, namespace: str, kubeconfig: str, proxy: Proxy, cut: int
) -> None:
    """Nothing is made twice: what the first one made is there, unchanged, in the end."""
    await client.create(CLUSTERS, nats("x", namespace, size=3))
    proxy.cut_after = cut
    async with operator(proxy.kubeconfig, namespace, timing=QUICK) as first:
        await asyncio.wait_for(proxy.on_cut.wait(), 15)
        before = await children(client, namespace)
        first.cancel()
    async with operator(kubeconfig, namespace, timing=QUICK):
        after = await made(client, namespace)
    assert before.items() <= after.items()


async def test_objects_of_others_are_left_alone_and_named(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    owner = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "boss",
        "uid": "u",
        "controller": True,
    }
    foreign = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "x", "namespace": namespace, "ownerReferences": [owner]},
    }
    await client.create(SECRETS, foreign)
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        await says(client, namespace, "Degraded", "Secret x: belongs to ConfigMap boss")
        assert not await exists(client, PODS, namespace, "x-1")
        secret = await client.get(SECRETS, namespace, "x")
        await client.delete(SECRETS, namespace, "x", secret.metadata.uid)
        await made(client, namespace, {"Service/x", "Service/x-mgmt", "Secret/x", "Pod/x-1"})
        await says(client, namespace, "Degraded", "AsExpected")


async def test_a_secret_that_nobody_owns_is_taken_over(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    mine = {"other": "eA==", "nats.conf": "eA=="}
    theirs = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "x", "namespace": namespace},
        "data": mine,
    }
    await client.transport.request(
        "POST",
        SECRETS.path(namespace),
        params={"fieldManager": "somebody"},
        body=msgspec.json.encode(theirs),
    )
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        await made(client, namespace, {"Service/x", "Service/x-mgmt", "Secret/x", "Pod/x-1"})
    data = (await client.raw(SECRETS, namespace, "x"))["data"]
    assert data["other"] == mine["other"]
    assert data["nats.conf"] != mine["nats.conf"]


async def test_a_service_that_nobody_owns_is_left_alone(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "x", "namespace": namespace},
        "spec": {"ports": [{"port": 1}]},
    }
    made_by_user = await client.create(SERVICES, service)
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        await says(client, namespace, "Degraded", "Service x: is not owned by natsctl")
        now = await client.get(SERVICES, namespace, "x")
    assert now.metadata.resource_version == made_by_user.metadata.resource_version


async def test_a_quota_that_is_just_full_does_not_hold_up_a_restart(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    """The successor takes the place of the server that goes."""
    quotas = Resource("ResourceQuota", "v1", "resourcequotas", PODS.projection)
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": namespace},
        "spec": {"hard": {"pods": "1"}},
    }
    await client.create(quotas, quota)
    full = {"status": {"hard": {"pods": "1"}, "used": {"pods": "0"}}}
    await client.patch_status(quotas, namespace, "q", full)
    everything = {"Service/x", "Service/x-mgmt", "Secret/x", "Pod/x-1"}
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1, version="2.12.15"))
        before = await made(client, namespace, everything)
        await edit(client, namespace, version="2.14.10")

        async def restarted() -> bool:
            found = await children(client, namespace)
            return found.get("Pod/x-1") != before["Pod/x-1"]

        await until(restarted)


async def test_a_successor_that_would_be_refused_leaves_the_server_alone(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    everything = {"Service/x", "Service/x-mgmt", "Secret/x", "Pod/x-1"}
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        before = await made(client, namespace, everything)
        bad = {"spec": {"containers": [{"name": "nats", "imagePullPolicy": "Sometimes"}]}}
        await edit(client, namespace, template=bad)
        await says(client, namespace, "Degraded", "rejects its replacement")
        assert await children(client, namespace) == before
        await edit(client, namespace, template=None)
        await says(client, namespace, "Degraded", "AsExpected")
        assert await children(client, namespace) == before


async def test_a_converged_cluster_costs_no_request(
    client: Client, namespace: str, proxy: Proxy
) -> None:
    """Besides the lease and the watches."""
    async with operator(proxy.kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=0))
        await until(lambda: told(client, namespace, "Ready"))  # the last event of a creation
        proxy.writes.clear()
        proxy.reads.clear()
        await asyncio.sleep(5)
        assert [r for r in proxy.writes + proxy.reads if "/leases" not in r[1]] == []


async def test_creation_writes_each_object_once(
    client: Client, namespace: str, proxy: Proxy
) -> None:
    async with operator(proxy.kubeconfig, namespace):
        await until(lambda: exists(client, SECRETS, namespace, SYSTEM_USER))
        proxy.writes.clear()
        await client.create(CLUSTERS, nats("x", namespace, size=3))
        await made(client, namespace)
        await asyncio.sleep(2)
        paths = [path for method, path in proxy.writes if "lease" not in path]
    children_writes = [p for p in paths if p.rsplit("/", 1)[-1] in ("services", "secrets", "pods")]
    assert len(children_writes) == 6
    assert len([p for p in paths if p.endswith("/status")]) <= 3


async def test_an_api_server_that_fails_for_a_while_delays_and_loses_nothing(
    client: Client, namespace: str, proxy: Proxy
) -> None:
    count = iter(range(1000))

    def fail(request: web.Request) -> web.Response | None:
        if "/leases" in request.path or request.query.get("watch") or next(count) % 3 == 0:
            return None
        return web.json_response({"kind": "Status", "message": "etcd"}, status=500)

    proxy.before = fail
    async with operator(proxy.kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=3))
        await made(client, namespace)


async def test_a_lost_lease_ends_the_operator(client: Client, namespace: str, proxy: Proxy) -> None:
    async with operator(proxy.kubeconfig, namespace, timing=QUICK) as task:
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        await made(client, namespace, {"Service/x", "Service/x-mgmt", "Secret/x", "Pod/x-1"})
        proxy.before = lambda request: (
            web.Response(status=500) if "/leases" in request.path else None
        )
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(task, 10)
        proxy.writes.clear()
        await edit(client, namespace, size=2)
        assert proxy.writes == []


async def test_a_standby_takes_over_as_soon_as_the_leader_stops(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    """Before the lease would have run out, and it is warm: the next edit is acted on at once."""
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=0))
        await says(client, namespace, "Ready", "AllServersReady")
        first = await holder(client, namespace)
        standby = operator(kubeconfig, namespace)
        await standby.__aenter__()
        await asyncio.sleep(2)
        assert await holder(client, namespace) == first
    released = asyncio.get_running_loop().time()
    await edit(client, namespace, size=1)
    await made(client, namespace, {"Service/x", "Service/x-mgmt", "Secret/x", "Pod/x-1"})
    assert asyncio.get_running_loop().time() - released < 12
    assert await holder(client, namespace) not in ("", first)
    await standby.__aexit__(None, None, None)


async def holder(client: Client, namespace: str) -> str:
    """Who holds the lease."""
    reply = await client.transport.request("GET", LEASES.path(namespace, "nats-operator"))
    return str(msgspec.json.decode(reply.body)["spec"]["holderIdentity"])


@pytest.mark.parametrize("spec", [None, [], "text", {"size": "three"}, {"size": 1, "pod": 7}])
async def test_garbage_from_before_the_schema_disturbs_nobody(
    client: Client, namespace: str, kubeconfig: str, spec: Any
) -> None:
    """With a permissive CRD, as the Go operator installs it."""
    name = "natsclusters.nats.io"
    loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    patch = [
        {"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema", "value": loose},
        {"op": "remove", "path": "/spec/versions/0/subresources"},
    ]
    await client.patch(CRDS, None, name, patch, "application/json-patch+json")
    try:
        garbage = nats("garbage", namespace) | {"spec": spec}

        async def accepted() -> bool:
            try:
                await client.create(CLUSTERS, garbage)
            except Terminal:
                return False
            return True

        await until(accepted)
        async with operator(kubeconfig, namespace) as task:
            await client.create(CLUSTERS, nats("x", namespace, size=3))
            await made(client, namespace)
            assert not task.done()
    finally:
        await install_crds(client.transport)


async def test_a_lease_that_runs_out_before_the_first_write_is_lost_in_order(
    namespace: str, kubeconfig: str, proxy: Proxy
) -> None:
    """The key of the system account cannot be read for longer than the lease lasts."""
    asked: list[float] = []

    def busy(request: web.Request) -> web.Response | None:
        if not request.path.endswith(f"/{SYSTEM_USER}"):
            return None
        asked.append(asyncio.get_running_loop().time())
        over = asked[-1] > asked[0] + QUICK.renew_deadline + 0.5
        return None if over else web.Response(status=503)

    proxy.before = busy
    async with operator(proxy.kubeconfig, namespace, timing=QUICK) as task:
        await asyncio.wait([task], timeout=20)
        assert task.done()
        with pytest.raises(LeaseLost, match="lease nats-operator"):
            task.result()


async def test_an_operator_that_stops_while_it_renews_the_lease_releases_it(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    """Its renewal is cut off, and written all the same."""
    often = Timing(duration=5, renew_deadline=4, renew_period=0.04, acquire_period=0.2)

    async def led() -> bool:
        if not await exists(client, LEASES, namespace, "nats-operator"):
            return False
        lease = await client.raw(LEASES, namespace, "nats-operator")
        return bool(lease["spec"]["holderIdentity"])

    for stop in range(20):
        async with operator(kubeconfig, namespace, timing=often):
            await until(led)
            await asyncio.sleep(stop * 0.005)  # at another moment of a renewal each time
        assert not await led()


async def test_what_no_server_has_proven_is_not_kept_to_go_back_to(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    """No server runs here: what the Secret was made with counts, however often it changes."""

    async def changed(before: dict[str, str]) -> dict[str, Any]:
        async def check() -> dict[str, Any] | None:
            live = await client.raw(SECRETS, namespace, "x")
            return live if current_content(live["data"]) != before else None

        found: dict[str, Any] = await until(check)
        return found

    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        await made(client, namespace, ALL - {"Pod/x-2", "Pod/x-3"})
        first = (await client.raw(SECRETS, namespace, "x"))["data"]
        await edit(client, namespace, natsConfig={"debug": True})
        second = await changed(first)
        await edit(client, namespace, natsConfig={"trace": True})
        third = await changed(current_content(second["data"]))
    for live in (second, third):
        assert previous_content(live["data"]) == first
        assert live["metadata"]["annotations"][names.PROVEN_ANNOTATION] == digest_of(first)
    await client.patch(SECRETS, namespace, "x", withdrawal(third, "1 no"))
    back = await client.raw(SECRETS, namespace, "x")
    assert current_content(back["data"]) == first
