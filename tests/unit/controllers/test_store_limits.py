"""The whole process, and limits of stores that are to fall: in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.simulated import process
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster, condition, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.stores import Stores, limit_in
from tests.unit.simulated.volumes import SECRET, SPEC

pytestmark = pytest.mark.looptime
GI = 2**30
OLD = SPEC | {"version": "2.11.17"}
"""Servers restart for another limit."""


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    found = Stores()
    monkeypatch.setattr(process, "look", found.look)
    return found


def limit(api: ApiServer) -> int:
    """What servers that start get."""
    return limit_in(api.objects[SECRET]["data"])


def lower(api: ApiServer, size: str | None) -> None:
    api.edit(CLUSTER, {"spec": {"jetstream": {"fileStore": {"maxSize": size}}}})


async def test_a_limit_below_what_is_stored_never_reaches_a_server(stores: Stores) -> None:
    stores.used = 5 * GI
    with virtual_clock():
        api = installed()
        api.add(cluster(OLD))
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            before = uids(api)
            lower(api, "3Gi")
            await asyncio.sleep(120)
            assert condition(api, "SpecAccepted")["message"].startswith(
                "spec.jetstream.fileStore.maxSize: is 3Gi, but c-3 stores 5Gi"
            )
            await operator.stop()
        async with running(api) as operator:
            await asyncio.sleep(120)
            assert (limit(api), uids(api)) == (7 * GI, before)
            stores.used = 2 * GI
            await asyncio.sleep(120)
            await at_rest(api, operator, is_ready)
            assert limit(api) == 3 * GI
            assert not set(uids(api).values()) & set(before.values())
            assert condition(api, "SpecAccepted")["status"] == "True"
            await operator.stop()


async def test_a_lower_limit_comes_once_though_servers_restart_for_it(stores: Stores) -> None:
    seen: list[int] = []
    with virtual_clock():
        api = installed()
        api.add(cluster(OLD))
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            await asyncio.sleep(60)
            lower(api, "3Gi")
            while not is_ready(api) or limit(api) == 7 * GI:
                seen.append(limit(api))
                await asyncio.sleep(0.2)
            await operator.stop()
    assert seen == sorted(seen, reverse=True)


async def test_a_store_that_fills_up_while_its_limit_falls_gets_the_old_one_back(
    stores: Stores,
) -> None:
    with virtual_clock():
        api = installed()
        api.add(cluster(OLD | {"rollout": {"paused": True}}))
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            await asyncio.sleep(60)
            lower(api, "3Gi")
            await asyncio.sleep(120)
            assert limit(api) == 3 * GI
            stores.used = 4 * GI
            await asyncio.sleep(120)
            assert limit(api) == 7 * GI
            await operator.stop()
