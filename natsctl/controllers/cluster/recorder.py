"""Writes Events behind everybody's back: nobody waits for one, and losing one loses nothing."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

import attrs

from natsctl.controllers.cluster.events import Event, manifest
from natsctl.kube.client import Client
from natsctl.kube.errors import ApiError, Fenced
from natsctl.kube.resources import EVENTS
from natsctl.model.objects import Cluster

log = logging.getLogger(__name__)

CAPACITY = 500
"""Events of one namespace that may wait; more are dropped (and logged like all the others)."""


@attrs.define
class Recorder:
    """Queues of Events, one for each namespace, and the tasks that empty them.

    One at a time for each namespace: where writing takes long, only that one's events are late.
    """

    client: Client
    _queues: dict[str, deque[tuple[Cluster, Event]]] = attrs.field(factory=dict)
    _group: asyncio.TaskGroup | None = None
    _written: asyncio.Event = attrs.field(factory=asyncio.Event)

    def record(self, cluster: Cluster, event: Event) -> None:
        """Log an event now, and write it when there is time."""
        meta = cluster.metadata
        log.info("%s/%s: %s: %s", meta.namespace, meta.name, event.reason, event.message)
        if meta.namespace not in self._queues:
            self._queues[meta.namespace] = deque()
            self._start(meta.namespace)
        queue = self._queues[meta.namespace]
        if len(queue) < CAPACITY:
            queue.append((cluster, event))

    async def run(self) -> None:
        """Write events until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            for namespace in self._queues:
                self._start(namespace)
            try:
                await asyncio.Event().wait()
            finally:
                self._group = None  # whoever still records something is about to end, too

    async def flush(self) -> None:
        """Return once everything is written."""
        while self._queues:
            self._written.clear()
            await self._written.wait()

    def _start(self, namespace: str) -> None:
        if self._group is not None:
            self._group.create_task(self._empty(namespace))

    async def _empty(self, namespace: str) -> None:
        queue = self._queues[namespace]
        while queue:
            await self._write(*queue[0])
            queue.popleft()
        del self._queues[namespace]
        self._written.set()

    async def _write(self, cluster: Cluster, event: Event) -> None:
        try:
            await self.client.create(EVENTS, manifest(cluster, event))
        except (ApiError, Fenced) as error:
            log.warning("event %s not written: %s", event.reason, error)
        except Exception as error:  # a bug met by one event ends neither the others nor the process
            log.error("event %s not written: %s", event.reason, type(error).__name__)
