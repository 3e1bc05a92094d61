"""A cluster that another installation of natsctl manages: left alone until that one is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from natsctl.model import names
from natsctl.plan.adoption.ownership import HANDOVER
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster, events, three_servers
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import SETTINGS, installed, virtual_clock, writes
from tests.unit.simulated.requests import Fate, Request, refusal, well

pytestmark = pytest.mark.looptime

OTHER = "other/nats-operator"
LEASE = ("Lease", "other", "nats-operator")


def of_the_other(**meta: Any) -> ApiServer:
    """A cluster that the other installation has taken."""
    api = installed()
    api.add({**cluster(**meta), "status": {"operator": OTHER}})
    return api


@contextmanager
def renewing(api: ApiServer) -> Iterator[None]:
    """The other installation is alive."""
    meta = {"name": LEASE[2], "namespace": LEASE[1]}
    api.add({"apiVersion": "coordination.k8s.io/v1", "kind": LEASE[0], "metadata": meta})

    async def renew() -> None:
        while True:
            await asyncio.sleep(2)
            now = asyncio.get_running_loop().time()
            api.edit(LEASE, {"spec": {"renewTime": str(now)}})

    renewals = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewals.cancel()


def operator(api: ApiServer) -> str:
    """Whose the cluster is."""
    return str(api.objects[CLUSTER]["status"].get("operator", ""))


async def test_nothing_is_done_while_the_other_lives_and_that_is_told_once() -> None:
    with virtual_clock():
        api = of_the_other()
        with renewing(api):
            async with running(api):
                await asyncio.sleep(600)
        assert {asked.kind for asked in writes(api)} == {"Event"}
        assert events(api) == ["ManagedByAnother"]
        assert operator(api) == OTHER


async def test_a_lease_that_no_longer_changes_gives_the_cluster_away() -> None:
    with virtual_clock():
        api = of_the_other()
        async with running(api) as process:
            with renewing(api):
                await asyncio.sleep(60)
            assert operator(api) == OTHER
            await asyncio.sleep(2 * HANDOVER + 5)
            assert operator(api) == SETTINGS.installation
            await at_rest(api, process, is_ready)


async def test_an_installation_without_a_lease_is_gone() -> None:
    with virtual_clock():
        api = of_the_other()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
        assert operator(api) == SETTINGS.installation
        assert "ManagedByAnother" not in events(api)


async def test_a_lease_that_may_not_be_read_is_no_proof_of_anything() -> None:
    with virtual_clock():
        api = of_the_other()
        api.plan = unreadable_lease
        async with running(api):
            await asyncio.sleep(600)
        assert operator(api) == OTHER
        assert events(api) == ["ManagedByAnother"]


def unreadable_lease(asked: Request) -> Fate:
    if asked.where == LEASE:
        return Fate(refused=refusal(403, "Forbidden", "no right to look there"))
    return well(asked)


async def test_whom_the_user_chose_waits_for_the_other_to_let_go_and_no_longer() -> None:
    with virtual_clock():
        api = of_the_other(annotations={names.OPERATOR_ANNOTATION: SETTINGS.installation})
        with renewing(api):
            async with running(api) as process:
                await asyncio.sleep(HANDOVER - 5)
                assert operator(api) == OTHER
                await asyncio.sleep(10)
                assert operator(api) == SETTINGS.installation
                await at_rest(api, process, is_ready)


async def test_a_cluster_that_the_user_gives_to_another_is_let_go_as_it_is() -> None:
    with virtual_clock():
        api = await three_servers()
        pods = api.of_kind("Pod")
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            api.edit(CLUSTER, {"metadata": {"annotations": {names.OPERATOR_ANNOTATION: OTHER}}})
            await asyncio.sleep(5)
            assert operator(api) == ""
            assert "HandedOver" in events(api)
            done = len(writes(api))
            api.edit(CLUSTER, {"spec": {"size": 1}})
            api.delete(("Service", "ns", "c"))
            await asyncio.sleep(600)
        assert len(writes(api)) == done
        assert api.of_kind("Pod") == pods
