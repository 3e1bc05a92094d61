"""Stores that get to their limit, and what becomes of that."""

from __future__ import annotations

import asyncio

from tests.server.crashes.stories import Step, creates
from tests.server.crashes.worlds import World
from tests.server.disks.stores import (
    HEAVY,
    MI,
    SIZE,
    copies_are_equal,
    fill,
    limits,
    publishing,
    purged,
    three,
    until,
    until_told,
)
from tests.unit.simulated.clusters import events, uids

NORMAL, LENT = SIZE * 70 // 100, SIZE * 78 // 100 // MI * MI
SOON = 15.0
"""Seconds after which clients have to be able to go on."""


async def loaded(found: World, version: str, most: float) -> None:
    """Three servers whose stores are nearly full, as natsctl has noticed."""
    await found.tell(Step("create", creates(three(version))))
    for stream in ("HEAVY", "LIGHT", "SPARE"):
        await found.clients.create(stream, 3)
    await fill(found, "SPARE", NORMAL, 5)
    await fill(found, "HEAVY", NORMAL, most)
    await until_told(found, "StorageLow", "StorageLent")


async def have_limit(found: World, limit: int, seconds: float) -> float:
    """How long it takes until all servers have it."""

    async def have() -> bool:
        return await limits(found) == [limit] * 3

    return await until(f"a limit of {limit}", have, seconds)


async def reach_the_limit(found: World) -> None:
    """Publish faster than anybody can look at the servers, until one refuses a message."""

    async def refused() -> bool:
        return found.clients.waits["HEAVY"].refused > 0

    async with publishing(found, "HEAVY", size=HEAVY, pause=0.0):
        await asyncio.sleep(0)
        await until("a message is refused", refused)


async def nothing_is_lost(found: World) -> None:
    """Each acknowledged message can be read, and all copies are equal."""

    await copies_are_equal(found)
    await found.everything_is_there()


async def is_taken_back(found: World) -> None:
    """Once there is room, servers restart with their normal limit, one after the other."""
    await purged(found, "HEAVY")
    found.clients.acknowledged.pop("HEAVY")
    before = uids(found.kubelet.api)
    found.kubelet.observe_from_now()
    await have_limit(found, NORMAL, 120)
    await until_told(found, "Ready")
    assert not before.items() & uids(found.kubelet.api).items()
    assert found.kubelet.most_away == 1
    assert events(found.kubelet.api).count("StorageTakenBack") == 1


async def both_publish(found: World) -> None:
    """A message of each stream is acknowledged that was not sent before."""
    clients = found.clients
    before = dict(clients.acknowledged)

    async def published() -> bool:
        return all(clients.acknowledged[it] > before[it] for it in ("HEAVY", "LIGHT"))

    await until("both streams go on", published)
