"""Events are written one by one for each namespace, and none of them ends anything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import attrs
import pytest

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.recorder import CAPACITY, Recorder
from natsctl.kube.client import Client
from natsctl.kube.errors import Fenced, Transient
from natsctl.model.objects import Cluster, Meta

pytestmark = pytest.mark.looptime


@attrs.define
class Api:
    """Takes a second for each event of `slow`; some it does not take."""

    written: list[tuple[str, str]] = attrs.field(factory=list)

    async def create(self, _: Any, manifest: dict[str, Any]) -> None:
        namespace, reason = manifest["metadata"]["namespace"], manifest["reason"]
        await asyncio.sleep(1 if namespace == "slow" else 0)
        match reason:
            case "Lost":
                raise Transient(500, "InternalError", "no")
            case "Fenced":
                raise Fenced
            case "Broken":
                raise ValueError("surrogates not allowed")
        self.written.append((namespace, reason))


@asynccontextmanager
async def recording(api: Api) -> AsyncIterator[Recorder]:
    recorder = Recorder(cast("Client", api))
    running = asyncio.create_task(recorder.run())
    yield recorder
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def cluster(namespace: str) -> Cluster:
    return Cluster(Meta(name="c", namespace=namespace, uid="u", resource_version="1"))


async def test_events_keep_their_order_and_wait_for_nobody_elsewhere() -> None:
    api = Api()
    async with recording(api) as recorder:
        for reason in ("First", "Second", "Third"):
            recorder.record(cluster("slow"), Event(reason, "text"))
            recorder.record(cluster("ns"), Event(reason, "text"))
        await asyncio.sleep(0.5)
        assert api.written == [("ns", "First"), ("ns", "Second"), ("ns", "Third")]
        await recorder.flush()
        assert api.written[3:] == [("slow", "First"), ("slow", "Second"), ("slow", "Third")]


@pytest.mark.parametrize("reason", ["Lost", "Fenced", "Broken"])
async def test_one_that_cannot_be_written_is_left_out(reason: str) -> None:
    api = Api()
    async with recording(api) as recorder:
        recorder.record(cluster("ns"), Event(reason, "text"))
        recorder.record(cluster("ns"), Event("Next", "text"))
        await recorder.flush()
        assert api.written == [("ns", "Next")]


async def test_too_many_of_one_namespace_are_dropped() -> None:
    api = Api()
    async with recording(api) as recorder:
        for _ in range(CAPACITY + 100):
            recorder.record(cluster("slow"), Event("Many", "text"))
        recorder.record(cluster("ns"), Event("One", "text"))
        await recorder.flush()
    assert len(api.written) == CAPACITY + 1


async def test_what_comes_before_and_after_its_life_is_no_error() -> None:
    api = Api()
    recorder = Recorder(cast("Client", api))
    recorder.record(cluster("ns"), Event("Early", "text"))
    running = asyncio.create_task(recorder.run())
    await recorder.flush()
    assert api.written == [("ns", "Early")]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    recorder.record(cluster("ns"), Event("Late", "text"))
