"""A real API server (etcd behind it, no controllers, no kubelet), one for the session."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest
import yaml

from natsctl.api.schema.crds import crds
from natsctl.controllers.cluster.identity import SECRET as SYSTEM_USER
from natsctl.controllers.runtime.lease import LeaseLost, Timing
from natsctl.controllers.settings import Settings
from natsctl.controllers.supervisor import supervise
from natsctl.kube.client import Client
from natsctl.kube.errors import NotFound
from natsctl.kube.resources import (
    ACCOUNTS_METADATA,
    CLUSTERS,
    CRDS,
    PODS,
    ROLES,
    SECRETS,
    SERVICES,
    Resource,
)
from natsctl.kube.transport import Transport, connect
from testbed import stock
from tests.inside import MARK, enter
from tests.integration.proxy import Proxy

NAMESPACES = Resource("Namespace", "v1", "namespaces", CLUSTERS.projection)
TIDIED = 120.0
"""Seconds that an API server gets to delete what a test left, thousands of objects sometimes."""
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Everything here runs inside a control plane of its own."""
    if MARK not in os.environ and not config.option.collectonly:
        stock.prepare(["integration"])
    name = os.environ.get("NATSCTL_TESTBED") or "integration"
    enter(config, name, "--control-plane-only")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need the API server."""
    for item in items:
        item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    """Path of the administrator's kubeconfig."""
    return os.environ["KUBECONFIG"]


@pytest.fixture
async def transport(kubeconfig: str) -> AsyncIterator[Transport]:
    """A connection of the administrator, with the CRDs installed."""
    async with connect(kubeconfig) as found:
        await install_crds(found)
        yield found


async def install_crds(transport: Transport) -> None:
    """Install natsctl's CRDs as they are today, and wait until they are served."""
    client = Client(transport)
    for crd in crds():
        await client.apply(CRDS, crd)
    for crd in crds():
        await until(partial(_established, client, crd["metadata"]["name"]))


async def _established(client: Client, name: str) -> bool:
    crd = await client.raw(CRDS, None, name)
    conditions = crd.get("status", {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


@pytest.fixture
def client(transport: Transport) -> Client:
    """An unfenced client of the administrator."""
    return Client(transport)


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    """A namespace of this test alone."""
    async with fresh_namespace(client) as name:
        yield name


@pytest.fixture
async def other_namespace(client: Client) -> AsyncIterator[str]:
    """Another one."""
    async with fresh_namespace(client) as name:
        yield name


@asynccontextmanager
async def fresh_namespace(client: Client) -> AsyncIterator[str]:
    """Left without what an operator of all namespaces would find there in later tests."""
    name = f"t{os.getpid()}-{next(_numbers)}"
    await client.create(
        NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    )
    yield name
    for resource in (CLUSTERS, ROLES, ACCOUNTS_METADATA):
        with suppress(NotFound):  # a test may have taken the kind itself away
            await client.transport.request("DELETE", resource.path(name), timeout=TIDIED)


@pytest.fixture
async def proxy(kubeconfig: str) -> AsyncIterator[Proxy]:
    """A proxy in front of the API server that fails as told."""
    async with Proxy.in_front_of(kubeconfig) as found:
        yield found


async def until(
    check: Callable[[], Awaitable[Any]], seconds: float = 20.0, pause: float = 0.05
) -> Any:
    """Poll until `check` returns something true; fails after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = await check()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"still {found!r} after {seconds} s"
        await asyncio.sleep(pause)


def nats(name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    """A NatsCluster manifest."""
    return {
        "apiVersion": "nats.io/v1alpha2",
        "kind": "NatsCluster",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


async def condition(client: Client, namespace: str, name: str, kind: str) -> dict[str, str]:
    """One condition of a NatsCluster, or an empty mapping."""
    status = (await client.raw(CLUSTERS, namespace, name)).get("status") or {}
    found = [c for c in status.get("conditions") or [] if c["type"] == kind]
    return found[0] if found else {}


async def children(client: Client, namespace: str) -> dict[str, str]:
    """Uids of everything clusters own in a namespace, by `kind/name`."""
    found = {}
    for resource in (SERVICES, SECRETS, PODS):
        reply = await client.transport.request("GET", resource.path(namespace))
        for item in yaml.safe_load(reply.body)["items"]:
            if item["metadata"]["name"] != SYSTEM_USER:  # the operator's own
                found[f"{resource.kind}/{item['metadata']['name']}"] = item["metadata"]["uid"]
    return found


async def exists(client: Client, resource: Resource, namespace: str, name: str) -> bool:
    """Whether an object is there."""
    try:
        await client.get(resource, namespace, name)
    except NotFound:
        return False
    return True


@asynccontextmanager
async def operator(
    kubeconfig: str, namespace: str, **changes: Any
) -> AsyncIterator[asyncio.Task[None]]:
    """A whole operator in this process, managing one namespace; stopped in order at the end."""
    settings = Settings(
        namespace=namespace,
        host="127.0.0.1",
        port=0,
        kubeconfig=kubeconfig,
        timing=changes.pop("timing", Timing()),
        **changes,
    )
    stop = asyncio.Event()
    task = asyncio.create_task(supervise(settings, stop))
    try:
        yield task
    finally:
        stop.set()
        _, late = await asyncio.wait([task], timeout=15)
        for task in late:
            task.cancel()
    if not task.cancelled() and not isinstance(task.exception(), LeaseLost | None):
        await task
