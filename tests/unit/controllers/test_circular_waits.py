"""Whatever happens at the same time comes to an end: no two rules wait for each other.

Each pair of what a user does and of what happens to servers meets in the middle of the first one.
If the rules of one waited for those of the other, nothing would ever be at rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Final

import pytest

from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import Process, installed, virtual_clock
from tests.unit.simulated.volumes import SPEC, larger, pod, replaced

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]

LONGEST: Final = 1800
"""Seconds of virtual time in which anything has to end."""
MIDDLE: Final = 3
"""Seconds after which the second of a pair begins."""

Act = Callable[[ApiServer], object]


def spec(**changes: object) -> Act:
    return lambda api: api.edit(CLUSTER, {"spec": changes})


def without_pods(*indexes: int) -> Act:
    """They were evicted, or their nodes are lost."""

    def act(api: ApiServer) -> None:
        for index in indexes:
            if pod(index) in api.objects:
                api.delete(pod(index))

    return act


def ended(index: int) -> Act:
    def act(api: ApiServer) -> None:
        if pod(index) in api.objects:
            api.edit(pod(index), {"status": {"phase": "Failed"}})

    return act


def other_volumes(api: ApiServer) -> None:
    """Their class cannot grow."""
    api.fixed = True
    replaced(api)


ACTS: Final[Mapping[str, Act]] = {
    "three servers": spec(size=3),
    "six servers": spec(size=6),
    "another release": spec(version="2.12.15"),
    "larger volumes": larger,
    "other volumes": other_volumes,
    "debug": spec(natsConfig={"debug": True}),
    "one that leaves goes away": without_pods(5),
    "one that stays goes away": without_pods(2),
    "two go away": without_pods(4, 5),
    "one ends": ended(4),
}
EXCLUSIVE: Final = {"three servers", "six servers"}
"""The later of these takes the earlier one back."""


def pairs() -> list[tuple[str, str]]:
    found = list(combinations(ACTS, 2))
    return [*found, *((second, first) for first, second in found if EXCLUSIVE & {first, second})]


async def at_last(api: ApiServer, process: Process) -> None:
    async with asyncio.timeout(LONGEST):
        while not is_ready(api):  # noqa: ASYNC110 - time is virtual
            await asyncio.sleep(1)
    await at_rest(api, process, is_ready)


@pytest.mark.parametrize(("first", "second"), pairs())
async def test_two_that_meet(first: str, second: str) -> None:
    """In a cluster whose last server has the only copy of a stream, with a release that restarts
    for larger volumes."""
    with virtual_clock():
        api = installed()
        api.add(cluster({**SPEC, "size": 5, "version": "2.11.17"}))
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            servers = sorted(it.name for it in process.node.servers.values())
            streams = process.node.streams["ns", "c"]
            streams.held |= {"LOG": servers[4:], "ORDERS": servers[2:]}
            ACTS[first](api)
            await asyncio.sleep(MIDDLE)
            ACTS[second](api)
            await asyncio.sleep(MIDDLE)
            await at_last(api, process)
            there = {it.name for it in process.node.servers.values()}
            assert {name for held in streams.held.values() for name in held} <= there
            await process.stop()
