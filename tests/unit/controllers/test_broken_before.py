"""One consumer that nobody leads, while all servers restart: in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import attrs
import pytest

from natsctl.model.jetstream import Asset, Group, JetStreamReport, Raft, Replica, Store
from natsctl.nats.monitoring import Place
from tests.unit.simulated import process as simulated
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import cluster
from tests.unit.simulated.crashes import CLUSTER, at_rest, running
from tests.unit.simulated.jetstream import look
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.volumes import SPEC, has_volumes

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]
ORDERS, BROKEN = Asset("A", "ORDERS"), Asset("A", "ORDERS", "broken")


@attrs.define
class Streams:
    """A stream on all servers; `broken` are those of its groups that nobody leads."""

    broken: set[Asset] = attrs.field(factory=set)

    async def look(
        self, node: Node, gate: object, places: Mapping[str, Place], *others: object
    ) -> dict[str, JetStreamReport]:
        """What `natsctl.nats.jetstream.look` does."""
        reports = await look(node, gate, places, *others)
        names = sorted(said.name for said in reports.values() if not said.problem)
        return {uid: self._with_groups(said, names) for uid, said in reports.items()}

    def _with_groups(self, said: JetStreamReport, names: list[str]) -> JetStreamReport:
        if said.problem:
            return said
        groups = {asset: self._group(asset, said.name, names) for asset in (ORDERS, BROKEN)}
        return attrs.evolve(said, groups=groups)

    def _group(self, asset: Asset, name: str, names: list[str]) -> Group:
        others = (Replica(n, current=True, active=0.1) for n in names if n != name)
        leader = "" if asset in self.broken else names[0]
        store = None if asset.consumer else Store(100, 1, 100)
        return Group(asset, 3, Raft(leader, tuple(others)), store=store)


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Streams:
    found = Streams()
    monkeypatch.setattr(simulated, "look", found.look)
    return found


def jetstream(api: ApiServer) -> Json:
    found: Json = api.objects[CLUSTER]["status"].get("jetstream") or {}
    return found


def told(api: ApiServer, reason: str) -> list[str]:
    return [event["message"] for event in api.of_kind("Event") if event["reason"] == reason]


def with_streams() -> ApiServer:
    api = installed()
    api.add(cluster(SPEC))
    return api


def changes(api: ApiServer) -> None:
    api.edit(CLUSTER, {"spec": {"version": "2.14.11"}})


async def breaks(streams: Streams) -> None:
    """All looks that count have seen it."""
    streams.broken.add(BROKEN)
    await asyncio.sleep(70)


async def first_restart(api: ApiServer) -> None:
    async with asyncio.timeout(60):
        while not told(api, "RestartingServer"):  # noqa: ASYNC110 - in virtual time
            await asyncio.sleep(0.1)


async def test_it_stops_no_roll_and_is_named_meanwhile(streams: Streams) -> None:
    with virtual_clock():
        api = with_streams()
        async with running(api) as process:
            await at_rest(api, process, has_volumes)
            await breaks(streams)
            changes(api)
            await first_restart(api)
            (row,) = jetstream(api)["brokenBefore"]
            assert (row["why"], row["consumer"]) == ("no-leader", "broken")
            await at_rest(api, process, has_volumes)
            await process.stop()
    assert len(told(api, "RestartingServer")) == 3
    (text,) = told(api, "BrokenBefore")
    assert "consumer A/ORDERS/broken has no leader" in text
    assert not {"brokenBefore", "waiting"} & jetstream(api).keys()


async def test_another_process_tells_since_when_it_blocks(streams: Streams) -> None:
    with virtual_clock():
        api = with_streams()
        async with running(api) as process:
            await at_rest(api, process, has_volumes)
            await breaks(streams)
            (before,) = jetstream(api)["blocked"]
            assert before["since"]
            await process.kill()
            process.line.died.clear()
            await asyncio.sleep(600)
            process.start()
            await at_rest(api, process, has_volumes)
            await asyncio.sleep(200)
            await process.stop()
    assert jetstream(api)["blocked"] == [before]


async def test_another_process_goes_on_with_what_was_broken_before(streams: Streams) -> None:
    with virtual_clock():
        api = with_streams()
        async with running(api) as process:
            await at_rest(api, process, has_volumes)
            await breaks(streams)
            changes(api)
            await first_restart(api)
            await process.kill()
            process.line.died.clear()
            process.start()
            await at_rest(api, process, has_volumes)
            await process.stop()
    assert len(told(api, "RestartingServer")) == 3
    assert len(told(api, "BrokenBefore")) == 1


async def test_what_breaks_later_stops_it_and_is_reported_three_times(streams: Streams) -> None:
    with virtual_clock():
        api = with_streams()
        async with running(api) as process:
            await at_rest(api, process, has_volumes)
            changes(api)
            await first_restart(api)
            await breaks(streams)
            await asyncio.sleep(3700)
            assert len(told(api, "RestartingServer")) == 1
            texts = told(api, "StillWaiting")
            assert sorted(text.partition(" minutes")[0] for text in texts) == [
                "c-2 has waited for 10",
                "c-2 has waited for 2",
                "c-2 has waited for 60",
            ]
            assert all("consumer A/ORDERS/broken has no leader" in text for text in texts)
            streams.broken.clear()
            await at_rest(api, process, has_volumes)
            await process.stop()
