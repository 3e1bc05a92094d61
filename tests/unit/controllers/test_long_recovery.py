"""A server that reads a large store for long is left alone, and so are all others meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from natsctl.model import names
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import cluster, condition, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, running
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.volumes import SPEC, has_volumes

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]
NEW = "2.14.11"
RECOVERS = 25 * 60.0


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last server takes its time before it is ready, once it has restarted."""
    quickly = Node._until_ready

    async def until_ready(node: Node, pod: Json) -> None:
        meta = pod["metadata"]
        if meta["name"] == "c-3" and meta["labels"][names.LABEL_VERSION] == NEW:
            await asyncio.sleep(RECOVERS)
        await quickly(node, pod)

    monkeypatch.setattr(Node, "_until_ready", until_ready)


def told(api: ApiServer, reason: str) -> list[str]:
    return [event["message"] for event in api.of_kind("Event") if event["reason"] == reason]


@pytest.mark.usefixtures("slow")
async def test_the_roll_waits_and_nobody_restarts_it() -> None:
    with virtual_clock():
        api = installed()
        api.add(cluster(SPEC))
        async with running(api) as process:
            await at_rest(api, process, has_volumes)
            before = uids(api)
            api.edit(CLUSTER, {"spec": {"version": NEW}})
            await asyncio.sleep(60)
            recovering = uids(api)["c-3"]
            assert recovering != before["c-3"]
            await asyncio.sleep(RECOVERS - 120)
            assert uids(api) == {**before, "c-3": recovering}
            assert "c-3" in condition(api, "Progressing")["message"]
            assert len(told(api, "RestartingServer")) == 1
            assert sorted(text.partition(" minutes")[0] for text in told(api, "StillWaiting")) == [
                "c-2 has waited for 10",
                "c-2 has waited for 2",
            ]
            await at_rest(api, process, has_volumes)
            assert uids(api)["c-3"] == recovering
            assert not before.items() & uids(api).items()
            await process.stop()
