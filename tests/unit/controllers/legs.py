"""Candidates that write all the time, and what the API server in memory sees of it.

How long each leg of each request takes says a test: its `Plan`.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from typing import Any

import attrs

from natsctl.controllers.runtime.lease import Lease, LeaseLost
from natsctl.controllers.runtime.lease_records import KubernetesRecords
from natsctl.kube.client import Client
from natsctl.kube.errors import ApiError, Fenced
from natsctl.kube.resources import PODS
from natsctl.kube.turns import Turns
from tests.unit.controllers.leases import WHERE
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.process import Line
from tests.unit.simulated.requests import Plan, Request
from tests.unit.simulated.watches import Change

POD = ("Pod", "ns", "p")


def kind_of(asked: Request) -> str:
    """What a candidate does: it looks at the lease, renews or claims it, or it writes."""
    if asked.kind != WHERE[0]:
        return "write"
    return "look" if asked.method == "GET" else "lease"


@attrs.define
class Witness:
    """An API server with a Lease, and who wrote anything else while it was not theirs."""

    api: ApiServer = attrs.field(factory=ApiServer)
    writes: list[tuple[float, str]] = attrs.field(factory=list)
    intruders: list[str] = attrs.field(factory=list)
    claims: list[tuple[float, str]] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.api.add({"kind": POD[0], "metadata": {"name": POD[2], "namespace": POD[1]}})
        self.api.listeners.append(self._hear)

    def _hear(self, change: Change) -> None:
        after = change.after or {}
        if change.where == WHERE:
            holder = after["spec"]["holderIdentity"]
            if holder != (change.before or {"spec": {}})["spec"].get("holderIdentity", ""):
                self.claims.append((_now(), holder))
        elif change.where == POD:
            who = after["metadata"]["annotations"]["writer"]
            self.writes.append((_now(), who))
            if who != self._holder():
                self.intruders.append(f"{who} at {_now():.2f}, when {self._holder()} leads")

    def _holder(self) -> str:
        lease = self.api.objects.get(WHERE)
        return str(lease["spec"]["holderIdentity"]) if lease else ""


@attrs.define
class Replica:
    """A candidate that writes again and again, without waiting for one write to end.

    And at the last moment that its lease lets it.
    """

    lease: Lease
    client: Client
    every: float = 2.0
    _numbers: itertools.count[int] = attrs.field(factory=itertools.count)
    _writes: set[asyncio.Task[None]] = attrs.field(factory=set)

    async def live(self) -> None:
        """Lead once, until the lease is lost."""
        await self.lease.acquire()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.lease.keep())
                group.create_task(self._work())
        except* LeaseLost:
            pass

    async def _work(self) -> None:
        while True:
            task = asyncio.create_task(self._write())
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)
            await asyncio.sleep(self._pause())

    def _pause(self) -> float:
        left = self.lease.valid_until - self.lease.now() - 0.01
        pause = self.every * random.uniform(0.8, 1.2)
        return min(pause, left) if left > 0.001 else pause

    async def _write(self) -> None:
        notes = {"writer": self.lease.identity, "number": str(next(self._numbers))}
        try:
            await self.client.patch(PODS, "ns", "p", {"metadata": {"annotations": notes}})
        except (ApiError, Fenced):
            return


def replica(witness: Witness, who: str, plan: Plan, kind: Callable[..., Lease] = Lease) -> Replica:
    line: Any = Line(witness.api, plan)
    lease = kind(KubernetesRecords(line, WHERE[1], WHERE[2]), identity=who)
    return Replica(lease, Client(line, lease.writing, Turns(2000)))


def _now() -> float:
    return asyncio.get_running_loop().time()
