"""Tells the roles that no actor tells: of no cluster, or of one that nobody acts on.

The actor of a cluster writes the status of its roles as part of its plan. All other roles are
looked at here, when something about them or their cluster changes, and never at rest.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs

from natsctl.api.types.status import to_json
from natsctl.kube.errors import ApiError, Conflict, Fenced, NotFound
from natsctl.kube.resources import ROLES
from natsctl.kube.store import Key
from natsctl.model.objects import ServiceRole, cluster_key
from natsctl.model.times import written
from natsctl.plan.status.orphan_roles import orphan_status

if TYPE_CHECKING:
    from natsctl.api.types.status import RoleStatus
    from natsctl.controllers.watch.stores import Stores
    from natsctl.kube.client import Client

log = logging.getLogger(__name__)

PAUSE = 0.5
"""Seconds between two rounds, however often somebody changes roles."""
BREATH = 50
"""Roles after which other tasks get a turn."""
AT_ONCE = 100
"""Statuses written for one label of one namespace before others get theirs."""
RETRY = 30.0


@attrs.define
class Orphans:
    """Clusters, there or not, whose roles are to be looked at. `wake` may be called at any time."""

    _dirty: dict[Key, None] = attrs.field(factory=dict)
    _woken: asyncio.Event = attrs.field(factory=asyncio.Event)
    _running: bool = False

    def wake(self, cluster: Key) -> None:
        """Something about a cluster of this key, or about a role that names it, changed."""
        if self._running:
            self._dirty[cluster] = None
            self._woken.set()

    async def run(self, client: Client, stores: Stores, installation: str) -> None:
        """Look after all roles once, and then after those that are woken, until cancelled."""
        self._running = True
        for key in stores.roles.keys():  # noqa: SIM118 - a Store is no dict
            role = stores.roles.get(key)
            self.wake((cluster_key(role) if role is not None else None) or key)
        while True:
            await self._woken.wait()
            self._woken.clear()
            dirty, self._dirty = self._dirty, {}
            for cluster in dirty:
                await self._update(client, stores, installation, cluster)
            await asyncio.sleep(PAUSE)

    async def _update(self, client: Client, stores: Stores, installation: str, key: Key) -> None:
        written = 0
        for number, role in enumerate(stores.roles.of_cluster(key)):
            if number % BREATH == BREATH - 1:
                await asyncio.sleep(0)
            if written == AT_ONCE:
                self.wake(key)
                return
            try:
                status = orphan_status(role, stores.clusters.get(key), installation, _now())
                if status is not None and stores.roles.get(role.key) is role:
                    written += 1
                    await _write(client, stores, role, status)
            except (NotFound, Conflict):
                continue  # it is gone, or another by now: the watch tells of it
            except Fenced:
                return  # the lease is over, and whoever keeps it ends this process
            except Exception as error:
                # A bug met by one role must not end the process for all the others.
                known = isinstance(error, ApiError)
                log.error("%s: %s", "/".join(role.key), error, exc_info=None if known else error)
                asyncio.get_running_loop().call_later(RETRY, self.wake, key)


async def _write(client: Client, stores: Stores, role: ServiceRole, status: RoleStatus) -> None:
    meta = role.metadata
    patch = {
        "metadata": {"resourceVersion": meta.resource_version},
        "status": to_json(status),
    }
    reply = await client.patch_status(ROLES, meta.namespace, meta.name, patch)
    assert isinstance(reply, ServiceRole)
    stores.roles.learn(reply)


def _now() -> str:
    return written(datetime.now(UTC))
