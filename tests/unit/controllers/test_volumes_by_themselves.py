"""The whole process has volumes grow by themselves, and may die at any write of that."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.plan.claims.growing import CLASS
from tests.unit.simulated import process
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import cluster, condition, events, settled, uids
from tests.unit.simulated.crashes import (
    CLUSTER,
    Story,
    at_rest,
    go_on,
    is_ready,
    running,
    tell,
)
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.requests import Fate, Request, refusal
from tests.unit.simulated.stores import Stores
from tests.unit.simulated.volumes import has_volumes, limits, sizes

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]
GI = 2**30
GROWING: Json = {
    "size": 3,
    "version": "2.14.10",
    "jetstream": {"fileStore": {"growth": {"maxSize": "16Gi"}}},
}


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    found = Stores()
    monkeypatch.setattr(process, "look", found.look)
    return found


async def growing() -> ApiServer:
    """A cluster at rest whose volumes grow by themselves."""
    api = installed()
    api.add(cluster(GROWING))
    return await settled(api)


def are(size: str) -> object:
    """Sizes of volumes that all have grown to this."""
    return [(size, size)] * 3


def asked(api: ApiServer) -> list[tuple[str, str]]:
    """Which claims were to ask for what."""
    return [
        (it.name, it.body["spec"]["resources"]["requests"]["storage"])
        for it in api.requests
        if it.kind == "PersistentVolumeClaim" and it.method == "PATCH" and "spec" in it.body
    ]


async def test_volumes_grow_before_the_store_is_full_and_the_spec_stays_what_it_is(
    stores: Stores,
) -> None:
    with virtual_clock():
        api = (await growing()).copy()
        spec = api.objects[CLUSTER]["spec"]
        seen: list[list[tuple[str, str]]] = []
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            before = uids(api)
            api.listeners.append(lambda _: seen.append(sizes(api)))
            stores.used = 11 * GI // 2
            await asyncio.sleep(240)
            assert sizes(api) == are("13Gi")
            assert limits(operator.node) == {13 * GI * 70 // 100}
            assert condition(api, "VolumesReady")["message"] == (
                "the volumes have grown by themselves to 13Gi, and may grow to 16Gi"
            )
            stores.used = 7 * GI
            await asyncio.sleep(600)
            assert sizes(api) == are("16Gi")
            await asyncio.sleep(3600)
            assert sizes(api) == are("16Gi")
            await operator.stop()
    assert api.objects[CLUSTER]["spec"] == spec
    assert uids(api) == before
    assert list(dict.fromkeys(asked(api))) == [
        (f"js-c-{n}", size) for size in ("13Gi", "16Gi") for n in (1, 2, 3)
    ]
    assert all(sum(one != other for one, other in moment) <= 1 for moment in seen)
    assert events(api).count("GrowingVolume") == 6
    assert events(api).count("StorageFilling") == 0
    assert events(api).count("VolumesAtMaximum") == 0


async def test_at_the_maximum_it_is_told_once_and_ends_there(stores: Stores) -> None:
    with virtual_clock():
        api = (await growing()).copy()
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            stores.used = 10 * GI
            await asyncio.sleep(3600)
            assert sizes(api) == are("16Gi")
            told = condition(api, "VolumesReady")
            assert (told["status"], told["reason"]) == ("True", "VolumesAtMaximum")
            await operator.stop()
        async with running(api) as operator:
            await asyncio.sleep(600)
            await operator.stop()
    assert sizes(api) == are("16Gi")
    assert events(api).count("VolumesAtMaximum") == 1


async def test_a_class_that_cannot_grow_is_told_once_and_asked_rarely(stores: Stores) -> None:
    def refuse(request: Request) -> Fate:
        grows = request.kind == "PersistentVolumeClaim" and "spec" in (request.body or {})
        no = Fate(refused=refusal(403, "Forbidden", CLASS))
        return no if grows and request.method == "PATCH" else Fate()

    with virtual_clock():
        api = (await growing()).copy()
        api.plan = refuse
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            stores.used = 6 * GI
            await asyncio.sleep(3600)
            assert condition(api, "VolumesReady")["reason"] == "VolumeNotGrown"
            assert set(asked(api)) == {("js-c-1", "13Gi")}
            assert 5 <= len(asked(api)) <= 8
            await operator.stop()
    assert sizes(api) == are("10Gi")
    assert events(api).count("VolumeNotGrown") == 1


async def test_new_servers_get_what_the_others_have(stores: Stores) -> None:
    with virtual_clock():
        api = (await growing()).copy()
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            stores.used = 6 * GI
            await asyncio.sleep(240)
            api.edit(CLUSTER, {"spec": {"size": 5}})
            await asyncio.sleep(120)
            await at_rest(api, operator, is_ready)
            assert sizes(api) == [("13Gi", "13Gi")] * 5
            await operator.stop()


def have_grown(api: ApiServer) -> bool:
    """Whether all volumes have, and nothing goes on."""
    return has_volumes(api) and sizes(api) == are("13Gi")


async def test_a_crash_changes_nothing(stores: Stores) -> None:
    def fills(_: ApiServer) -> None:
        stores.used = 6 * GI

    story = Story(growing, fills, have_grown, serving=3, away=0)
    with virtual_clock():
        usual, moments = await tell(story, await story.begin())
        assert len(moments) > 6
        for moment in moments:
            end = await go_on(story, moment)
            assert end.objects == usual.objects, moment.name
            assert end.loaded == usual.loaded, moment.name
            assert end.deletions == usual.deletions, moment.name
            assert all(it.part == "status" for it in end.late), moment.name
