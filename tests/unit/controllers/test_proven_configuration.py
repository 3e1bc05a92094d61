"""What servers have taken up by a restart is what a refused change is rolled back to."""

from __future__ import annotations

import pytest

from natsctl.model import names
from natsctl.plan.proof import current_content, digest_of
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import condition, three_servers, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import virtual_clock

SECRET = ("Secret", "ns", "c")
pytestmark = pytest.mark.looptime(noop_cycles=1)

RESTARTS = {"natsConfig": {"maxPending": 2**20}}


def config(api: ApiServer) -> dict[str, str]:
    """What servers read when they start."""
    return current_content(api.objects[SECRET]["data"])


def proven(api: ApiServer) -> str:
    """The digest of what was proven last."""
    noted: str = api.objects[SECRET]["metadata"]["annotations"][names.PROVEN_ANNOTATION]
    return noted


def refused(api: ApiServer) -> bool:
    return condition(api, "ConfigAccepted").get("reason") == "ReloadRefused"


async def test_a_refused_change_goes_back_to_what_servers_restarted_with() -> None:
    with virtual_clock():
        api = await three_servers()
        first, pods = config(api), uids(api)
        async with running(api) as process:
            api.edit(CLUSTER, {"spec": RESTARTS})
            await at_rest(api, process, is_ready)
            restarted = config(api)
            assert restarted != first
            assert not pods.items() & uids(api).items()
            assert proven(api) == digest_of(restarted)
            process.node.refuses = "no"
            api.edit(CLUSTER, {"spec": {"natsConfig": {"debug": True}}})
            await at_rest(api, process, refused)
        assert config(api) == restarted
