"""What one namespace has, or whose servers answer slowly, costs nobody else: in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from natsctl.kube.errors import Transient
from natsctl.kube.resources import EVENTS, PODS
from tests.unit.controllers.virtual import Flight, World, flight

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]


async def settled(found: Flight, name: str, namespace: str = "ns") -> None:
    await found.until(lambda: found.condition(name, "Ready", namespace).get("status") == "True")


@pytest.mark.parametrize("where", ["evil", "ns"])
@pytest.mark.parametrize("seconds", [1.9, 3600.0])
async def test_a_change_beside_200_slow_clusters_takes_less_than_a_second(
    where: str, seconds: float
) -> None:
    """Be they another's or of the same namespace: nobody waits for servers of others."""
    world = World(slow=lambda cluster: seconds if cluster[1].startswith("slow") else 0.0)
    async with flight(world) as found:
        await found.create("mine")
        await settled(found, "mine")
        for number in range(200):
            await found.create(f"slow-{number}", where)
        await found.until(lambda: found.exists(PODS, "slow-199-3", where))
        await asyncio.sleep(20 if where == "ns" else 0)  # until they are known to be slow
        for size in range(4, 8):
            await found.change("mine", size=size)
            assert await found.runs("mine", size) < 1
            await asyncio.sleep(7)


async def test_a_cluster_of_999_keeps_nobody_waiting() -> None:
    async with flight() as found:
        await found.create("big", "evil", size=999)
        await found.create("mine")
        assert await found.runs("mine") < 1
        await settled(found, "mine")
        assert not found.exists(PODS, "big-999", "evil")


async def test_many_clusters_keep_nobody_elsewhere_waiting() -> None:
    async with flight() as found:
        for number in range(150):
            await found.create(f"c-{number}", "evil")
        await found.create("mine")
        assert await found.runs("mine") < 1
        await settled(found, "mine")


async def test_writes_that_take_long_delay_their_own_namespace_only() -> None:
    """An admission webhook of one namespace that answers slowly, for example."""
    async with flight(World(fault=lambda _, path: 4.0 if "/evil/" in path else None)) as found:
        for number in range(100):
            await found.create(f"c-{number}", "evil")
        await found.until(lambda: found.exists(PODS, "c-0-1", "evil"))
        await found.create("mine")
        assert await found.runs("mine") < 1


async def test_events_that_take_long_delay_their_own_namespace_only() -> None:
    async with flight(World(fault=slow_events)) as found:
        for number in range(20):
            await found.create(f"c-{number}", "evil")
        await found.create("mine")
        await found.runs("mine")
        assert await found.until(lambda: found.world.of_kind("Event")) < 1


def slow_events(method: str, path: str) -> Transient | float | None:
    return 3.0 if path == EVENTS.path("evil") else None
