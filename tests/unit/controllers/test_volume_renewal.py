"""The whole process replaces volumes that cannot grow, one after the other, and loses nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from natsctl.model import names
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import condition, events, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import Process, virtual_clock
from tests.unit.simulated.volumes import (
    SECRET,
    have_grown,
    limits,
    pod,
    replaced,
    sizes,
    volumes,
    with_fixed_volumes,
)
from tests.unit.simulated.watches import Change

pytestmark = pytest.mark.looptime
GI = 2**30


def held(process: Process) -> dict[str, list[str]]:
    return process.node.streams["ns", "c"].held


def named(process: Process, index: int) -> str:
    return sorted(it.name for it in process.node.servers.values())[index - 1]


def noted(api: ApiServer) -> str:
    notes: Json = api.objects[SECRET]["metadata"]["annotations"]
    return str(notes.get(names.REPLACING_ANNOTATION, ""))


def watched(api: ApiServer, process: Process) -> list[str]:
    """What goes wrong while claims are deleted."""
    wrong: list[str] = []

    def hear(change: Change) -> None:
        kind, _, name = change.where
        if kind != "PersistentVolumeClaim" or change.after is not None:
            return
        index = int(name[-1])
        if pod(index) in api.objects:
            wrong.append(f"{name} is deleted while its pod is there")
        if len(volumes(api)) != 2:
            wrong.append(f"{name} is not the only one that is not there")
        there = {it.name for it in process.node.servers.values()}
        alone = [s for s, on in held(process).items() if not set(on) & there]
        wrong.extend(f"{stream} is on {name} alone" for stream in alone)

    api.listeners.append(hear)
    return wrong


async def until(api: ApiServer, process: Process, is_done: Any) -> None:
    for _ in range(1200):
        if is_done(api):
            break
        await asyncio.sleep(1)
    else:
        pytest.fail(str([api.objects[CLUSTER]["status"]["conditions"], events(api), sizes(api)]))
    await at_rest(api, process, is_done)


async def test_volumes_are_replaced_one_after_the_other_and_the_limit_follows() -> None:
    with virtual_clock():
        api = (await with_fixed_volumes()).copy()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            before, pods = volumes(api), uids(api)
            servers = [named(process, index) for index in (1, 2, 3)]
            held(process).update({"ALONE": servers[:1], "PAIR": servers[1:], "ORDERS": servers})
            wrong = watched(api, process)
            process.node.observe_from_now()
            replaced(api)
            await until(api, process, have_grown)
            assert wrong == []
            assert process.node.fewest_ready == 2
            assert limits(process.node) == {14 * GI}
            assert {s: len(on) for s, on in held(process).items()} == {
                "ALONE": 1,
                "PAIR": 2,
                "ORDERS": 3,
            }
            assert [named(process, index) for index in (1, 2, 3)] == servers
            await process.stop()
    assert not set(before.values()) & set(volumes(api).values())
    assert not set(pods.values()) & set(uids(api).values())
    assert noted(api) == ""
    assert condition(api, "VolumesReady")["reason"] == "AllVolumesBound"
    assert events(api).count("ReplacingVolume") >= 6  # streams that move are told, too
