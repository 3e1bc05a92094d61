"""The whole process gives servers a new encryption key, each together with an empty volume."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from natsctl.render.config.jetstream import FILE
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import condition, events, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.keys import KEYS, encryption, files, with_key
from tests.unit.simulated.process import Process, virtual_clock
from tests.unit.simulated.volumes import SECRET, pod, volumes
from tests.unit.simulated.watches import Change

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]


def keys_of(process: Process) -> dict[str, str]:
    """What servers encrypt with, by pod."""
    return {it.pod: _key(it.loaded) for it in process.node.servers.values()}


def _key(files: Json) -> str:
    return str(json.loads(base64.b64decode(files[FILE])).get("key", ""))


def watched(api: ApiServer, process: Process, before: dict[str, str]) -> list[str]:
    """What goes wrong: a volume that a server reads with another key than it was written with."""
    wrong: list[str] = []
    known = dict(before)

    def hear(_: Change) -> None:
        there = volumes(api)
        for name, key in keys_of(process).items():
            uid = there.get(f"js-{name}")
            if uid is not None and known.setdefault(uid, key) != key:
                wrong.append(f"{name} has {key} and its volume {known[uid]}")
        if len(there) < 2:
            wrong.append(f"there are {sorted(there)} only")

    api.listeners.append(hear)
    return wrong


@asynccontextmanager
async def begun(api: ApiServer) -> AsyncIterator[tuple[Process, list[str]]]:
    """The process at work; at the end no server ever read what it could not."""
    async with running(api) as process:
        await at_rest(api, process, lambda _: True)
        there, keys = volumes(api), keys_of(process)
        known = {there[f"js-{name}"]: key for name, key in keys.items()}
        wrong = watched(api, process, known)
        yield process, wrong
        await process.stop()
    assert wrong == []


async def until(api: ApiServer, process: Process, is_done: Callable[[], Any]) -> None:
    for _ in range(1200):
        if is_done():
            return
        await asyncio.sleep(1)
    pytest.fail(str([api.objects[CLUSTER]["status"]["conditions"], events(api), keys_of(process)]))


def have(api: ApiServer, process: Process, name: str | None) -> Callable[[], bool]:
    """Whether all servers have this key, and nothing goes on."""
    key = KEYS[name] if name else ""

    def is_done() -> bool:
        found = keys_of(process)
        return len(found) == 3 and set(found.values()) == {key} and is_ready(api)

    return is_done


WAYS = [("first", "second"), (None, "first"), ("first", None)]


@pytest.mark.parametrize(("before", "after"), WAYS)
async def test_servers_get_it_one_after_the_other(before: str | None, after: str | None) -> None:
    with virtual_clock():
        api = (await with_key(before)).copy()
        there, pods = volumes(api), uids(api)
        async with begun(api) as (process, _):
            process.node.observe_from_now()
            api.edit(CLUSTER, encryption(after))
            await until(api, process, have(api, process, after))
            await at_rest(api, process, is_ready)
            assert process.node.fewest_ready == 2
    assert not set(there.values()) & set(volumes(api).values())
    assert not set(pods.values()) & set(uids(api).values())
    assert condition(api, "VolumesReady")["reason"] == "AllVolumesBound"
    assert events(api).count("ReplacingVolume") >= 6
    assert len(files(api)) == 2, "what nobody has any more is gone"


def is_halfway(api: ApiServer, process: Process, name: str = "second") -> Callable[[], bool]:
    """Whether some servers have this key, and others still another one."""

    def is_done() -> bool:
        found = list(keys_of(process).values())
        return len(found) == 3 and 0 < found.count(KEYS[name]) < 3

    return is_done


Act = Callable[[ApiServer, Process], object]


async def told(api: ApiServer, act: Act, name: str) -> None:
    """The second key is halfway when somebody does this, and at last all have the key."""
    async with begun(api) as (process, _):
        api.edit(CLUSTER, encryption("second"))
        await until(api, process, is_halfway(api, process))
        act(api, process)
        await until(api, process, have(api, process, name))
        await at_rest(api, process, is_ready)


def back(api: ApiServer, _: Process) -> None:
    api.edit(CLUSTER, encryption("first"))


def third(api: ApiServer, _: Process) -> None:
    api.edit(CLUSTER, encryption("third"))


def without_the_earlier_secret(api: ApiServer, _: Process) -> None:
    """The configuration still has its key."""
    api.remove(("Secret", "ns", "first"))


def without_the_configuration(api: ApiServer, _: Process) -> None:
    api.remove(SECRET)


def without_pods(api: ApiServer, _: Process) -> None:
    for index in (1, 2, 3):
        api.delete(pod(index))


def without_both(api: ApiServer, process: Process) -> None:
    without_the_configuration(api, process)
    without_pods(api, process)


@pytest.mark.parametrize(
    ("act", "name"),
    [
        (back, "first"),
        (third, "third"),
        (without_the_earlier_secret, "second"),
        (without_the_configuration, "second"),
        (without_pods, "second"),
        (without_both, "second"),
    ],
)
async def test_whatever_happens_halfway(act: Act, name: str) -> None:
    with virtual_clock():
        api = (await with_key("first")).copy()
        await told(api, act, name)
    assert condition(api, "VolumesReady")["reason"] == "AllVolumesBound"
