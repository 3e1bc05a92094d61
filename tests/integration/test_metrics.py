"""Who tells of a cluster on /metrics, on a real API server: its leader, and nobody else."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from natsctl.controllers.runtime.lease import Timing
from natsctl.kube.client import Client
from natsctl.kube.resources import CLUSTERS
from tests.integration.conftest import nats, operator, until

QUICK = Timing(duration=3, renew_deadline=2, renew_period=0.5, acquire_period=0.2)
SERVES = re.compile(r"serving health and metrics on port (\d+)")


class Ports:
    """The ports of the operators of this process, in the order of their start."""

    def __init__(self, log: pytest.LogCaptureFixture) -> None:
        log.set_level("INFO")
        self._log = log

    async def of(self, number: int) -> int:
        async def found() -> list[str]:
            return SERVES.findall(self._log.text)[number : number + 1]

        (port,) = await until(found)
        return int(port)


@pytest.fixture
def ports(caplog: pytest.LogCaptureFixture) -> Ports:
    return Ports(caplog)


async def series(port: int, name: str = "natsctl_cluster_info") -> list[str]:
    """The series of a metric that an operator shows now."""
    lines = (await get(port, "/metrics"))[1].splitlines()
    return [line for line in lines if line.startswith(f"{name}{{")]


async def get(port: int, path: str) -> tuple[int, str]:
    """Status and body."""
    url = f"http://127.0.0.1:{port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        return reply.status, await reply.text()


async def shows(port: int, *texts: str, name: str = "natsctl_cluster_info") -> None:
    """Wait until it shows as many series as there are texts, each in its own."""

    async def check() -> bool:
        found = await series(port, name)
        return len(found) == len(texts) and all(
            text in line for text, line in zip(texts, found, strict=True)
        )

    await until(check)


async def test_a_standby_tells_of_no_cluster_until_it_leads(
    client: Client, namespace: str, kubeconfig: str, ports: Ports
) -> None:
    await client.create(CLUSTERS, nats("x", namespace, size=1))
    async with AsyncExitStack() as standby:
        async with operator(kubeconfig, namespace, timing=QUICK):
            leader = await ports.of(0)
            await shows(leader, f'nats_namespace="{namespace}",nats_cluster="x"')
            await standby.enter_async_context(operator(kubeconfig, namespace, timing=QUICK))
            second = await ports.of(1)
            await until(lambda: _ready(second))
            assert await series(second) == []
        await shows(second, 'nats_cluster="x"')


async def _ready(port: int) -> bool:
    return (await get(port, "/readyz"))[0] == 200


async def test_series_go_with_the_cluster_and_with_whoever_manages_it(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str, ports: Ports
) -> None:
    async with operator(kubeconfig, other_namespace, cluster_scoped=True):
        first = await ports.of(0)
        await client.create(CLUSTERS, nats("x", namespace, size=1))
        await shows(first, 'nats_cluster="x"')
        async with operator(kubeconfig, namespace):
            second = await ports.of(1)
            chosen: dict[str, Any] = {"nats.io/operator": f"{namespace}/nats-operator"}
            await client.patch(CLUSTERS, namespace, "x", {"metadata": {"annotations": chosen}})
            await shows(first)
            await shows(second, 'nats_cluster="x"')
            found = await client.get(CLUSTERS, namespace, "x")
            await client.delete(CLUSTERS, namespace, "x", found.metadata.uid)
            await shows(second)


async def test_why_a_server_was_replaced_is_counted(
    client: Client, namespace: str, kubeconfig: str, ports: Ports
) -> None:
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=1, version="2.12.15"))
        port, name = await ports.of(0), "natsctl_cluster_restarts_total"
        zero = [f'reason="{why}"}} 0' for why in ("version", "spec", "ended")]
        await shows(port, *zero, name=name)
        await until(lambda: series(port, "natsctl_server_info"))
        await client.patch(CLUSTERS, namespace, "x", {"spec": {"version": "2.14.10"}})
        await shows(port, 'reason="version"} 1', *zero[1:], name=name)
