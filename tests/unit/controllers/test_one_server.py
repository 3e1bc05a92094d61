"""The whole process changes one server with JetStream to several, and back: without any stream."""

from __future__ import annotations

import asyncio

import pytest

from natsctl.model.names import NEW_VOLUME_ANNOTATION as KEY
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster, condition, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, conditions, is_ready, running
from tests.unit.simulated.process import Process, installed, virtual_clock
from tests.unit.simulated.volumes import SPEC, has_volumes, volume, volumes

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]
SIZES = pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1)])


def of_size(size: int) -> ApiServer:
    api = installed()
    api.add(cluster({**SPEC, "size": size}))
    return api


def changed(api: ApiServer, **spec: object) -> None:
    api.edit(CLUSTER, {"spec": spec})


def is_lost(api: ApiServer) -> bool:
    return conditions(api).get("VolumesReady") == "False"


def accepts(api: ApiServer) -> None:
    """The user says that all volumes may be empty, as the condition has it."""
    token = condition(api, "VolumesReady")["message"].rpartition(f"{KEY}=")[2]
    api.edit(CLUSTER, {"metadata": {"annotations": {KEY: token}}})


def lacks_jetstream(api: ApiServer) -> bool:
    return is_ready(api) and not any(
        "persistentVolumeClaim" in it for pod in api.of_kind("Pod") for it in pod["spec"]["volumes"]
    )


async def resize_without_jetstream(api: ApiServer, process: Process, size: int) -> None:
    changed(api, jetstream=None)
    await at_rest(api, process, lacks_jetstream)
    changed(api, size=size)
    await at_rest(api, process, lambda it: lacks_jetstream(it) and len(uids(it)) == size)


@SIZES
async def test_it_is_refused_and_nothing_restarts(before: int, after: int) -> None:
    with virtual_clock():
        api = of_size(before)
        async with running(api) as process:
            await at_rest(api, process, has_volumes)
            pods = uids(api)
            changed(api, size=after)
            await asyncio.sleep(60)
            assert conditions(api)["SpecAccepted"] == "False"
            message = condition(api, "SpecAccepted")["message"]
            assert uids(api) == pods
            changed(api, size=before)
            await at_rest(api, process, has_volumes)
            await process.stop()
    assert uids(api) == pods
    assert message.startswith(f"spec.size: is {after}, but a single server and a cluster do not")
    assert "remove spec.jetstream before you change the size" in message


@SIZES
async def test_without_streams_it_takes_a_time_without_jetstream(before: int, after: int) -> None:
    """And volumes of which somebody says that they may be empty."""
    with virtual_clock():
        api = of_size(before)
        async with running(api) as process:
            await at_rest(api, process, has_volumes)
            old = volumes(api)
            await resize_without_jetstream(api, process, after)
            for index in range(1, before + 1):
                api.delete(volume(index))
            changed(api, jetstream={})
            await at_rest(api, process, is_lost)
            accepts(api)
            await at_rest(api, process, has_volumes)
            await process.stop()
    assert len(uids(api)) == len(volumes(api)) == after
    assert not set(volumes(api).values()) & set(old.values())


@SIZES
async def test_volumes_of_the_other_size_are_not_taken_for_its_own(before: int, after: int) -> None:
    with virtual_clock():
        api = of_size(before)
        async with running(api) as process:
            await at_rest(api, process, has_volumes)
            old = volumes(api)
            await resize_without_jetstream(api, process, after)
            changed(api, jetstream={})
            await asyncio.sleep(60)
            told = condition(api, "SpecAccepted")
            await process.stop()
    assert (told["status"], "delete its claim" in told["message"]) == ("False", True)
    assert volumes(api) == old
