"""A store that reaches its limit has leaders again soon, and nobody has to help."""

from __future__ import annotations

import asyncio

import pytest

from natsctl.plan.stores import strain
from natsctl.plan.stores.strain import RESTED
from tests.unit.simulated import process
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster, condition, events, settled, uids
from tests.unit.simulated.crashes import CLUSTER, Story, at_rest, go_on, is_ready, running, tell
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


def is_lent(api: ApiServer) -> bool:
    """Whether the user is told, also of the limit that servers have now, and nothing goes on."""
    told = api.objects[CLUSTER]["status"]["jetstream"].get("storage") or [{}]
    is_told = condition(api, "JetStream")["reason"] == "StorageLent"
    return is_ready(api) and is_told and {it.get("limit") for it in told} == {"7987Mi"}


def is_taken_back(api: ApiServer) -> bool:
    """Whether nothing is told of it any more, and nothing goes on."""
    return is_ready(api) and condition(api, "JetStream")["reason"] == "Ready"


class TestACrash:
    """The process dies before and after each of its writes; the next one knows nothing."""

    async def test_lends_nothing_twice(self, stores: Stores) -> None:
        def reach_the_limit(_: ApiServer) -> None:
            stores.used = NORMAL

        async def near_it() -> ApiServer:
            stores.used = NORMAL * 90 // 100
            return await settled(storing())

        await self.changes_nothing(Story(near_it, reach_the_limit, is_lent, serving=3, away=0))

    async def test_takes_everything_back(
        self, stores: Stores, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(strain, "RESTED", 5.0)

        def purge(_: ApiServer) -> None:
            stores.used = GI

        async def lent() -> ApiServer:
            stores.used = NORMAL * 90 // 100
            api = await settled(storing())
            stores.used = NORMAL
            async with running(api) as process:
                await at_rest(api, process, is_lent)
                await process.stop()
            return api

        await self.changes_nothing(Story(lent, purge, is_taken_back, serving=2, away=1))

    async def changes_nothing(self, story: Story) -> None:
        with virtual_clock():
            usual, moments = await tell(story, await story.begin())
            assert len(moments) > 6
            ends = [("no crash", usual)]
            ends += [(moment.name, await go_on(story, moment)) for moment in moments]
        for crash, end in ends:
            assert end.objects == usual.objects, crash
            assert end.loaded == usual.loaded, crash
            assert len(end.deletions) == len(usual.deletions), crash
            assert all(it.part == "status" for it in end.late), crash
            assert end.most_away <= story.away, crash
            assert end.fewest_ready >= story.serving, crash
