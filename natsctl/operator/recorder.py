"""Writes Events behind everybody's back: nobody waits for one, and losing one loses nothing."""

from __future__ import annotations

import asyncio
import logging

import attrs

from natsctl.kube.client import Client
from natsctl.kube.errors import ApiError, Fenced
from natsctl.kube.resources import EVENTS
from natsctl.operator.events import Event, manifest
from natsctl.plan.objects import Cluster

log = logging.getLogger(__name__)

CAPACITY = 5000
"""Events that may wait; more are dropped (and logged like all the others)."""


@attrs.frozen
class Recorder:
    """A queue of Events, and the task that empties it one by one."""

    client: Client
    queue: asyncio.Queue[tuple[Cluster, Event]] = attrs.field(
        factory=lambda: asyncio.Queue(CAPACITY)
    )

    def record(self, cluster: Cluster, event: Event) -> None:
        """Log an event now, and write it when there is time."""
        meta = cluster.metadata
        log.info("%s/%s: %s: %s", meta.namespace, meta.name, event.reason, event.message)
        if not self.queue.full():
            self.queue.put_nowait((cluster, event))

    async def run(self) -> None:
        """Write events until cancelled."""
        while True:
            cluster, event = await self.queue.get()
            try:
                await self.client.create(EVENTS, manifest(cluster, event))
            except (ApiError, Fenced) as error:
                log.warning("event %s not written: %s", event.reason, error)
            finally:
                self.queue.task_done()

    async def flush(self) -> None:
        """Return once everything is written."""
        await self.queue.join()
