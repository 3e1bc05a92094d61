"""Stories that are told once without a crash, and once for each write at which the process dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import attrs

from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import Line, Process, writes
from tests.unit.simulated.requests import Request, Where

When = Literal["before", "after"]
CLUSTER: Where = ("NatsCluster", "ns", "c")
LONGEST = 120
"""Seconds until a story has to come to its end."""
REST = 15
"""Seconds in which nothing may be written once it has."""


@attrs.frozen
class Crash:
    """The process dies at its write of this number, before it is sent or before its answer comes.

    Below zero: at once, when the user has acted.
    """

    number: int
    when: When


@attrs.frozen
class Story:
    """Something that a user does to what is at rest.

    `is_done` says whether its end has come; `serving` are the servers that serve at any moment,
    `away` those that may be asked to go at one. `early`: before the process starts.
    """

    begin: Callable[[], Awaitable[ApiServer]]
    act: Callable[[ApiServer], None]
    is_done: Callable[[ApiServer], bool]
    serving: int = 0
    away: int = 1
    early: bool = False


@attrs.frozen
class End:
    """What came of it."""

    objects: dict[Where, Json]
    loaded: dict[str, Json]
    """The files that each server runs with, by pod."""
    deletions: tuple[str, ...]
    fewest_ready: int
    most_away: int
    writes: tuple[Request, ...]
    late: tuple[Request, ...]
    """Writes when everything was done."""


def is_ready(api: ApiServer) -> bool:
    """Whether the cluster says that it is what the spec says, and that nothing goes on."""
    cluster = api.objects[CLUSTER]
    status = cluster.get("status") or {}
    told = {c["type"]: c["status"] for c in status.get("conditions") or ()}
    current = status.get("observedGeneration") == cluster["metadata"]["generation"]
    return current and (told.get("Ready"), told.get("Progressing")) == ("True", "False")


@asynccontextmanager
async def running(api: ApiServer, line: Line | None = None, **more: Any) -> Any:
    """A process and a node; both end with the context."""
    node = Node(api)
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


async def tell(story: Story, start: ApiServer, crash: Crash | None = None) -> End:
    """The story from its start to its end, and for a while after it."""
    random.seed(1)
    api = start.copy()
    line = Line(api)
    async with running(api, line) as first:
        if not story.early:
            await at_rest(api, first, lambda _: True)
        begun = len(api.requests)
        first.node.observe_from_now()
        api.deletions.clear()
        line.dies = _dying(crash)
        story.act(api)
        process = first if crash is None else await _restarted(first, crash)
        try:
            await at_rest(api, process, story.is_done)
            done = len(api.requests)
            await asyncio.sleep(REST)
        finally:
            await process.kill()
        node = first.node
        return End(
            objects=essence(api),
            loaded={s.pod: s.loaded for s in node.servers.values()},
            deletions=tuple(sorted(api.deletions)),
            fewest_ready=node.fewest_ready,
            most_away=node.most_away,
            writes=tuple(r for r in api.requests[begun:done] if _counts(r)),
            late=tuple(r for r in api.requests[done:] if _counts(r)),
        )


async def _restarted(first: Process, crash: Crash) -> Process:
    """The next process, once the first has died."""
    if crash.number >= 0:
        async with asyncio.timeout(LONGEST):
            await first.line.died.wait()
    await first.kill()
    second = Process(Line(first.line.api), first.node, "second", first.settings)
    second.start()
    return second


def _dying(crash: Crash | None) -> Callable[[Request], str]:
    numbers = iter(range(10**6))

    def dies(asked: Request) -> str:
        met = crash is not None and _matters(asked) and next(numbers) == crash.number
        return crash.when if met and crash else ""

    return dies


def _counts(asked: Request) -> bool:
    """The lease is renewed by the clock, and has tests of its own."""
    return asked.writes and asked.kind != "Lease"


def _matters(asked: Request) -> bool:
    """An Event is written behind everybody's back: nothing depends on it."""
    return _counts(asked) and asked.kind != "Event"


def crashes(end: End) -> Iterator[Crash]:
    """Every moment at which the process may die in a story that ended so."""
    yield Crash(-1, "before")
    for number in range(sum(map(_matters, end.writes))):
        yield Crash(number, "before")
        yield Crash(number, "after")


PASSING = frozenset(("resourceVersion", "managedFields", "creationTimestamp"))
TIMES = frozenset(("lastTransitionTime", "startedAt", "nats.io/nudges"))


def essence(api: ApiServer) -> dict[Where, Json]:
    """All that stays, without times and versions; events and the lease come and go."""
    gone = ("Lease", "Event")
    return {w: _timeless(o) for w, o in sorted(api.objects.items()) if w[0] not in gone}


def _timeless(content: Any) -> Any:
    if isinstance(content, list):
        return [_timeless(one) for one in content]
    if not isinstance(content, dict):
        return content
    return {k: _timeless(v) for k, v in content.items() if k not in PASSING | TIMES}
