"""An operator that dies again and again, and each time starts with empty memory.

What it does is numbered: each write and each request to a server has a moment before it is sent and
one after it was carried out, of which the operator did not hear. It dies at every so many of these
moments, and never twice at the same one of a step: its successor begins with what it died of, and
one that never lives to learn what a server took up asks without end.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from unittest.mock import patch

import attrs

from natsctl.controllers import supervisor
from natsctl.controllers.runtime.lease import LeaseLost
from natsctl.kube.errors import Transient
from natsctl.nats import system
from natsctl.nats.session import Session
from tests.server.crashes.kubelet import Kubelet, Looking
from tests.unit.simulated.crashes import TOLD
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import Line, Patches, Process, When
from tests.unit.simulated.requests import Request

LEASE = ("Lease", "ns", "nats-operator")


@attrs.define
class Deaths:
    """When the operator dies: at moment number `first`, and at every so many after that."""

    first: int
    every: int
    moments: int = 0
    died: list[str] = attrs.field(factory=list)
    """In this step of the story: number and moment."""
    _known: set[str] = attrs.field(factory=set)

    def next_step(self) -> None:
        """Another step begins."""
        self.died.clear()
        self._known.clear()

    def __call__(self, what: str, when: When) -> bool:
        """Whether the operator dies now."""
        moment = f"{when} {what}"
        if moment in self._known:
            return False
        self.moments += 1
        if self.moments < self.first or (self.moments - self.first) % self.every:
            return False
        self._known.add(moment)
        self.died.append(f"{self.moments}: {moment}")
        return True


@attrs.define
class Operator:
    """Processes one after another: where one dies, the next begins.

    So it is where one has to end because it could not renew its lease in time, or was not answered
    at its start: on a machine with more to do than it can, one process that has all servers'
    clients in it, too, is late.
    """

    kubelet: Kubelet
    deaths: Deaths
    process: Process = attrs.field(init=False)
    line: Line = attrs.field(init=False)
    _sessions: dict[int, Session] = attrs.field(factory=dict)
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)

    async def live(self) -> None:
        """Until the task is cancelled; an error of the process ends it, too."""
        while True:
            self._begin()
            died = asyncio.create_task(self.line.died.wait())
            try:
                assert self.process.task is not None
                await asyncio.wait((died, self.process.task), return_when=asyncio.FIRST_COMPLETED)
                if self.process.task.done():
                    with suppress(LeaseLost, Transient):
                        await self.process.task
                        raise AssertionError("it ended")
                    self.process.task = None
            finally:
                died.cancel()
                await self._end()

    def _begin(self) -> None:
        self.line = Line(self.kubelet.api, notice=self._notice)
        name = f"process-{next(self._numbers)}"
        self.process = Process(self.line, self.kubelet, name, servers=self._servers)
        self.process.start()

    async def _end(self) -> None:
        """What the kernel does: its connections end. And its lease would, some seconds later."""
        await self.process.kill()
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        if LEASE in self.kubelet.api.objects:
            self.kubelet.api.remove(LEASE)

    def _notice(self, asked: Request, when: When) -> None:
        if asked.writes and asked.kind not in TOLD:
            self._moment(str(asked), when)

    def _moment(self, what: str, when: When) -> None:
        if not self.line.died.is_set() and self.deaths(what, when):
            self.line.died.set()

    def _servers(self, node: Node) -> Patches:
        """Real servers are reached as always; before and after each request it may die."""
        yield patch.object(
            supervisor, "Monitor", lambda gate: Looking(gate=gate, kubelet=self.kubelet)
        )
        yield patch.object(system, "reload", self._mortal_reload(system.reload))
        yield patch.object(Session, "request", self._mortal_request(Session.request))

    def _mortal_reload(self, reload: Any) -> Any:
        async def mortal(address: str, *others: Any) -> str:
            async with self._mortal(f"RELOAD {address}"):
                return str(await reload(address, *others))

        return mortal

    def _mortal_request(self, request: Any) -> Any:
        async def mortal(session: Session, doors: Any, tls: Any, subject: str, *others: Any) -> Any:
            self._sessions[id(session)] = session
            async with self._mortal(subject):
                return await request(session, doors, tls, subject, *others)

        return mortal

    @asynccontextmanager
    async def _mortal(self, what: str) -> Any:
        line = self.line
        self._moment(what, "before")
        await line.while_alive()
        yield
        self._moment(what, "after")
        await line.while_alive()
