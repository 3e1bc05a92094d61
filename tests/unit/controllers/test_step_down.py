"""The leader of the meta group hands over before it restarts, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from natsctl.model.outcome import Outcome, Refused, Unknown
from natsctl.nats.jetstream_requests import Api
from natsctl.plan.actions import MOST_STEP_DOWNS
from tests.unit.simulated import process as simulated
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster
from tests.unit.simulated.crashes import CLUSTER, at_rest, running
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.volumes import SPEC, has_volumes

pytestmark = pytest.mark.looptime


def told(api: ApiServer) -> list[str]:
    """What happened to servers, as events tell it."""
    wanted = ("RestartingServer", "SteppingDown")
    found = [event for event in api.of_kind("Event") if event["reason"] in wanted]
    found.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
    return [event["message"].partition(":")[0] for event in found]


async def rolled() -> ApiServer:
    """A cluster all of whose servers were restarted for a new version."""
    api = installed()
    api.add(cluster(SPEC))
    async with running(api) as process:
        await at_rest(api, process, has_volumes)
        api.edit(CLUSTER, {"spec": {"version": "2.14.11"}})
        await at_rest(api, process, has_volumes)
        await process.stop()
    return api


async def test_the_last_one_restarts_once_another_one_leads() -> None:
    with virtual_clock():
        api = await rolled()
    assert told(api) == [
        "restarting c-3",
        "restarting c-2",
        "c-1 hands over the meta group before it stops",
        "restarting c-1",
    ]


@pytest.mark.parametrize("outcome", [Refused("no suitable peer"), Unknown("no answer in time")])
async def test_servers_that_do_not_hand_over_hold_nothing_up(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    asked: list[float] = []

    async def step_down(node: Node, api: Api, preferred: str) -> Outcome:
        asked.append(asyncio.get_running_loop().time())
        return outcome

    monkeypatch.setattr(simulated, "step_down", step_down)
    with virtual_clock():
        api = await rolled()
    assert told(api) == ["restarting c-3", "restarting c-2", "restarting c-1"]
    assert len(asked) == MOST_STEP_DOWNS
