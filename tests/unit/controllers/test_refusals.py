"""What the API server does not let natsctl do, and what is done and told instead."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import cluster, condition, settled, three_servers, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.requests import Fate, Plan, Request, refusal, well

pytestmark = pytest.mark.looptime


def refusing(fate: Fate, *, method: str, kind: str, part: str = "", dry: bool = False) -> Plan:
    """A fate for requests of this kind; nothing happens to the others."""

    def plan(asked: Request) -> Fate:
        meant = (asked.method, asked.kind, asked.part, "dryRun" in asked.params)
        return fate if meant == (method, kind, part, dry) else well(asked)

    return plan


def forbidden(message: str = "a webhook says no") -> Fate:
    return Fate(refused=refusal(403, "Forbidden", message))


async def test_no_server_is_taken_away_whose_successor_would_be_refused() -> None:
    with virtual_clock():
        api = await three_servers()
        before = uids(api)
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            api.plan = refusing(forbidden(), method="POST", kind="Pod", dry=True)
            api.edit(CLUSTER, {"spec": {"version": "2.11.5"}})
            await asyncio.sleep(120)
            assert uids(api) == before
            told = condition(api, "Degraded")
            assert (told["status"], told["reason"]) == ("True", "Forbidden")
            assert "not restarted, because the API server rejects" in told["message"]
            assert "a webhook says no" in told["message"]
            api.plan = well
            await at_rest(api, process, is_ready)
        assert set(uids(api).values()).isdisjoint(before.values())


async def test_a_full_quota_is_nothing_against_a_successor() -> None:
    """It takes the place that gets free."""
    with virtual_clock():
        api = await three_servers()
        before = uids(api)
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            full = forbidden("pods c-3 is forbidden: exceeded quota: q, requested: pods=1")
            api.plan = refusing(full, method="POST", kind="Pod", dry=True)
            api.edit(CLUSTER, {"spec": {"version": "2.11.5"}})
            await at_rest(api, process, is_ready)
        assert set(uids(api).values()).isdisjoint(before.values())


def with_a_worker(api: ApiServer) -> ApiServer:
    """A cluster whose users are ServiceAccounts, and one that has a role."""
    api.add(cluster({"size": 1, "version": "2.11.4", "auth": {"enableServiceAccounts": True}}))
    meta: Json = {"name": "worker", "namespace": "ns"}
    api.add({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    meta = {**meta, "labels": {"nats_cluster": "c"}}
    api.add({"kind": "NatsServiceRole", "metadata": meta, "spec": {"permissions": {}}})
    return api


TOKEN = ("Secret", "ns", "worker-c-bound-token")


@pytest.mark.parametrize(
    ("method", "kind", "part"),
    [("POST", "ServiceAccount", "token"), ("PATCH", "Secret", "")],
)
async def test_a_token_that_may_not_be_made_costs_its_own_user_only(
    method: str, kind: str, part: str
) -> None:
    with virtual_clock():
        api = with_a_worker(installed())
        api.plan = refusing(forbidden(), method=method, kind=kind, part=part)
        async with running(api) as process:
            await asyncio.sleep(60)
            assert len(uids(api)) == 1
            assert not (api.objects[TOKEN].get("data") or {}).get("token")
            role = api.objects["NatsServiceRole", "ns", "worker"]
            assert "a webhook says no" in str(role["status"])
            api.plan = well
            await asyncio.sleep(120)
            await at_rest(api, process, is_ready)
        assert api.objects[TOKEN]["data"]["token"]


async def test_a_role_that_goes_while_its_status_is_written_is_no_failure() -> None:
    with virtual_clock():
        api = with_a_worker(installed())
        gone = Fate(refused=refusal(404, "NotFound", "natsserviceroles worker not found"))
        api.plan = refusing(gone, method="PATCH", kind="NatsServiceRole", part="status")
        await settled(api)
        assert condition(api, "Degraded")["status"] == "False"


async def test_a_cluster_that_goes_while_its_status_is_written_is_no_failure() -> None:
    with virtual_clock():
        api = await three_servers()
        gone = Fate(refused=refusal(404, "NotFound", "natsclusters c not found"))
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            api.plan = refusing(gone, method="PATCH", kind="NatsCluster", part="status")
            api.edit(CLUSTER, {"spec": {"size": 2}})
            await asyncio.sleep(30)
            assert len(uids(api)) == 2
            api.plan = well
            api.edit(CLUSTER, {"spec": {"size": 1}})
            await at_rest(api, process, is_ready)
