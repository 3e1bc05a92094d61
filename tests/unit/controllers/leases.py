"""A Lease object in memory, and candidates for it."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import attrs

from natsctl.controllers.runtime.lease import Lease
from natsctl.kube.errors import Conflict, NotFound, Transient


@attrs.define
class Memory:
    """A Lease object in memory with the API server's rules, which fails as told.

    `fault`: "error" refuses, "hang" never answers, "lost" commits and loses the reply.
    """

    record: dict[str, Any] | None = None
    fault: str = ""
    requests: int = 0

    async def read(self, timeout: float) -> dict[str, Any]:  # noqa: ASYNC109 - of Records
        await self._travel(timeout)
        if self.record is None:
            raise NotFound(404, "NotFound", "no lease")
        return copy.deepcopy(self.record)

    async def write(self, record: dict[str, Any], timeout: float) -> dict[str, Any]:  # noqa: ASYNC109 - of Records
        await self._travel(timeout)
        held = self.record["metadata"]["resourceVersion"] if self.record else None
        if self.record and record["metadata"].get("resourceVersion") != held:
            raise Conflict(409, "Conflict", "changed")
        version = str(int(held or 0) + 1)
        self.record = record | {"metadata": {"resourceVersion": version}}
        if self.fault == "lost":
            raise Transient(0, "ConnectionLost", "reset")
        return copy.deepcopy(self.record)

    async def _travel(self, timeout: float) -> None:  # noqa: ASYNC109 - of Records
        self.requests += 1
        if self.fault == "hang":
            await asyncio.sleep(timeout)
            raise Transient(0, "ConnectionLost", "timed out")
        if self.fault == "error":
            raise Transient(500, "InternalError", "etcd")
        await asyncio.sleep(0.01)


def now() -> float:
    return asyncio.get_running_loop().time()


def candidate(memory: Memory, name: str) -> Lease:
    return Lease(memory, identity=name)
