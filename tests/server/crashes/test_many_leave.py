"""Seven of twelve real servers leave under load, and nothing that was acknowledged is lost.

Each is emptied before it goes, whatever it holds: streams with one and with three replicas, a
key-value store, and consumers in the middle of their work. In the end each replica is made the
leader, and has to have all messages.

It takes minutes, so it runs with NATSCTL_MATRIX. What `test_crashes` tells has two servers leave.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.server.crashes.answers import held, told
from tests.server.crashes.clients import WORKER, connected
from tests.server.crashes.deaths import Deaths
from tests.server.crashes.kubelet import Kubelet
from tests.server.crashes.stories import Step, changes, creates
from tests.server.crashes.worlds import World, world
from tests.unit.simulated.requests import Where

pytestmark = [pytest.mark.server, pytest.mark.timeout(2400)]

BEFORE, AFTER = 12, 5
LONGEST, PATIENCE = 900.0, 90.0
VERSIONS = ("2.14.10", "2.15.3")
"""These move streams in two ways: one by one, and by one request for the whole server."""
STREAMS = {**{f"THREE-{i}": 3 for i in range(6)}, **{f"ONE-{i}": 1 for i in range(4)}}
WORKED = ("THREE-0", "ONE-0")
"""Streams with a consumer."""
STORE, KEYS = "KV_STORE", 10


@attrs.define
class Witness(Kubelet):
    """Asks each server what it holds when it is to stop."""

    last_held: list[tuple[str, list[str]]] = attrs.field(factory=list)
    """Pods in the order in which they went, and streams."""

    async def _until_stopped(self, where: Where) -> None:
        address = self.network.reached(self.address_of(self.api.objects[where]))
        self.last_held.append((where[2], sorted(await held(address))))
        await super()._until_stopped(where)


def server(found: World, index: int) -> str:
    """The address of a server."""
    return found.kubelet.network.address(index)


def key_of(number: int) -> str:
    """The subject of the key that has this number as one of its values."""
    return f"$KV.STORE.k{number % KEYS}"


async def loaded(found: World) -> None:
    """Publishers and consumers are at work; and each server that is to leave has something."""
    clients, tasks = found.clients, found.publishers
    for name, replicas in STREAMS.items():
        await clients.create(name, replicas)
        tasks.append(asyncio.create_task(clients.publish(name)))
    bucket = {"subjects": ["$KV.STORE.>"], "max_msgs_per_subject": 1, "allow_direct": True}
    await clients.create(STORE, 3, **bucket)
    tasks.append(asyncio.create_task(clients.publish(STORE, key_of)))
    tasks.extend(asyncio.create_task(clients.work(name)) for name in WORKED)
    for index in range(AFTER + 1, BEFORE + 1):
        assert await held(server(found, index)), index


@pytest.mark.parametrize("version", VERSIONS)
async def test_seven_of_twelve_servers_leave_and_lose_nothing(tmp_path: Path, version: str) -> None:
    spec = {"size": BEFORE, "version": version, "jetstream": {}}
    async with world(tmp_path, Deaths(2**31, 1), Witness, LONGEST) as found:
        await found.tell(Step("create", creates(spec)))
        await loaded(found)
        started = time.monotonic()
        await found.tell(Step("scale down", changes(size=AFTER)))
        print(f"{version}: {BEFORE} to {AFTER} in {time.monotonic() - started:.0f} s")
        one_after_the_other(found.kubelet)
        await everybody_knows_five(found)
        await consumers_catch_up(found)
        for task in found.publishers:
            task.cancel()
        await asyncio.gather(*found.publishers, return_exceptions=True)
        for stream in (*STREAMS, STORE):
            await every_replica_has_all(found, stream)
        assert found.kubelet.accidents == []


def one_after_the_other(kubelet: Kubelet) -> None:
    """From the highest, each only when nothing was left on it."""
    assert isinstance(kubelet, Witness)
    gone: list[tuple[str, list[str]]] = [(f"c-{index}", []) for index in range(BEFORE, AFTER, -1)]
    assert kubelet.last_held == gone
    assert kubelet.most_away == 1


async def everybody_knows_five(found: World) -> None:
    """The meta group has exactly those members that are there: so says its leader, and the others
    count as many."""
    running = {(await told(server(found, index), "/varz"))["server_name"] for index in staying()}
    groups = [(await told(server(found, index), "/jsz"))["meta_cluster"] for index in staying()]
    assert [meta["cluster_size"] for meta in groups] == [AFTER] * AFTER
    (leader,) = {meta["leader"] for meta in groups}
    (listed,) = [
        [it["name"] for it in meta["replicas"]]
        for index, meta in zip(staying(), groups, strict=True)
        if leader.startswith(f"c-{index}-")
    ]
    assert sorted([leader, *listed]) == sorted(running)


def staying() -> Iterator[int]:
    """Indexes of servers."""
    yield from range(1, AFTER + 1)


async def consumers_catch_up(found: World) -> None:
    """Nothing that was acknowledged to a publisher is left out by a consumer."""
    clients = found.clients
    for stream in WORKED:
        wanted = set(range(clients.acknowledged[stream]))
        async with asyncio.timeout(PATIENCE):
            while not wanted <= clients.worked[stream]:  # noqa: ASYNC110 - over there
                await asyncio.sleep(0.2)
        said = await clients.insist(f"$JS.API.CONSUMER.INFO.{stream}.{WORKER}")
        assert said["ack_floor"]["stream_seq"] >= len(wanted), said


async def every_replica_has_all(found: World, stream: str) -> None:
    """Each is made the leader, and read."""
    number = found.clients.acknowledged[stream]
    assert number > 20, stream
    replicas = STREAMS.get(stream, 3)
    said = await found.clients.insist(f"$JS.API.STREAM.INFO.{stream}")
    members = [
        said["cluster"]["leader"],
        *(it["name"] for it in said["cluster"].get("replicas", ())),
    ]
    assert len(members) == replicas, (stream, members)
    for member in members:
        if replicas > 1:
            await lead(found, stream, member)
        assert missing(number, await stored(found, stream), stream) == [], (stream, member)
    states = [
        it[stream] for index in staying() if stream in (it := await held(server(found, index)))
    ]
    assert len(states) == replicas
    assert len({(it["messages"], it["first_seq"], it["last_seq"]) for it in states}) == 1, states


async def lead(found: World, stream: str, member: str) -> None:
    """Have this replica lead its stream."""
    wish = {"placement": {"preferred": member}}
    async with asyncio.timeout(PATIENCE):
        while True:
            said = await found.clients.insist(f"$JS.API.STREAM.INFO.{stream}")
            leader = (said.get("cluster") or {}).get("leader")
            if leader == member:
                return
            if leader:
                await found.clients.insist(f"$JS.API.STREAM.LEADER.STEPDOWN.{stream}", wish)
            await asyncio.sleep(0.5)


async def stored(found: World, stream: str) -> set[int]:
    """The numbers of messages that its leader reads from its own store."""
    if stream != STORE:
        return await found.clients.stored(stream)
    values = set()
    async with connected(found.clients.addresses()[0]) as wire:
        for key in range(KEYS):
            content = json.dumps({"last_by_subj": key_of(key)}).encode()
            said = await wire.ask(f"$JS.API.STREAM.MSG.GET.{STORE}", content)
            values.add(int(base64.b64decode(said["message"]["data"])))
    return values


def missing(number: int, there: set[int], stream: str) -> list[int]:
    """What was acknowledged and cannot be read; of a key, only the last value has to be there."""
    if stream != STORE:
        return sorted(set(range(number)) - there)
    latest = {it % KEYS: it for it in there}
    return [it for it in range(number - KEYS, number) if latest.get(it % KEYS, -1) < it]
