"""The whole process on an API server at which something goes wrong: the same end, a bit later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster
from tests.unit.simulated.crashes import at_rest, is_ready, running
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.requests import Fate, Plan, Request, lost_reply, refusal, well

pytestmark = pytest.mark.looptime


def every(number: int, fate: Fate) -> Plan:
    """A fate for every so many writes; nothing happens to the others."""
    count = 0

    def plan(asked: Request) -> Fate:
        nonlocal count
        if not asked.writes or asked.kind == "Lease":
            return well(asked)
        count += 1
        return fate if count % number == 0 else well(asked)

    return plan


def nothing(_: ApiServer) -> None:
    """All watches go on."""


@pytest.mark.parametrize(
    ("plan", "watches"),
    [
        (every(2, Fate(lost=lost_reply())), nothing),
        (every(2, Fate(refused=refusal(500, "InternalError", "etcd"))), nothing),
        (every(3, Fate(refused=refusal(429, "TooMany", "slow down", "1"))), nothing),
        (every(3, Fate(there=6.0)), nothing),
        (every(3, Fate(back=6.0)), nothing),
        (well, ApiServer.cut),
        (well, ApiServer.forget_history),
    ],
    ids=["lost", "500", "429", "never arrives", "too late", "watches end", "410"],
)
async def test_a_cluster_comes_up_and_nothing_is_made_twice(
    plan: Plan, watches: Callable[[ApiServer], None]
) -> None:
    with virtual_clock():
        api = installed()
        api.plan = plan
        api.add(cluster())
        async with running(api) as process:
            await asyncio.sleep(0.3)
            watches(api)
            await at_rest(api, process, is_ready)
        assert api.deletions == []
        assert len(api.of_kind("Pod")) == 3


async def test_an_api_server_without_streaming_lists_is_listed() -> None:
    with virtual_clock():
        api = installed()
        api.streaming_lists = False
        async with running(api) as process:
            await at_rest(api, process, lambda _: True)
            liveness, readiness = process.probes
            assert not any(check() for check in (*liveness.values(), *readiness.values()))


async def test_a_process_that_is_asked_to_stop_lets_the_lease_go() -> None:
    with virtual_clock():
        api = installed()
        async with running(api) as process:
            await at_rest(api, process, lambda _: True)
            await process.stop()
            assert not process.leads()
            assert api.objects["Lease", "ns", "nats-operator"]["spec"]["holderIdentity"] == ""
