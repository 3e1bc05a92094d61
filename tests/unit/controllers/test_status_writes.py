"""A status is written when there is something to tell, and no more often: in virtual time."""

from __future__ import annotations

import pytest

from natsctl.controllers.cluster.reconciler import STATUS_PAUSE
from natsctl.kube.resources import CLUSTERS
from tests.unit.controllers.virtual import Flight, World, flight, now

pytestmark = pytest.mark.looptime


def written(found: Flight, name: str) -> list[float]:
    """When the status of a cluster was written."""
    path = CLUSTERS.path("ns", name, "status")
    return [at for at, method, where in found.world.requests if (method, where) == ("PATCH", path)]


async def ready(found: Flight, name: str) -> None:
    await found.until(lambda: found.condition(name, "Ready").get("status") == "True")


@pytest.mark.parametrize("seconds", [0.01, 0.4, 0.9])
async def test_a_new_cluster_takes_two_however_slow_the_api_server_is(seconds: float) -> None:
    """That it is looked after, and that it is ready; what was so far is over by then."""
    async with flight(World(fault=lambda method, path: seconds)) as found:
        await found.create("mine")
        await ready(found, "mine")
        assert len(written(found, "mine")) == 2


async def test_ready_is_never_late() -> None:
    async with flight() as found:
        await found.create("mine")
        await ready(found, "mine")
        assert now() < 0.1


async def test_mere_progress_is_told_after_a_pause() -> None:
    """Pods whose servers do not answer: that they are there is worth knowing, too."""
    async with flight(World(slow=lambda cluster: 3600.0)) as found:
        await found.create("mine")
        await found.runs("mine")
        there = now()
        await found.until(lambda: found.status("mine").get("size") == 3)
        assert STATUS_PAUSE <= now() - there < STATUS_PAUSE + 5
