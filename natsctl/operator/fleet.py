"""All actors: started and woken by what the stores tell, ended together."""

from __future__ import annotations

import asyncio
import logging

import attrs

from natsctl.kube.store import Key
from natsctl.operator import metrics
from natsctl.operator.actor import Actor, Shared

log = logging.getLogger(__name__)

LAST_WORDS = 5.0
"""Seconds that passes under way get to finish when the process stops."""


@attrs.define
class Fleet:
    """Actors by key. `wake` may be called at any time; only a running fleet reacts."""

    actors: dict[Key, Actor] = attrs.field(factory=dict)
    _tasks: dict[Key, asyncio.Task[None]] = attrs.field(factory=dict)
    _group: asyncio.TaskGroup | None = None
    _shared: Shared | None = None
    _stopping: bool = False

    def wake(self, key: Key) -> None:
        """Something of this cluster changed: tell its actor, who is started if there is none."""
        if self._shared is None or self._stopping:
            return
        actor = self.actors.get(key)
        if actor is not None:
            actor.wake()
        elif self._shared.stores.clusters.get(key) is not None:
            self._start(key)

    async def run(self, shared: Shared, stop: asyncio.Event) -> None:
        """Run actors until `stop`; then let passes under way finish, and end the rest."""
        self._shared = shared
        async with asyncio.TaskGroup() as self._group:
            for key in shared.stores.clusters.keys():  # noqa: SIM118 - a Store is no dict
                self.wake(key)
            await stop.wait()
            await self._end()

    def _start(self, key: Key) -> None:
        assert self._shared is not None
        assert self._group is not None
        actor = Actor(key, self._shared)
        self.actors[key] = actor
        task = self._group.create_task(actor.run(lambda: self._stopping), name=str(actor))
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._ended(key))
        metrics.CLUSTERS.set(len(self.actors))

    def _ended(self, key: Key) -> None:
        del self.actors[key], self._tasks[key]
        metrics.CLUSTERS.set(len(self.actors))
        self.wake(key)  # created again under the same name while its actor was ending

    async def _end(self) -> None:
        self._stopping = True
        for actor in tuple(self.actors.values()):
            actor.wake()
        if self._tasks:
            _, late = await asyncio.wait(tuple(self._tasks.values()), timeout=LAST_WORDS)
            for task in late:
                log.warning("%s did not finish in time", task.get_name())
                task.cancel()
