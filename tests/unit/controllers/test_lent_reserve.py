"""A store that reaches its limit has leaders again soon, and nobody has to help."""

from __future__ import annotations

import asyncio

import pytest

from natsctl.plan.stores.strain import RESTED
from tests.unit.simulated import process
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster, condition, events, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.stores import Stores
from tests.unit.simulated.volumes import SPEC, limits

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]
MI, GI = 2**20, 2**30
NORMAL, LENT = 7 * GI, 7987 * MI
SOON = 15.0
"""Seconds until groups have leaders again; of these, servers take up to nine (measured)."""
ELECTION = 9.0


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    """On disks of 10 GiB that have room."""
    found = Stores(beside=0, even=True)
    monkeypatch.setattr(process, "look", found.look)
    return found


def storing() -> ApiServer:
    api = installed()
    api.add(cluster(SPEC))
    return api


async def test_a_reserve_is_lent_at_the_limit_and_taken_back_when_there_is_room(
    stores: Stores,
) -> None:
    with virtual_clock():
        api = storing()
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            before = uids(api)
            stores.used = NORMAL * 96 // 100
            await asyncio.sleep(120)
            assert limits(operator.node) == {NORMAL}
            stores.used = NORMAL
            took = 0.0
            while limits(operator.node) != {LENT}:
                await asyncio.sleep(0.5)
                took += 0.5
                assert took <= SOON - ELECTION
            assert uids(api) == before
            await asyncio.sleep(60)
            assert condition(api, "JetStream")["reason"] == "StorageLent"
            assert events(api).count("StorageLent") == 1
            stores.used = GI
            await asyncio.sleep(RESTED + 240)
            await at_rest(api, operator, is_ready)
            assert limits(operator.node) == {NORMAL}
            assert condition(api, "JetStream")["reason"] == "Ready"
            assert events(api).count("StorageTakenBack") == 1
            assert "lent" not in api.objects[CLUSTER]["status"]["jetstream"]
            await operator.stop()


async def test_another_process_goes_on_with_it(stores: Stores) -> None:
    with virtual_clock():
        api = storing()
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            stores.used = NORMAL
            await asyncio.sleep(120)
            assert limits(operator.node) == {LENT}
            await operator.kill()
            operator.line.died.clear()
            operator.start()
            await asyncio.sleep(120)
            assert limits(operator.node) == {LENT}
            assert events(api).count("StorageLent") == 1
            await operator.stop()


async def test_nothing_is_lent_where_a_disk_has_no_room(stores: Stores) -> None:
    stores.beside = 5 * GI // 2
    with virtual_clock():
        api = storing()
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            stores.used = NORMAL
            await asyncio.sleep(180)
            assert limits(operator.node) == {NORMAL}
            assert condition(api, "JetStream")["reason"] == "StorageLow"
            await operator.stop()


async def test_a_part_is_lent_while_others_store_little_and_the_rest_later(
    stores: Stores,
) -> None:
    """An empty disk has room for 74 % of it, at 1.28 times what servers count, and 5 % free."""
    part = 7577 * MI
    stores.even = False
    with virtual_clock():
        api = storing()
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            before = uids(api)
            stores.used = NORMAL
            await asyncio.sleep(120)
            assert limits(operator.node) == {part}
            assert condition(api, "JetStream")["reason"] == "StorageLent"
            stores.used, stores.even = part, True
            await asyncio.sleep(120)
            assert limits(operator.node) == {LENT}
            assert uids(api) == before, "by reloads only"
            stores.used = GI
            await asyncio.sleep(RESTED + 240)
            await at_rest(api, operator, is_ready)
            assert limits(operator.node) == {NORMAL}
            await operator.stop()
