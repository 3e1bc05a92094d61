"""All actors: started and woken by what the stores tell, ended together."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor

import attrs

from natsctl.controllers.cluster.metrics_series import exposition
from natsctl.controllers.cluster.reconciler import ClusterReconciler, ControllerContext
from natsctl.controllers.runtime import metrics
from natsctl.controllers.runtime.actor import Actor
from natsctl.kube.store import Key

log = logging.getLogger(__name__)

FEW = 100
"""Clusters whose series take the event loop some milliseconds."""
LAST_WORDS = 5.0
"""Seconds that passes under way get to finish when the process stops."""


@attrs.define
class Fleet:
    """Actors by key. `wake` may be called at any time; only a running fleet reacts.

    `threads` make metrics where there are many clusters (None: those of the event loop).
    """

    actors: dict[Key, Actor[ClusterReconciler]] = attrs.field(factory=dict)
    threads: Executor | None = None
    _tasks: dict[Key, asyncio.Task[None]] = attrs.field(factory=dict)
    _group: asyncio.TaskGroup | None = None
    _shared: ControllerContext | None = None
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
        for looker in self._shared.gatherer.links.dependents(key):
            if looker in self.actors:
                self.actors[looker].wake()

    async def run(self, shared: ControllerContext, stop: asyncio.Event) -> None:
        """Run actors until `stop`; then let passes under way finish, and end the rest.

        A group that ends takes no more tasks: whoever ends it, nobody is started from then on.
        """
        self._shared = shared
        async with asyncio.TaskGroup() as self._group:
            try:
                for key in shared.stores.clusters.keys():  # noqa: SIM118 - a Store is no dict
                    self.wake(key)
                await stop.wait()
                await self._end()
            finally:
                self._stopping = True

    async def series(self) -> str:
        """What /metrics says of the clusters: nothing on a standby, which has no actors."""
        shown = {key: actor.reconciler.actor_metrics for key, actor in self.actors.items()}
        if len(shown) <= FEW:
            return exposition(shown)
        return await asyncio.get_running_loop().run_in_executor(self.threads, exposition, shown)

    def _start(self, key: Key) -> None:
        assert self._shared is not None
        assert self._group is not None
        actor = Actor(key, self._shared.turns, ClusterReconciler(key, self._shared))
        self.actors[key] = actor
        self._tasks[key] = self._group.create_task(self._live(actor, self._shared), name=str(actor))
        metrics.CLUSTERS.set(len(self.actors))

    async def _live(self, actor: Actor[ClusterReconciler], shared: ControllerContext) -> None:
        """Run an actor for as long as there is a cluster of its name."""
        try:
            while not self._stopping and shared.stores.clusters.get(actor.key) is not None:
                await actor.run(lambda: self._stopping)
        except BaseException:
            self._stopping = True
            raise
        finally:
            del self.actors[actor.key], self._tasks[actor.key]
            metrics.CLUSTERS.set(len(self.actors))

    async def _end(self) -> None:
        self._stopping = True
        for actor in tuple(self.actors.values()):
            actor.wake()
        if self._tasks:
            _, late = await asyncio.wait(tuple(self._tasks.values()), timeout=LAST_WORDS)
            for task in late:
                log.warning("%s did not finish in time", task.get_name())
                task.cancel()
