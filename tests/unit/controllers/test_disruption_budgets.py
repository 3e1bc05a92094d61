"""The whole process says how many servers others may evict: no more often than that changes."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.simulated import process
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import SPEC as PLAIN
from tests.unit.simulated.clusters import cluster, condition, settled, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.jetstream import Servers
from tests.unit.simulated.process import installed, virtual_clock, writes
from tests.unit.simulated.requests import Fate, Request, Where, refusal
from tests.unit.simulated.volumes import SPEC, pod, with_volumes

pytestmark = pytest.mark.looptime
KIND = "PodDisruptionBudget"
BUDGET: Where = (KIND, "ns", "c")
MINUTE = 60.0


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    found = Servers()
    monkeypatch.setattr(process, "look", found.look)
    return found


def created() -> ApiServer:
    """A user wants a cluster, and no process runs yet."""
    api = installed()
    api.add(cluster(SPEC))
    return api


def allowed(api: ApiServer) -> int:
    return int(api.objects[BUDGET]["spec"]["maxUnavailable"])


def history(api: ApiServer) -> list[str]:
    """How the budget was written."""
    return [request.method for request in writes(api) if request.kind == KIND]


async def test_it_is_closed_until_all_servers_are_well(servers: Servers) -> None:
    seen: list[int] = []
    with virtual_clock():
        api = created()
        async with running(api) as operator:
            while not is_ready(api):
                await asyncio.sleep(0.1)
                seen += [allowed(api)] if BUDGET in api.objects else []
            assert set(seen) == {0}
            await at_rest(api, operator, is_ready)
            await operator.stop()
    assert allowed(api) == 1
    assert history(api)[0] == "POST"


async def test_idle_it_is_never_written_and_costs_a_look_a_minute(servers: Servers) -> None:
    with virtual_clock():
        api = await with_volumes()
        before = len(history(api))
        async with running(api) as operator:  # another leader begins without any answer
            await at_rest(api, operator, is_ready)
            await asyncio.sleep(MINUTE)
            begin = len(servers.asked)
            await asyncio.sleep(20 * MINUTE)
            await operator.stop()
    assert len(servers.asked) - begin in (19, 20, 21)
    assert len(history(api)) == before


async def test_it_follows_what_servers_say(servers: Servers) -> None:
    with virtual_clock():
        api = await with_volumes()
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            for well, expected in ((False, 0), (True, 1)):
                servers.well, before = well, len(history(api))
                await asyncio.sleep(3 * MINUTE)
                assert allowed(api) == expected
                assert history(api)[before:].count("PATCH") in (1, 2), "an apply, and its ground"
            await operator.stop()


async def test_who_was_evicted_is_back_and_well_before_the_next_may_go(servers: Servers) -> None:
    with virtual_clock():
        api = created()
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            before = uids(api)["c-2"]
            api.delete(pod(2))
            seen = []
            while uids(api).get("c-2") in (None, before) or not is_ready(api):
                await asyncio.sleep(0.1)
                seen.append(allowed(api))
            assert set(seen[5:]) == {0}, "from half a second on"
            await at_rest(api, operator, is_ready)
            await operator.stop()
    assert allowed(api) == 1


async def test_of_a_paused_cluster_it_is_closed_and_not_opened(servers: Servers) -> None:
    with virtual_clock():
        api = await with_volumes()
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            api.edit(CLUSTER, {"spec": {"paused": True}})
            await asyncio.sleep(3 * MINUTE)
            assert allowed(api) == 1
            for well in (False, True):
                servers.well = well
                await asyncio.sleep(3 * MINUTE)
                assert allowed(api) == 0
            api.edit(CLUSTER, {"spec": {"paused": False}})
            await asyncio.sleep(3 * MINUTE)
            assert allowed(api) == 1
            await operator.stop()


async def test_a_roll_closes_it_once(servers: Servers) -> None:
    with virtual_clock():
        api = created()
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            before, pods = len(history(api)), uids(api)
            api.edit(CLUSTER, {"spec": {"pod": {"labels": {"a": "b"}}}})
            while uids(api) == pods:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            assert allowed(api) == 0
            await at_rest(api, operator, is_ready)
            await operator.stop()
    assert allowed(api) == 1
    assert not set(uids(api).values()) & set(pods.values())
    assert len(history(api)) - before <= 4


async def test_clusters_without_streams_have_none_and_send_no_request_about_it() -> None:
    asked: list[Request] = []

    def plan(request: Request) -> Fate:
        asked.append(request)
        return Fate()

    api = installed()
    api.plan = plan
    api.add(cluster(PLAIN))
    with virtual_clock():
        await settled(api)
    assert any(request.kind == "Pod" for request in asked)
    assert not [request for request in asked if request.kind == KIND]


async def test_it_goes_with_the_cluster(servers: Servers) -> None:
    with virtual_clock():
        api = await with_volumes()
        api.delete(CLUSTER)
        await asyncio.sleep(MINUTE)
    assert BUDGET not in api.objects


async def test_without_the_right_the_cluster_runs_and_says_what_is_missing(
    servers: Servers,
) -> None:
    def plan(request: Request) -> Fate:
        return Fate(refused=refusal(403, "Forbidden", "no")) if request.kind == KIND else Fate()

    api = installed()
    api.plan = plan
    with virtual_clock():
        api.add(cluster(SPEC))
        async with running(api) as operator:
            await at_rest(api, operator, lambda api: len(uids(api)) == 3)
            assert "rbac.podDisruptionBudgets" in condition(api, "Degraded")["message"]
            assert condition(api, "Degraded")["reason"] == "BudgetNotRead"
            api.plan = lambda _: Fate()
            await asyncio.sleep(150)
            await at_rest(api, operator, is_ready)
            await operator.stop()
    assert allowed(api) == 1
    assert condition(api, "Degraded")["status"] == "False"
