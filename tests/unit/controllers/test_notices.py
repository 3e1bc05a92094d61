"""Before a server restarts, events name the streams that go with it: in virtual time."""

from __future__ import annotations

import attrs
import pytest

from tests.unit.simulated.clusters import cluster
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.requests import Fate, Request, refusal
from tests.unit.simulated.volumes import SPEC

pytestmark = pytest.mark.looptime
LOST = "StreamsUnavailable"


@attrs.define
class Way:
    """The way to the API server, which refuses to delete pods so many times.

    `told` are events of restarts in the order in which they are written.
    """

    refused: int
    told: list[str] = attrs.field(factory=list)

    def __call__(self, asked: Request) -> Fate:
        """The plan of the API server."""
        if asked.kind == "Event" and asked.body["reason"] == LOST:
            self.told.append(asked.body["message"])
        elif asked.kind == "Event" and asked.body["reason"] == "RestartingServer":
            self.told.append(asked.body["message"].partition(":")[0])
        elif asked.kind == "Pod" and asked.method == "DELETE" and self.refused:
            self.refused -= 1
            return Fate(refused=refusal(500, "InternalError", "later"))
        return Fate()


@pytest.mark.parametrize("refused", [0, 3])
async def test_a_stream_with_one_replica_is_named_first_and_once(refused: int) -> None:
    """Also if the API server refuses at first to delete the pod."""
    way = Way(refused)
    with virtual_clock():
        api = installed()
        api.add(cluster(SPEC))
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            uid = str(api.objects[CLUSTER]["metadata"]["uid"])
            process.node.streams["ns", "c"].held["LOG"] = [f"c-2-{uid[:8]}"]
            api.plan = way
            api.edit(CLUSTER, {"spec": {"version": "2.14.11"}})
            await at_rest(api, process, is_ready)
            await process.stop()
    text = "while c-2 restarts, these are not available: with one replica: stream A/LOG"
    assert len(way.told) == 4
    assert way.told.count(text) == 1
    assert way.told[way.told.index(text) + 1] == "restarting c-2"
