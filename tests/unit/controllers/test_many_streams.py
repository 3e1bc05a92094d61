"""Servers may tell of streams by the ten thousand: nobody waits while natsctl goes through them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import Any

import attrs
import pytest

from natsctl.controllers.runtime import computing
from natsctl.model.jetstream import Asset, Group, JetStreamReport
from natsctl.nats.monitoring import Place
from tests.unit.simulated import process as simulated
from tests.unit.simulated.clusters import cluster
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.jetstream import look
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import installed, virtual_clock
from tests.unit.simulated.volumes import SPEC

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]


class Groups(dict[Asset, Group]):
    """What one server holds; `threads` are those that went through it."""

    threads: set[str]

    def _noted(self) -> None:
        self.threads.add(threading.current_thread().name.partition("_")[0])

    def __iter__(self) -> Iterator[Asset]:
        self._noted()
        return super().__iter__()

    def keys(self) -> KeysView[Asset]:  # type: ignore[override]  # what dict's own is, and more
        self._noted()
        return super().keys()

    def values(self) -> ValuesView[Group]:  # type: ignore[override]  # the same
        self._noted()
        return super().values()

    def items(self) -> ItemsView[Asset, Group]:  # type: ignore[override]  # the same
        self._noted()
        return super().items()


@attrs.define
class Told:
    """Servers with a stream each."""

    threads: set[str] = attrs.field(factory=set)

    async def look(
        self, node: Node, gate: object, places: Mapping[str, Place], *others: object
    ) -> dict[str, JetStreamReport]:
        """What `natsctl.nats.jetstream.look` does."""
        said = await look(node, gate, places, *others)
        return {uid: attrs.evolve(it, groups=self._groups(it.groups)) for uid, it in said.items()}

    def _groups(self, told: Mapping[Asset, Group]) -> Groups:
        found = Groups(told)
        found.threads = self.threads
        return found


Changes = Sequence[Mapping[str, Any]]


async def threads_of(monkeypatch: pytest.MonkeyPatch, *changes: Mapping[str, Any]) -> set[str]:
    """Those that go through streams of four servers, while these changes of the spec are made."""
    told = Told()
    monkeypatch.setattr(simulated, "look", told.look)
    monkeypatch.setattr(computing, "LIGHT", -1)
    with virtual_clock():
        api = installed()
        api.add(cluster(SPEC | {"size": 4}))
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            servers = sorted(server.name for server in process.node.servers.values())
            process.node.streams["ns", "c"].held["S"] = servers[1:]
            for change in ({}, *changes):
                api.edit(CLUSTER, {"spec": change})
                await asyncio.sleep(130)
            await process.stop()
    return told.threads


@pytest.mark.parametrize(
    "changes",
    [
        ({"natsConfig": {"debug": True}}, {"paused": True}, {"paused": False}),
        ({"jetstream": None}, {"jetstream": {}}),
        ({"size": 3}, {"size": 5}),
        ({"jetstream": {"fileStore": {"pvc": {"size": "20Gi"}}}},),
    ],
    ids=["restarts", "without jetstream", "fewer servers", "larger volumes"],
)
async def test_whatever_goes_through_them_is_computed_beside_the_event_loop(
    changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await threads_of(monkeypatch, *changes) == {"clusters"}
