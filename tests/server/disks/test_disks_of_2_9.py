"""A full disk destroys what servers of 2.9 store, so it never gets full.

They write up to five times what they count. That is what the default limit is made for: neither a
stream that drops its oldest, nor one that reaches the limit, gets a disk near its end.

It takes a minute, so it runs with NATSCTL_MATRIX.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from natsctl.api.types.jetstream import SHARE_BEFORE_2_10
from natsctl.controllers.supervisor import background
from natsctl.plan.rules.recovery import ROOM
from tests.server.crashes.answers import told
from tests.server.crashes.stories import Step, changes, creates
from tests.server.crashes.worlds import World
from tests.server.disks.stores import (
    HEAVY,
    MI,
    ON_DISKS,
    SERVERS,
    SIZE,
    addresses,
    copies_are_equal,
    disks,
    limits,
    publishing,
    small_disks,
    three,
    until,
    until_told,
)
from tests.unit.simulated.clusters import condition
from tests.unit.simulated.crashes import CLUSTER

pytestmark = ON_DISKS

VERSION = "2.9.25"
NORMAL = SIZE * SHARE_BEFORE_2_10 // 100
DROPS: dict[str, Any] = {"max_bytes": NORMAL // 2, "discard": "old"}
FLOOD = 15.0
"""Seconds for which a stream gets messages as fast as it can take them."""


@asynccontextmanager
async def watched(found: World) -> Any:
    """The highest per cent of a disk that were in use while the block lasted, in a list."""
    most = [0]

    async def watch() -> None:
        while True:
            most[0] = max(most[0], *(disks(found).used(index) for index in SERVERS))
            await asyncio.sleep(0.05)

    async with background(watch()):
        yield most


async def test_no_disk_gets_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with small_disks(tmp_path) as found:
        await found.tell(Step("create", creates(three(VERSION))))
        assert await limits(found) == [NORMAL] * 3
        await found.clients.create("DROPS", 3, **DROPS)
        del found.clients.acknowledged["DROPS"]
        await found.clients.create("FILLS", 3)
        async with watched(found) as most:
            await flood(found)
            flooded = most[0]
            async with publishing(found, "FILLS", size=HEAVY, pause=0.0):
                await until("a message is refused", lambda: refused(found))
                await until_told(found, "StorageLow", "QuorumLost")
            with capsys.disabled():
                print(f"\n{VERSION}: disks at {flooded} %, and at {most[0]} % at the limit", end="")
        assert most[0] < ROOM
        assert not [it for it in addresses(found) if (await told(it, "/jsz")).get("disabled")]
        assert await limits(found) == [NORMAL] * 3, "nothing is lent"
        await raise_the_limit(found)
        async with publishing(found, "FILLS", size=HEAVY):
            await until_told(found, "Ready", "StorageFilling", seconds=120)
        await copies_are_equal(found)
        await found.everything_is_there()
        said = await found.clients.insist("$JS.API.STREAM.INFO.DROPS")
        assert said["state"]["last_seq"] >= found.clients.flooded["DROPS"]


async def flood(found: World) -> None:
    async with background(found.clients.flood("DROPS", 1024)):
        await asyncio.sleep(FLOOD)
    assert found.clients.flooded["DROPS"] * 1024 > 2 * NORMAL, "the oldest were never dropped"


async def refused(found: World) -> bool:
    wait = found.clients.waits.get("FILLS")
    return wait is not None and wait.refused > 0


async def raise_the_limit(found: World) -> None:
    """The user does, and has servers restart although streams have no leader, as is told."""
    api = found.kubelet.api
    wanted = SIZE // MI * 30 // 100
    changes(jetstream={"fileStore": {"maxSize": f"{wanted}Mi"}})(api)

    async def have() -> bool:
        said = condition(api, "Progressing")["message"]
        for key, value in re.findall(r"(nats\.io/\S+)=([^\s,;]+)", said):
            api.edit(CLUSTER, {"metadata": {"annotations": {key: value}}})
        return await limits(found) == [wanted * MI] * 3

    await until("the higher limit", have, 120)
