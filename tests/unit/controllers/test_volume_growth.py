"""The whole process grows volumes one after the other; what storage refuses holds nothing up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.plan.claims.growing import CLASS
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import condition, events, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import Process, virtual_clock
from tests.unit.simulated.requests import Fate, Request, refusal
from tests.unit.simulated.volumes import (
    have_grown,
    larger,
    limits,
    pod,
    sizes,
    volume,
    with_volumes,
)

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]
GI = 2**30
CLAIMS = ["js-c-1", "js-c-2", "js-c-3"]


def grows(asked: Request) -> bool:
    """Whether a claim is to ask for another size."""
    return (
        asked.kind == "PersistentVolumeClaim" and asked.method == "PATCH" and "spec" in asked.body
    )


def attempts(api: ApiServer) -> list[Request]:
    return [asked for asked in api.requests if grows(asked)]


def refusing(text: str, status: int = 403) -> Callable[[Request], Fate]:
    """An API server that lets no claim ask for more."""
    no = Fate(refused=refusal(status, "Forbidden", text))
    return lambda asked: no if grows(asked) else Fate()


async def after(process: Process, api: ApiServer, act: Callable[[ApiServer], Any]) -> None:
    """Wait until a cluster at rest is at rest again."""
    act(api)
    await asyncio.sleep(2)
    await at_rest(api, process, is_ready)


async def test_volumes_grow_one_after_the_other_and_the_limit_follows_by_a_reload() -> None:
    seen: list[list[tuple[str, str]]] = []
    with virtual_clock():
        api = (await with_volumes()).copy()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            before = uids(api)
            api.listeners.append(lambda _: seen.append(sizes(api)))
            assert limits(process.node) == {7 * GI}
            await after(process, api, larger)
            assert have_grown(api)
            assert limits(process.node) == {14 * GI}
            await process.stop()
    assert uids(api) == before
    assert all(sum(asked != there for asked, there in moment) <= 1 for moment in seen)
    assert list(dict.fromkeys(asked.name for asked in attempts(api))) == CLAIMS
    assert events(api).count("GrowingVolume") == 3
    assert condition(api, "VolumesReady")["reason"] == "AllVolumesBound"


async def test_a_class_that_cannot_grow_is_told_asked_rarely_and_holds_nothing_up() -> None:
    with virtual_clock():
        api = (await with_volumes()).copy()
        api.plan = refusing(CLASS)
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            await after(process, api, larger)
            told = condition(api, "VolumesReady")
            assert (told["status"], told["reason"]) == ("False", "VolumeNotGrown")
            assert "back to 10Gi" in told["message"]
            assert len(attempts(api)) == 1
            await asyncio.sleep(3600)
            assert 5 <= len(attempts(api)) <= 8
            api.edit(CLUSTER, {"spec": {"version": "2.14.11"}})
            await asyncio.sleep(60)
            await at_rest(api, process, is_ready)
            await after(process, api, lambda api: larger(api, "10Gi"))
            await process.stop()
    assert condition(api, "VolumesReady")["status"] == "True"
    assert condition(api, "Degraded")["status"] == "False"
    assert sizes(api) == [("10Gi", "10Gi")] * 3
    assert events(api).count("VolumeNotGrown") == 1
    labels = api.objects[pod(1)]["metadata"]["labels"]
    assert "2.14.11" in labels.values()


async def test_once_the_quota_is_raised_volumes_grow() -> None:
    with virtual_clock():
        api = (await with_volumes()).copy()
        api.plan = refusing('persistentvolumeclaims "js-c-1" is forbidden: exceeded quota: q')
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            await after(process, api, larger)
            assert "raise the quota" in condition(api, "Degraded")["message"]
            api.plan = lambda _: Fate()
            await asyncio.sleep(70)
            await at_rest(api, process, have_grown)
            await process.stop()
    assert condition(api, "Degraded")["status"] == "False"


async def test_an_api_server_that_fails_is_asked_again_and_all_else_goes_on() -> None:
    with virtual_clock():
        api = (await with_volumes()).copy()
        api.plan = refusing("no etcd", 500)
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            larger(api)
            api.delete(pod(2))
            await asyncio.sleep(60)
            assert len(uids(api)) == 3
            assert condition(api, "Ready")["status"] == "True"
            api.plan = lambda _: Fate()
            await asyncio.sleep(120)
            await at_rest(api, process, have_grown)
            await process.stop()


async def test_a_claim_that_was_replaced_meanwhile_is_looked_at_again() -> None:
    with virtual_clock():
        api = (await with_volumes()).copy()
        touched: list[Request] = []

        def touch(asked: Request) -> Fate:
            """Somebody is faster, once."""
            if grows(asked) and asked.name == "js-c-2" and not touched:
                touched.append(asked)
                note: Json = {"metadata": {"annotations": {"mine": "x"}}}
                api.edit(volume(2), note)
            return Fate()

        async with running(api) as process:
            await at_rest(api, process, is_ready)
            api.plan = touch
            await after(process, api, larger)
            await process.stop()
    assert have_grown(api)
    assert [asked.name for asked in attempts(api)].count("js-c-2") >= 2
    assert events(api).count("GrowingVolume") == 3
