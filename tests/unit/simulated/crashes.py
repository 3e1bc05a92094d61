"""Stories that are told once without a crash, and on from each write at which one may happen."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import attrs

from natsctl.model import names
from natsctl.model.bound_tokens import EXPIRES, RENEW_AFTER, SEAL, SWITCH_AT
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clock import go_back_to, moment
from tests.unit.simulated.nodes import Node, Server
from tests.unit.simulated.process import Line, Process, When, writes
from tests.unit.simulated.requests import Fate, Plan, Request, Where
from tests.unit.simulated.streams import Streams

CLUSTER: Where = ("NatsCluster", "ns", "c")
LONGEST = 120
"""Seconds until a story has to come to its end."""
REST = 15
"""Seconds in which nothing may be written once it has."""
TOLD = frozenset(("Event", "Lease"))
"""The lease is renewed by the clock, and has tests of its own; on an Event nothing depends."""


@attrs.frozen
class Story:
    """Something that a user does to what is at rest.

    `is_done` says whether its end has come; `serving` are the servers that serve at any moment,
    `away` those that may be asked to go at one. `returns`: so many may have to come back and go
    once more, because nobody noted that they held nothing. `early`: before the process starts.
    `refuses` are the servers' words about a new configuration.
    """

    begin: Callable[[], Awaitable[ApiServer]]
    act: Callable[[ApiServer], None]
    is_done: Callable[[ApiServer], bool]
    serving: int = 0
    away: int = 1
    returns: int = 0
    early: bool = False
    refuses: str = ""


@attrs.frozen
class Moment:
    """All that the next process finds if this one dies now."""

    name: str
    api: ApiServer
    servers: dict[str, Server]
    at: datetime
    streams: Mapping[tuple[str, str], Streams] = attrs.field(factory=dict)

    def content(self) -> object:
        """The same for two moments between which nothing changed that anybody can see."""
        objects = frozenset(
            (where, item["metadata"]["resourceVersion"])
            for where, item in self.api.objects.items()
            if where[0] not in TOLD
        )
        servers = frozenset(
            (server.pod, server.id, server.ready, server.loaded_at, str(server.files))
            for server in self.servers.values()
        )
        streams = str(sorted((key, str(it)) for key, it in self.streams.items()))
        return objects, servers, streams


@attrs.frozen
class End:
    """What came of it."""

    objects: dict[Where, Json]
    loaded: dict[str, Json]
    """The files that each server runs with, by pod."""
    deletions: tuple[str, ...]
    fewest_ready: int
    most_away: int
    late: tuple[Request, ...]
    """Writes when everything was done."""


def is_ready(api: ApiServer) -> bool:
    """Whether the cluster says that it is what the spec says, and that nothing goes on."""
    told = conditions(api)
    return (told.get("Ready"), told.get("Progressing")) == ("True", "False")


def conditions(api: ApiServer) -> dict[str, str]:
    """What is told of the spec as it is, by type; nothing if that was not read yet."""
    cluster = api.objects[CLUSTER]
    status = cluster.get("status") or {}
    if status.get("observedGeneration") != cluster["metadata"]["generation"]:
        return {}
    return {c["type"]: c["status"] for c in status.get("conditions") or ()}


@asynccontextmanager
async def running(
    api: ApiServer, line: Line | None = None, node: Node | None = None, **more: Any
) -> Any:
    """A process and a node; both end with the context."""
    node = node or Node(api)
    process = Process(line or Line(api), node, **more)
    process.start()
    try:
        yield process
    finally:
        await process.kill()
        await node.end()


async def at_rest(api: ApiServer, process: Process, is_done: Callable[[ApiServer], bool]) -> None:
    """Wait until the process leads, everything is done, and nothing was written for a while."""
    async with asyncio.timeout(LONGEST):
        while not process.leads():
            await _second(process)
        known = -1
        while not is_done(api) or known != len(writes(api)):
            known = len(writes(api))
            await _second(process)
            await _second(process)


async def _second(process: Process) -> None:
    await asyncio.sleep(1)
    if process.task is not None and process.task.done():
        await process.task


Seen = Callable[[Line, Node, Request | None, When], None]
"""Is shown a process that is about to send a write, or to hear its answer."""


async def tell(story: Story, start: ApiServer) -> tuple[End, tuple[Moment, ...]]:
    """The story without a crash; and every different moment in it at which one could happen."""
    moments: dict[object, Moment] = {}

    def keep(line: Line, node: Node, asked: Request | None, when: When) -> None:
        found = moment_of(line, node, asked, when)
        moments.setdefault(found.content(), found)

    async with began(story, start, keep) as process:
        return await _ended(story, process), tuple(moments.values())


def one_by_one() -> Plan:
    """What is sent at once is carried out one after the other: a process may die in between."""
    numbers = itertools.count()
    return lambda _: Fate(there=0.01 + next(numbers) % 5 / 40)


@asynccontextmanager
async def began(story: Story, start: ApiServer, seen: Seen) -> Any:
    """A process in whose life the user has just acted."""
    random.seed(1)
    api = start.copy()
    async with running(api) as process:
        if not story.early:
            await at_rest(api, process, lambda _: True)
        line, node = process.line, process.node
        node.observe_from_now()
        node.refuses = story.refuses
        api.deletions.clear()
        api.plan = one_by_one()
        story.act(api)
        seen(line, node, None, "before")

        def notice(asked: Request, when: When) -> None:
            if _matters(asked):
                seen(line, node, asked, when)

        line.notice = notice
        yield process


async def go_on(story: Story, found: Moment) -> End:
    """The story from a moment on, by a process that knows nothing."""
    random.seed(1)
    go_back_to(found.at)
    api = found.api
    api.collect_orphans()
    node = Node(api, found.servers, story.refuses)
    node.streams.update({key: it.copy() for key, it in found.streams.items()})
    async with running(api, node=node, name="second") as process:
        return await _ended(story, process)


def moment_of(line: Line, node: Node, asked: Request | None, when: When) -> Moment:
    """What there is now."""
    servers = {address: server.copy() for address, server in node.servers.items()}
    streams = {key: it.copy() for key, it in node.streams.items()}
    return Moment(f"{when} {asked or 'all'}", line.api.copy(), servers, moment(), streams)


async def _ended(story: Story, process: Process) -> End:
    """The end of a story, and a while after it."""
    api, node = process.line.api, process.node
    await at_rest(api, process, story.is_done)
    done = len(api.requests)
    await asyncio.sleep(REST)
    await process.kill()
    return End(
        objects=essence(api),
        loaded=loaded(node),
        deletions=tuple(sorted(api.deletions)),
        fewest_ready=node.fewest_ready,
        most_away=node.most_away,
        late=tuple(
            asked for asked in api.requests[done:] if asked.writes and asked.kind != "Lease"
        ),
    )


def _matters(asked: Request) -> bool:
    return asked.writes and asked.kind not in TOLD


PASSING = frozenset(("resourceVersion", "managedFields", "creationTimestamp"))
TIMES = frozenset(
    (
        *("lastTransitionTime", "startedAt", "deletionTimestamp", "since", "nats.io/nudges"),
        *(SEAL, EXPIRES, RENEW_AFTER, SWITCH_AT),
        *(names.CLAIMS_SEAL_ANNOTATION, names.GROWN_ANNOTATION),
    )
)
"""Of these counts that there is one; a seal is over times, too, or counts what was written."""


def essence(api: ApiServer) -> dict[Where, Json]:
    """All that stays, without times and versions; events and the lease come and go."""
    return {w: _timeless(o) for w, o in sorted(api.objects.items()) if w[0] not in TOLD}


def loaded(node: Node) -> dict[str, Json]:
    """What servers run with, by pod."""
    return {server.pod: server.loaded for server in node.servers.values()}


def _timeless(content: Any) -> Any:
    if isinstance(content, list):
        return [_timeless(one) for one in content]
    if not isinstance(content, dict):
        return content
    kept = {k: v for k, v in content.items() if k not in PASSING}
    return {k: "a time" if k in TIMES and v else _timeless(v) for k, v in kept.items()}
