"""What the process tells of JetStream, and how seldom it writes that: in virtual time."""

from __future__ import annotations

import pytest

from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import cluster, condition
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import installed, virtual_clock

pytestmark = pytest.mark.looptime


def status(api: ApiServer) -> Json:
    return dict(api.objects[CLUSTER]["status"])


async def test_what_an_earlier_status_says_is_removed_from_a_cluster_without_jetstream() -> None:
    with virtual_clock():
        api = installed()
        api.add(cluster() | {"status": {"jetstream": {"quorum": "lost"}}})
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            await process.stop()
    assert "jetstream" not in status(api)
    assert condition(api, "JetStream") == {}
