"""Servers with thousands of streams answer one after the other, and slowly. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import attrs
import pytest

from natsctl.model.jetstream import JetStreamReport
from natsctl.nats.monitoring import Place
from tests.unit.simulated import process as simulated
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster, condition
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.jetstream import look
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.volumes import SPEC

pytestmark = pytest.mark.looptime


@attrs.define
class Slow:
    """Servers that need so many seconds for their answers, one after the other."""

    seconds: float = 0.0

    async def look(
        self, node: Node, gate: object, places: Mapping[str, Place], *others: object
    ) -> dict[str, JetStreamReport]:
        """What `natsctl.nats.jetstream.look` does."""
        said = dict[str, JetStreamReport]()
        for uid, place in places.items():
            (report,) = (await look(node, gate, {uid: place}, *others)).values()
            await asyncio.sleep(self.seconds)
            said[uid] = attrs.evolve(report, heard=asyncio.get_running_loop().time())
        return said


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    found = Slow()
    monkeypatch.setattr(simulated, "look", found.look)
    with virtual_clock():
        yield found


def upgraded(api: ApiServer) -> None:
    api.edit(CLUSTER, {"spec": {"version": "2.15.3"}})


def releases(api: ApiServer) -> set[str]:
    return {pod["metadata"]["labels"]["nats_version"] for pod in api.of_kind("Pod")}


@pytest.mark.parametrize("seconds", [5.0, 14.0])
async def test_servers_that_answer_slowly_are_upgraded(servers: Slow, seconds: float) -> None:
    api = installed()
    api.add(cluster(SPEC))
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        servers.seconds = seconds
        await asyncio.sleep(200)  # until all earlier answers are too old
        upgraded(api)
        async with asyncio.timeout(900):
            while releases(api) != {"2.15.3"} or not is_ready(api):  # noqa: ASYNC110 - time is virtual
                await asyncio.sleep(1)
        await process.stop()


async def test_where_they_answer_too_far_apart_that_is_told(servers: Slow) -> None:
    api = installed()
    api.add(cluster(SPEC))
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        servers.seconds = 16.0
        await asyncio.sleep(200)  # until all earlier answers are too old
        upgraded(api)
        await asyncio.sleep(300)
        assert "2.15.3" not in releases(api)
        assert (
            "waiting: the first and the last server answer more than 30 seconds apart"
            in condition(api, "Progressing")["message"]
        )
        await process.stop()
