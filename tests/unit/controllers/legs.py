"""An API server in virtual time, and lines to it whose every leg takes as long as a test says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import attrs
import msgspec

from natsctl.controllers.runtime.lease import Lease, LeaseLost
from natsctl.controllers.runtime.lease_records import KubernetesRecords
from natsctl.kube.client import Client
from natsctl.kube.errors import ApiError, Conflict, Fenced, NotFound, Transient
from natsctl.kube.fence import Permit
from natsctl.kube.resources import PODS
from natsctl.kube.transport import ANSWERED, Response
from natsctl.kube.turns import Turns

NEVER = 1e6


@attrs.frozen
class Legs:
    """Seconds on the way there, in the API server until it is done, and on the way back."""

    there: float = 0.01
    work: float = 0.01
    back: float = 0.01


Course = Callable[[str, float], Legs]
"""How a request goes, by its kind ("look", "lease", "write") and the seconds that it may take."""


@attrs.define
class Server:
    """One Lease, and who wrote anything else while it was not his."""

    record: dict[str, Any] | None = None
    writes: list[tuple[float, str]] = attrs.field(factory=list)
    intruders: list[str] = attrs.field(factory=list)
    claims: list[tuple[float, str]] = attrs.field(factory=list)

    def look(self) -> dict[str, Any]:
        if self.record is None:
            raise NotFound(404, "NotFound", "no lease")
        return self.record

    def lease(self, record: dict[str, Any]) -> dict[str, Any]:
        held = self.record["metadata"]["resourceVersion"] if self.record else None
        if record["metadata"].get("resourceVersion") != held:
            raise Conflict(409, "Conflict", "changed")
        before = self._holder()
        meta = {"resourceVersion": str(int(held or 0) + 1)}
        self.record = record | {"metadata": meta}
        if self._holder() != before:
            self.claims.append((_now(), self._holder()))
        return self.record

    def write(self, who: str) -> dict[str, Any]:
        self.writes.append((_now(), who))
        if who != self._holder():
            self.intruders.append(f"{who} at {_now():.2f}, when {self._holder()} leads")
        return {"metadata": {"name": "p"}}

    def _holder(self) -> str:
        return self.record["spec"]["holderIdentity"] if self.record else ""


@attrs.define
class Line:
    """One candidate's own way to the server: what a Transport is to a Client."""

    server: Server
    who: str
    course: Course
    host: str = "model"

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        timeout: float = NEVER,  # noqa: ASYNC109 - of Transport
        permit: Permit | None = None,
        **_: Any,
    ) -> Response:
        kind = ("look" if method == "GET" else "lease") if "/leases" in path else "write"
        seconds = permit.seconds if permit else timeout
        carried = asyncio.create_task(self._carry(kind, body, seconds))
        try:
            async with asyncio.timeout(seconds):  # what is given up here goes on over there
                return Response(200, msgspec.json.encode(await asyncio.shield(carried)))
        except TimeoutError as error:
            carried.add_done_callback(lambda task: task.cancelled() or task.exception())
            raise Transient(0, "ConnectionLost", "timed out") from error

    async def _carry(self, kind: str, body: bytes | None, seconds: float) -> Any:
        legs = self.course(kind, seconds)
        if legs.there > seconds:
            await asyncio.sleep(NEVER)  # the kernel gave up with the request
        await asyncio.sleep(legs.there)
        if kind == "write" and legs.work > seconds * ANSWERED:
            raise Transient(504, "Timeout", "request did not complete within requested timeout")
        await asyncio.sleep(legs.work)
        try:
            return self._commit(kind, body)
        finally:
            await asyncio.sleep(legs.back)

    def _commit(self, kind: str, body: bytes | None) -> Any:
        match kind:
            case "look":
                return self.server.look()
            case "lease":
                return self.server.lease(msgspec.json.decode(body or b""))
        return self.server.write(self.who)


@attrs.define
class Replica:
    """A candidate that writes again and again, without waiting for one write to end.

    And at the last moment that its lease lets it.
    """

    lease: Lease
    client: Client
    every: float = 2.0
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
        try:
            await self.client.delete(PODS, "ns", "p", "uid")
        except (ApiError, Fenced):
            return


def replica(
    server: Server, who: str, course: Course, kind: Callable[..., Lease] = Lease
) -> Replica:
    line: Any = Line(server, who, course)
    lease = kind(KubernetesRecords(line, "ns", "l"), identity=who)
    return Replica(lease, Client(line, lease.writing, Turns(2000)))


def _now() -> float:
    return asyncio.get_running_loop().time()
