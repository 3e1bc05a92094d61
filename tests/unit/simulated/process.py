"""The whole operator process in virtual time, which a test starts, stops and kills."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import (
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from functools import partial, partialmethod
from typing import Any, Literal
from unittest.mock import patch

import attrs

from natsctl.api.schema.crds import crds
from natsctl.controllers import supervisor
from natsctl.controllers.cluster.identity import PUBLIC, SECRET, SEED
from natsctl.controllers.runtime.web import Check, no_series
from natsctl.controllers.settings import Settings
from natsctl.kube.transport import Response
from natsctl.nats import jetstream, jetstream_requests, system
from natsctl.nats.nkey import Key
from natsctl.nats.session import Session
from tests.compat import modules_of
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clock import moment
from tests.unit.simulated.jetstream import look, request, step_down
from tests.unit.simulated.nodes import Node, ToyMonitor
from tests.unit.simulated.requests import Plan, Request, understood

SETTINGS = Settings(namespace="ns", cluster_scoped=True, jetstream=True)
When = Literal["before", "after"]
KEYS = {"ns": Key.of(bytes(range(32))), "other": Key.of(bytes(32))}
"""Of two installations by namespace, the same in every run: so are the configurations."""


class Clock(dt.datetime):
    """The time of day in virtual time."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override] # no Self
        """As virtual time has it."""
        return moment().astimezone(tz)


@contextmanager
def virtual_clock() -> Iterator[None]:
    """Every module of natsctl that asks for the time of day is told virtual time."""
    changed = [
        module for module in modules_of("natsctl") if module.__dict__.get("datetime") is dt.datetime
    ]
    for module in changed:
        module.__dict__["datetime"] = Clock
    try:
        yield
    finally:
        for module in changed:
            module.__dict__["datetime"] = dt.datetime


def unseen(_: Request, __: When) -> None:
    """Nobody looks."""


@attrs.define
class Line:
    """One process's own way to the API server: it ends with the process.

    `notice` is told of each request before it is sent, and again when it was carried out and the
    answer has not come yet; if it sets `died`, that is as far as the process gets. `plan` has the
    fates of requests on this way, if they are others than elsewhere.
    """

    api: ApiServer
    plan: Plan | None = None
    notice: Callable[[Request, When], None] = unseen
    died: asyncio.Event = attrs.field(factory=asyncio.Event)
    host: str = "memory"

    async def request(self, method: str, path: str, **options: Any) -> Response:
        """Send one request, unless the process is dead."""
        await self.while_alive()
        asked = understood(method, path, **options)
        self.notice(asked, "before")
        await self.while_alive()
        answer = await self.api.request(method, path, plan=self.plan, **options)
        self.notice(asked, "after")
        await self.while_alive()
        return answer

    @asynccontextmanager
    async def stream(self, *args: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a watch."""
        async with self.api.stream(*args) as lines:
            yield lines

    async def while_alive(self) -> None:
        """Returns at once, or never."""
        if self.died.is_set():
            await asyncio.Event().wait()


Patches = Iterable[AbstractContextManager[Any]]


def simulated(node: Node) -> Patches:
    """What stands for the servers: those of a node."""
    yield patch.object(supervisor, "Monitor", partial(ToyMonitor, node=node))
    yield patch.object(system, "reload", node.reload)
    yield patch.object(jetstream, "look", partial(look, node))
    yield patch.object(jetstream_requests, "step_down", partial(step_down, node))
    yield patch.object(Session, "request", partialmethod(partial(request, node)))


@attrs.define
class Process:
    """One run of `natsctl operator`; `servers` is how it reaches those in the pods of its node."""

    line: Line
    node: Node
    name: str = "first"
    settings: Settings = SETTINGS
    probes: tuple[Mapping[str, Check], Mapping[str, Check]] = ({}, {})
    series: Any = no_series
    servers: Callable[[Node], Patches] = simulated
    task: asyncio.Task[None] | None = None
    _stop: asyncio.Event = attrs.field(factory=asyncio.Event)

    def start(self) -> None:
        """Begin, with empty memory."""
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        with self._around():
            named = attrs.evolve(self.settings, identity=self.name)
            await supervisor.supervise(named, self._stop)

    @contextmanager
    def _around(self) -> Iterator[None]:
        """What the process finds outside: the API server, the servers, no network."""
        with ExitStack() as stack:
            stack.enter_context(patch.object(supervisor, "connect", self._connect))
            stack.enter_context(patch.object(supervisor, "serve", self._serve))
            for stand_in in self.servers(self.node):
                stack.enter_context(stand_in)
            yield

    @asynccontextmanager
    async def _connect(self, *_: Any) -> AsyncIterator[Line]:
        yield self.line

    @asynccontextmanager
    async def _serve(
        self,
        host: str,
        port: int,
        liveness: Mapping[str, Check],
        readiness: Mapping[str, Check],
        series: Any,
    ) -> AsyncIterator[int]:
        self.probes, self.series = (liveness, readiness), series
        yield 0

    def leads(self) -> bool:
        """Whether it holds the lease."""
        lease = self.line.api.objects.get(("Lease", self.settings.namespace, "nats-operator"))
        holder = (lease or {"spec": {}})["spec"].get("holderIdentity") or ""
        return holder.startswith(f"{self.name}_")

    async def stop(self) -> None:
        """As SIGTERM does."""
        assert self.task is not None
        self._stop.set()
        await self.task

    async def ended(self, seconds: float = 120) -> BaseException | None:
        """Wait until it ended by itself, and say with what."""
        assert self.task is not None
        await asyncio.wait((self.task,), timeout=seconds)
        assert self.task.done()
        error, self.task = self.task.exception(), None
        return error

    async def kill(self) -> None:
        """As SIGKILL does: nothing more is sent."""
        self.line.died.set()
        if self.task is None:
            return
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


def installed() -> ApiServer:
    """An API server that knows natsctl's kinds and has no objects of them."""
    api = ApiServer()
    for crd in crds():
        api.add({"kind": "CustomResourceDefinition", **crd})
    for namespace, key in KEYS.items():
        data = {SEED: encoded(key.seed), PUBLIC: encoded(key.public)}
        meta = {"name": SECRET, "namespace": namespace}
        api.add({"kind": "Secret", "metadata": meta, "data": data})
    return api


def encoded(text: str) -> str:
    """As Secrets have it."""
    return base64.b64encode(text.encode()).decode()


def writes(api: ApiServer) -> list[Request]:
    """What changed something, or tried to; renewals of the lease come and go by the clock."""
    return [asked for asked in api.requests if asked.writes and asked.kind != "Lease"]
