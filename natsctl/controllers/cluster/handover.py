"""Keeps away from clusters of other installations, until they are to be taken over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.recorder import Recorder
from natsctl.controllers.runtime.actor import Wait
from natsctl.kube.client import Client
from natsctl.kube.errors import NotFound, Terminal
from natsctl.kube.resources import LEASES
from natsctl.plan.adoption.ownership import Ownership, claim, in_the_way

if TYPE_CHECKING:
    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.objects import Cluster

UNKNOWN = "?"


@attrs.frozen
class TakeOver:
    """Nobody else manages the cluster any more: manage it."""


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
    _announced: str = ""
    _heard: tuple[str, float] = ("", 0.0)

    async def decide(self, cluster: Cluster, status: ClusterStatus) -> Wait | TakeOver:
        """Whether to leave a cluster alone for now."""
        now = asyncio.get_running_loop().time()
        match claim(cluster, status, self.installation):
            case Ownership.AWAITED:
                self._awaited = now if self._awaited is None else self._awaited
                seconds = self._awaited + self.patience - now
                return Wait(seconds) if seconds > 0 else TakeOver()
            case Ownership.OTHERS if status.operator:
                self._awaited = None
                return await self._until_gone(cluster, status, now)
        return Wait()

    async def _until_gone(
        self, cluster: Cluster, status: ClusterStatus, now: float
    ) -> Wait | TakeOver:
        version, looked = self._heard
        if version and now < looked + self.patience:
            return Wait(looked + self.patience - now)
        lease_version = await self._lease_of(status.operator)
        if lease_version == "" or (lease_version == version and lease_version != UNKNOWN):
            return TakeOver()
        self._heard = lease_version, now
        if self._announced != status.operator:
            self._announced = status.operator
            text = in_the_way(status, self.installation)
            self.recorder.record(cluster, Event("ManagedByAnother", text, "Warning"))
        return Wait(self.patience)

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
