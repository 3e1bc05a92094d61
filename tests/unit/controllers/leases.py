"""A Lease in the API server in memory, candidates for it, and what others do to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, overload

import attrs

from natsctl.controllers.runtime.lease import Lease
from natsctl.controllers.runtime.lease_records import KubernetesRecords
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.process import Line
from tests.unit.simulated.requests import NEVER, Fate, Plan, Request, lost_reply, refusal

L = TypeVar("L", bound=Lease)
WHERE = ("Lease", "ns", "l")
QUICK = Fate(there=0.01, back=0.0)
FAULTS = {
    "": QUICK,
    "error": Fate(there=0.01, back=0.0, refused=refusal(500, "InternalError", "etcd")),
    "hang": Fate(there=NEVER),
    "lost": Fate(there=0.01, back=0.0, lost=lost_reply()),
    "late": Fate(there=0.01, back=NEVER),
}
"""What can happen to a request: refused, never there, carried out and its answer lost or late."""


def failing(fault: Callable[[], str]) -> Plan:
    """A fate as it is told at each moment; only writes lose their answers."""

    def plan(asked: Request) -> Fate:
        found = fault()
        return FAULTS["" if asked.method == "GET" and found in ("lost", "late") else found]

    return plan


@attrs.define
class Memory:
    """The Lease, on the way to which goes wrong what `fault` says."""

    fault: str = ""
    api: ApiServer = attrs.field(factory=ApiServer)
    requests: int = 0

    def __attrs_post_init__(self) -> None:
        fate = failing(lambda: self.fault)

        def plan(asked: Request) -> Fate:
            self.requests += 1
            return fate(asked)

        self.api.plan = plan

    @property
    def record(self) -> Json | None:
        """The object as it is."""
        return self.api.objects.get(WHERE)

    @property
    def spec(self) -> Json:
        """Of a Lease that is there."""
        spec: Json = self.api.objects[WHERE]["spec"]
        return spec

    def edit(self, **fields: object) -> None:
        """Write into it as `kubectl edit` does."""
        self.api.edit(WHERE, {"spec": fields})

    def touch(self) -> None:
        """Another version of the same."""
        annotations = {"touched": str(self.api.version)}
        self.api.edit(WHERE, {"metadata": {"annotations": annotations}})

    def delete(self) -> None:
        """Nobody has it."""
        self.api.remove(WHERE)


def now() -> float:
    return asyncio.get_running_loop().time()


@overload
def candidate(memory: Memory, name: str, plan: Plan | None = None) -> Lease: ...
@overload
def candidate(
    memory: Memory, name: str, plan: Plan | None = None, *, kind: Callable[..., L], **more: Any
) -> L: ...
def candidate(
    memory: Memory,
    name: str,
    plan: Plan | None = None,
    *,
    kind: Callable[..., Lease] = Lease,
    **more: Any,
) -> Lease:
    """A process that would lead, with a way of its own to the API server if it has a plan."""
    line: Any = Line(memory.api, plan)
    return kind(KubernetesRecords(line, "ns", "l"), identity=name, **more)


async def held(memory: Memory | None = None, **more: Any) -> tuple[Memory, Lease]:
    """A Lease and its holder `a`."""
    memory = memory or Memory()
    lease = candidate(memory, "a", **more)
    await lease.acquire()
    return memory, lease
