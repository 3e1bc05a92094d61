"""Disks below real servers are full, and once there is room, all that was acknowledged is there.

Servers disable JetStream then, or a stream stays as it is on them, whatever /healthz says. They are
found, left alone while a restart cannot help, and restarted when it can.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from natsctl.plan.gates import frozen
from natsctl.plan.rules import recovery
from tests.server.crashes.answers import told
from tests.server.crashes.stories import Step, changes, creates
from tests.server.crashes.worlds import World
from tests.server.disks.stores import (
    ON_DISKS,
    SERVERS,
    addresses,
    copies_are_equal,
    disks,
    follower,
    longest_waits,
    publishing,
    reason,
    small_disks,
    three,
    until,
    until_told,
    versions,
)
from tests.unit.simulated.clusters import uids

pytestmark = ON_DISKS

FULL = ("JetStreamDisabled", "StreamsFrozen")
AILING = (*FULL, "QuorumLost", "QuorumCritical")
MEDIUM = 4096
STREAMS = ("A", "B")


@pytest.fixture(autouse=True)
def young_servers_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits until servers have run for ten minutes."""
    monkeypatch.setattr(recovery, "LIVED", 10.0)
    monkeypatch.setattr(frozen, "RECOVERED", 10.0)


async def loaded(found: World, version: str) -> None:
    """Three servers with streams."""
    await found.tell(Step("create", creates(three(version))))
    for stream in STREAMS:
        await found.clients.create(stream, 3)


async def all_publish(found: World, more: int = 20) -> None:
    """So many messages of each stream are acknowledged that were not sent before."""
    clients = found.clients
    before = dict(clients.acknowledged)

    async def published() -> bool:
        return all(clients.acknowledged[it] >= before[it] + more for it in STREAMS)

    await until("all streams go on", published, 120)


async def is_well(found: World) -> None:
    """Everything runs, publishers go on, and nothing that was acknowledged is missing."""
    await until_told(found, "Ready", seconds=120)
    await all_publish(found)
    await copies_are_equal(found)
    await found.everything_is_there()


@pytest.mark.parametrize("version", versions("2.10.29", "2.14.10"))
async def test_a_server_whose_disk_was_full_comes_back_by_itself(
    tmp_path: Path, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with small_disks(tmp_path) as found:
        await loaded(found, version)
        async with publishing(found, "A", size=MEDIUM, pause=0.05), publishing(found, "B"):
            await all_publish(found)
            before, index = uids(found.kubelet.api), await follower(found, *STREAMS)
            disks(found).fill(index)
            noticed = await until_told(found, *FULL)
            ailment = reason(found)
            await all_publish(found)
            await asyncio.sleep(recovery.LIVED)
            assert uids(found.kubelet.api) == before, "restarted while its disk is full"
            disks(found).make_room(index)
            took = await until("it restarted", lambda: restarted(found, before, {index}))
            await is_well(found)
            with capsys.disabled():
                print(f"\n{version}: {ailment} after {noticed:.1f} s, restarted {took:.1f} s after")
                print(f"there was room, longest waits {longest_waits(found)}", end="")


async def restarted(found: World, before: dict[str, str], indexes: set[int]) -> bool:
    """Whether these servers, and no others, have another pod."""
    now = uids(found.kubelet.api)
    new = {pod for pod, uid in before.items() if now.get(pod) != uid}
    assert new <= {f"c-{index}" for index in indexes}, new
    return len(new) == len(indexes) and len(now) == len(before)


@pytest.mark.parametrize("version", versions("2.10.29", "2.12.15"))
async def test_servers_whose_disks_were_all_full_come_back_by_themselves(
    tmp_path: Path, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once the user has grown the volumes."""
    async with small_disks(tmp_path) as found:
        await loaded(found, version)
        async with publishing(found, "A", size=MEDIUM, pause=0.05), publishing(found, "B"):
            await all_publish(found)
            for index in SERVERS:
                disks(found).fill(index)
            noticed = await until_told(found, *AILING)
            ailment, said = reason(found), await healths(found)
            store = {"pvc": {"size": "192Mi"}}
            changes(jetstream={"fileStore": store})(found.kubelet.api)
            await all_publish(found)
            await is_well(found)
            with capsys.disabled():
                print(f"\n{version}: {ailment} after {noticed:.1f} s, /healthz {said}")
                print(f"longest waits {longest_waits(found)}", end="")


async def healths(found: World) -> list[str]:
    """What /healthz says on each server."""
    said = []
    for address in addresses(found):
        try:
            page = await told(address, "/healthz")
        except OSError as error:
            page = {"status": str(error)}
        said.append(str(page["status"]))
    return said
