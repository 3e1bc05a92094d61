"""What servers have taken up, by a restart or by a reload, is known and gone back to."""

from __future__ import annotations

import re

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


def loaded_at(series: str) -> dict[str, float]:
    """When each server loaded its configuration, as metrics tell."""
    found = re.findall(r'^natsctl_server_config_load_.*server="(.+)"} (\S+)$', series, re.MULTILINE)
    return {server: float(at) for server, at in found}


async def test_a_server_that_reloaded_is_asked_again_what_it_runs() -> None:
    with virtual_clock():
        api = await three_servers()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            before = loaded_at(await process.series())
            api.edit(CLUSTER, {"spec": {"natsConfig": {"debug": True}}})
            await at_rest(api, process, is_ready)
            after = loaded_at(await process.series())
        assert len(before) == 3
        assert all(after[server] > at for server, at in before.items())
