"""Streams that fill the stores of three servers on volumes of limited size, and what they say."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from natsctl.controllers.supervisor import background
from tests.patience import patient
from tests.server.crashes.answers import held, told
from tests.server.crashes.deaths import Deaths
from tests.server.crashes.worlds import World, world
from tests.server.disks.volumes import Disks
from tests.server.servers import MATRIX, those
from tests.unit.simulated.apiserver import Json
from tests.unit.simulated.clusters import condition

MI = 2**20
SIZE = 128 * MI
HEAVY = 64 * 1024
"""Bytes of a message that is there to fill a store."""
SERVERS = range(1, 4)


ON_DISKS = [
    pytest.mark.server,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts volumes of limited size"),
]


@asynccontextmanager
async def small_disks(folder: Path) -> AsyncIterator[World]:
    """A world in which servers have volumes of limited size, and nothing ends the operator."""
    async with world(folder, Deaths(2**31, 1), Disks) as found:
        yield found
        assert found.kubelet.accidents == []


def versions(first: str, usual: str) -> tuple[str, ...]:
    """One version; with NATSCTL_MATRIX all from the first on that does it in this way."""
    return those(first) if os.environ.get(MATRIX) else (usual,)


def three(version: str, **store: Any) -> Json:
    """Servers with volumes, and with sidecars that tell how full these are."""
    return {
        "size": 3,
        "version": version,
        "pod": {"enableConfigReload": True},
        "jetstream": {"fileStore": {"pvc": {"size": f"{SIZE // MI}Mi"}, **store}},
    }


def disks(found: World) -> Disks:
    """The kubelet of the servers."""
    assert isinstance(found.kubelet, Disks)
    return found.kubelet


def addresses(found: World) -> list[str]:
    """Where the servers are."""
    return [found.kubelet.network.address(index) for index in SERVERS]


async def stored(found: World) -> list[tuple[int, int]]:
    """Bytes that each server stores, and its limit; nothing of one that does not tell."""
    said = []
    for address in addresses(found):
        try:
            page = await told(address, "/jsz")
        except OSError:
            continue
        said.append((page.get("storage", 0), page.get("config", {}).get("max_storage", 0)))
    return said


async def limits(found: World) -> list[int]:
    """Those of the servers that tell."""
    return [limit for _, limit in await stored(found)]


async def percent(found: World, of: int) -> float:
    """How full the fullest store is."""
    return max((used for used, _ in await stored(found)), default=0) * 100 / of


async def until(what: str, check: Callable[[], Awaitable[Any]], seconds: float = 60.0) -> float:
    """Wait until it is so; how many seconds that took."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(patient(seconds)):
            while not await check():  # noqa: ASYNC110 - over there
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(what) from None
    return time.monotonic() - began


def reason(found: World) -> str:
    """What the condition `JetStream` says."""
    return str(condition(found.kubelet.api, "JetStream")["reason"])


async def until_told(found: World, *reasons: str, seconds: float = 60.0) -> float:
    """Wait until the condition `JetStream` says one of these."""

    async def said() -> bool:
        return reason(found) in reasons

    try:
        return await until("", said, seconds)
    except AssertionError:
        raise AssertionError((reasons, condition(found.kubelet.api, "JetStream"))) from None


def publishing(found: World, stream: str, **how: Any) -> AbstractAsyncContextManager[None]:
    """A publisher for as long as the block lasts."""
    return background(found.clients.publish(stream, **how))


def longest_waits(found: World) -> dict[str, float]:
    """Seconds for which the publishers of each stream waited for an acknowledgement at most."""
    return {stream: round(wait.longest, 1) for stream, wait in found.clients.waits.items()}


async def fill(found: World, stream: str, limit: int, most: float) -> None:
    """Heavy messages, until so many per cent of a limit are stored."""

    async def enough() -> bool:
        return await percent(found, limit) >= most

    async with publishing(found, stream, size=HEAVY, pause=0.0):
        await until(f"{most} % are stored", enough)


async def purged(found: World, stream: str) -> None:
    """Try until it works."""

    async def works() -> bool:
        said = await found.clients.insist(f"$JS.API.STREAM.PURGE.{stream}")
        return bool(said.get("success"))

    await until(f"{stream} is purged", works)


async def copies_are_equal(found: World) -> None:
    """Each server has as much of each stream as the others, or it is not there."""

    async def equal() -> bool:
        try:
            copies = [await held(it) for it in addresses(found)]
        except OSError:
            return False
        states: dict[str, set[Any]] = {}
        for copy in copies:
            for name, it in copy.items():
                seen = it["messages"], it["first_seq"], it["last_seq"]
                states.setdefault(name, set()).add(seen)
        return all(len(it) == 1 for it in states.values())

    await until("copies are equal", equal)


async def follower(found: World, *streams: str) -> int:
    """The index of a server that leads none of these."""
    leaders = set()
    for stream in streams:
        said = await found.clients.insist(f"$JS.API.STREAM.INFO.{stream}")
        leaders.add(said["cluster"]["leader"])
    names_of = [(await told(it, "/varz"))["server_name"] for it in addresses(found)]
    return next(i for i, it in zip(SERVERS, names_of, strict=True) if it not in leaders)
