"""What the process tells of JetStream, and how seldom it writes that: in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from natsctl.controllers.cluster import cache
from natsctl.model.jetstream import Asset, Group, JetStreamReport, Raft, Replica, Store, Usage
from natsctl.nats.monitoring import Place
from natsctl.plan.gates.seen import Seen
from natsctl.plan.jetstream import seen_in
from natsctl.plan.state import ClusterState
from tests.unit.simulated import process as simulated
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import cluster, condition
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.jetstream import look
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import installed, virtual_clock, writes
from tests.unit.simulated.volumes import SPEC

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]
ORDERS = Asset("A", "ORDERS")


@attrs.define
class Busy:
    """Servers that hold one stream on all of them, at work: nothing they count stands still."""

    asked: list[float] = attrs.field(factory=list)

    async def look(
        self, node: Node, gate: object, places: Mapping[str, Place], *others: object
    ) -> dict[str, JetStreamReport]:
        """What `natsctl.nats.jetstream.look` does."""
        self.asked.append(now())
        reports = await look(node, gate, places, *others)
        names = sorted(said.name for said in reports.values())
        return {uid: self._at_work(said, names) for uid, said in reports.items()}

    def _at_work(self, said: JetStreamReport, names: list[str]) -> JetStreamReport:
        if said.problem:
            return said
        round_ = len(self.asked)
        file = Usage(40_000_000 + round_ % 7 * 500_000, 100_000_000)
        assets = [ORDERS, *(Asset("A", "ORDERS", f"c-{n}") for n in range(20 + round_ % 2))]
        groups = {asset: self._group(asset, said.name, names) for asset in assets}
        return attrs.evolve(said, file=file, groups=groups)

    def _group(self, asset: Asset, name: str, names: list[str]) -> Group:
        round_ = len(self.asked)
        others = (Replica(n, current=True, active=0.1, lag=round_ % 3) for n in names if n != name)
        store = None if asset.consumer else Store(100 + round_, 1, 100 + round_)
        return Group(asset, 3, Raft(names[0], tuple(others)), store=store)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Busy:
    found = Busy()
    monkeypatch.setattr(simulated, "look", found.look)
    return found


def now() -> float:
    return asyncio.get_running_loop().time()


def status(api: ApiServer) -> Json:
    return dict(api.objects[CLUSTER]["status"])


def told(api: ApiServer) -> tuple[str, str]:
    found = condition(api, "JetStream")
    return found["status"], found["reason"]


def with_streams(**spec: Any) -> ApiServer:
    api = installed()
    api.add(cluster(SPEC | spec))
    return api


async def test_a_cluster_at_work_is_looked_at_once_a_minute_and_never_written(busy: Busy) -> None:
    with virtual_clock():
        api = with_streams()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            await asyncio.sleep(120)
            assert told(api) == ("True", "Ready")
            assert status(api)["jetstream"]["quorum"] == "ok"
            assert status(api)["jetstream"]["metaLeader"] == "c-1"
            written, asked = len(writes(api)), len(busy.asked)
            await asyncio.sleep(3600)
            assert writes(api)[written:] == []
            assert len(busy.asked) - asked in (59, 60, 61)
            await process.stop()


async def test_a_new_cluster_says_once_that_it_is_well(busy: Busy) -> None:
    with virtual_clock():
        api = with_streams()
        async with running(api, node=Node(api, silent={"c-2"})) as process:
            await asyncio.sleep(15)
            assert busy.asked
            process.node.silent.clear()
            await at_rest(api, process, is_ready)
            await asyncio.sleep(120)
            await process.stop()
    reasons = {event["reason"] for event in api.of_kind("Event")}
    assert "Ready" in reasons
    assert not {"QuorumCritical", "QuorumLost", "ServersNotAnswering"} & reasons


async def test_what_two_looks_show_is_judged_once_however_many_passes_need_it(
    busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[object] = []

    def judging(state: ClusterState) -> Seen | None:
        judged.append(state)
        return seen_in(state)

    monkeypatch.setattr(cache, "seen_in", judging)
    with virtual_clock():
        api = with_streams()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            await asyncio.sleep(120)
            begun, asked = len(judged), len(busy.asked)
            for number in range(300):
                api.edit(CLUSTER, {"metadata": {"labels": {"changed": str(number)}}})
                await asyncio.sleep(2)
            assert len(judged) - begun == len(busy.asked) - asked
            await process.stop()


async def test_a_new_process_tells_the_same_and_writes_nothing(busy: Busy) -> None:
    with virtual_clock():
        api = with_streams()
        for _ in range(2):
            async with running(api) as process:
                await at_rest(api, process, is_ready)
                await asyncio.sleep(120)
                await process.stop()
            before, written = status(api), len(writes(api))
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            await asyncio.sleep(300)
            await process.stop()
    assert status(api) == before
    assert [r for r in writes(api)[written:] if r.kind == "NatsCluster"] == []


async def test_a_server_that_falls_silent_is_told_and_so_is_its_return(busy: Busy) -> None:
    with virtual_clock():
        api = with_streams()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            await asyncio.sleep(120)
            process.node.silent.add("c-2")
            await asyncio.sleep(130)
            assert told(api) == ("False", "QuorumCritical")
            assert status(api)["jetstream"]["mustStay"] == ["c-1", "c-3"]
            process.node.silent.clear()
            await asyncio.sleep(130)
            assert told(api) == ("True", "Ready")
            await process.stop()


async def test_a_paused_cluster_is_looked_at_too(busy: Busy) -> None:
    with virtual_clock():
        api = with_streams()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            api.edit(CLUSTER, {"spec": {"paused": True}})
            await asyncio.sleep(120)
            asked = len(busy.asked)
            await asyncio.sleep(600)
            assert len(busy.asked) - asked in (9, 10, 11)
            assert told(api) == ("True", "Ready")
            await process.stop()


async def test_what_an_earlier_status_says_is_removed_from_a_cluster_without_jetstream() -> None:
    with virtual_clock():
        api = installed()
        api.add(cluster() | {"status": {"jetstream": {"quorum": "lost"}}})
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            await process.stop()
    assert "jetstream" not in status(api)
    assert condition(api, "JetStream") == {}
