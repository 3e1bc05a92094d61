"""The whole process, and limits of stores that are to fall: in virtual time."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from natsctl.model.jetstream import JetStreamReport, Usage
from natsctl.nats.monitoring import Place
from natsctl.render.config.jetstream import FILE, FILE_LIMIT
from tests.unit.simulated import jetstream, process
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster, condition, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.volumes import SECRET, SPEC

pytestmark = pytest.mark.looptime
GI = 2**30
OLD = SPEC | {"version": "2.11.17"}
"""Servers restart for another limit."""


@attrs.define
class Stores:
    """Servers with the limit of their configuration, of which the last one stores so much."""

    used: int = 0

    async def look(
        self, node: Node, gate: object, places: Mapping[str, Place], *others: object
    ) -> dict[str, JetStreamReport]:
        """What `natsctl.nats.jetstream.look` does."""
        said = await jetstream.look(node, gate, places, *others)
        return {uid: self._full(node, places[uid], it) for uid, it in said.items()}

    def _full(self, node: Node, place: Place, said: JetStreamReport) -> JetStreamReport:
        server = node.servers.get(place.address)
        if said.problem or said.disabled or server is None:
            return said
        limit = limit_in(server.loaded)
        used = self.used if server.pod == "c-3" else 0
        return attrs.evolve(said, file=Usage(used, limit))


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    found = Stores()
    monkeypatch.setattr(process, "look", found.look)
    return found


def limit_in(files: Mapping[str, Any]) -> int:
    """Of a configuration."""
    return int(json.loads(base64.b64decode(files[FILE]))[FILE_LIMIT])


def limit(api: ApiServer) -> int:
    """What servers that start get."""
    return limit_in(api.objects[SECRET]["data"])


def lower(api: ApiServer, size: str | None) -> None:
    api.edit(CLUSTER, {"spec": {"jetstream": {"fileStore": {"maxSize": size}}}})


async def test_a_limit_below_what_is_stored_never_reaches_a_server(stores: Stores) -> None:
    stores.used = 5 * GI
    with virtual_clock():
        api = installed()
        api.add(cluster(OLD))
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            before = uids(api)
            lower(api, "3Gi")
            await asyncio.sleep(120)
            assert condition(api, "SpecAccepted")["message"].startswith(
                "spec.jetstream.fileStore.maxSize: is 3Gi, but c-3 stores 5Gi"
            )
            await operator.stop()
        async with running(api) as operator:
            await asyncio.sleep(120)
            assert (limit(api), uids(api)) == (7 * GI, before)
            stores.used = 2 * GI
            await asyncio.sleep(120)
            await at_rest(api, operator, is_ready)
            assert limit(api) == 3 * GI
            assert not set(uids(api).values()) & set(before.values())
            assert condition(api, "SpecAccepted")["status"] == "True"
            await operator.stop()


async def test_a_lower_limit_comes_once_though_servers_restart_for_it(stores: Stores) -> None:
    seen: list[int] = []
    with virtual_clock():
        api = installed()
        api.add(cluster(OLD))
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            await asyncio.sleep(60)
            lower(api, "3Gi")
            while not is_ready(api) or limit(api) == 7 * GI:
                seen.append(limit(api))
                await asyncio.sleep(0.2)
            await operator.stop()
    assert seen == sorted(seen, reverse=True)


async def test_a_store_that_fills_up_while_its_limit_falls_gets_the_old_one_back(
    stores: Stores,
) -> None:
    with virtual_clock():
        api = installed()
        api.add(cluster(OLD | {"rollout": {"paused": True}}))
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            await asyncio.sleep(60)
            lower(api, "3Gi")
            await asyncio.sleep(120)
            assert limit(api) == 3 * GI
            stores.used = 4 * GI
            await asyncio.sleep(120)
            assert limit(api) == 7 * GI
            await operator.stop()
