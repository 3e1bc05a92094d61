"""Keeps away from clusters of other installations, until they are to be taken over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.recorder import Recorder
from natsctl.kube.client import Client
from natsctl.kube.errors import NotFound, Terminal
from natsctl.kube.resources import LEASES
from natsctl.plan.adoption.ownership import Ownership, claim, in_the_way

if TYPE_CHECKING:
    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.objects import Cluster

UNKNOWN = "?"


@attrs.define
class HandoverWaiter:
    """What one installation knows of the holder of one cluster.

    `_heard` is the version of the holder's lease, and when it was looked at.
    """

    client: Client
    recorder: Recorder
    installation: str
    patience: float
    _awaited: float | None = None
    _told: str = ""
    _heard: tuple[str, float] = ("", 0.0)

    async def seconds_to_wait(self, cluster: Cluster, status: ClusterStatus) -> float | None:
        """How long to leave a cluster alone: 0.0: it is to be taken; None: until it changes."""
        now = asyncio.get_running_loop().time()
        match claim(cluster, status, self.installation):
            case Ownership.AWAITED:
                self._awaited = now if self._awaited is None else self._awaited
                return max(0.0, self._awaited + self.patience - now)
            case Ownership.OTHERS if status.operator:
                self._awaited = None
                return await self._until_gone(cluster, status, now)
        return None

    async def _until_gone(self, cluster: Cluster, status: ClusterStatus, now: float) -> float:
        version, looked = self._heard
        if version and now < looked + self.patience:
            return looked + self.patience - now
        found = await self._lease_of(status.operator)
        if found == "" or (found == version and found != UNKNOWN):
            return 0.0
        self._heard = found, now
        if self._told != status.operator:
            self._told = status.operator
            told = in_the_way(status, self.installation)
            self.recorder.record(cluster, Event("ManagedByAnother", told, "Warning"))
        return self.patience

    async def _lease_of(self, installation: str) -> str:
        """The version of another's lease; empty if there is none."""
        namespace, _, name = installation.partition("/")
        try:
            lease = await self.client.get(LEASES, namespace, name)
        except NotFound:
            return ""
        except Terminal:  # no right to look there
            return UNKNOWN
        return lease.metadata.resource_version
