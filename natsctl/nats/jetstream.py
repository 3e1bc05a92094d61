"""Ask all servers of a cluster what they say of JetStream, over their monitoring port.

What it costs, and why it is asked like this: docs/design/jetstream-questions.md.

https://docs.nats.io/running-a-nats-service/nats_admin/monitoring#jetstream-information
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing, closing
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from natsctl.model import names
from natsctl.nats.beside import beside
from natsctl.nats.fetch import LIMIT, SMALL, Unusable, answer, pieces
from natsctl.nats.gate import LARGE_QUICK
from natsctl.nats.jetstream_answers import JSZ, Answers, Jsz, report, routes_of, unanswered
from natsctl.nats.jetstream_sizes import Frames
from natsctl.nats.line import Line
from natsctl.nats.monitoring import TIMEOUT, UNASKED, VARZ, Place, problem_of
from natsctl.nats.pages import Cutter
from natsctl.nats.raft import with_members
from natsctl.nats.volume import volume_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection, Mapping

    from natsctl.model.jetstream import JetStreamReport
    from natsctl.nats.allowance import Allowance, Key
    from natsctl.nats.gate import Gate

AT_ONCE: Final = 4
"""Servers of one cluster that are asked at the same time; long answers have turns of their own."""
SECONDS = 15.0
"""How long a server may take for /jsz, once it has its turn. Measured: up to 10 s for 10,000
streams on a machine with more to do than it can."""
TOO_MANY: Final = "more streams and consumers on all servers together than natsctl keeps"

_T = TypeVar("_T")
_HEALTHY_OR_NOT: Final = ("200", "500", "503")


async def look(
    gate: Gate, places: Mapping[str, Place], tls: ssl.SSLContext | None, cluster: Key
) -> dict[str, JetStreamReport]:
    """Ask servers of one cluster: pod uid -> where in, pod uid -> report out.

    `cluster` is its namespace, whose turns are taken, and its name. `tls` is for servers that are
    monitored over https, and only for those. A server that cannot be asked gives a report with
    `problem`, never an exception. What is kept is counted in the gate's allowance; the caller notes
    what it keeps of it.
    """
    turns, frames = asyncio.Semaphore(AT_ONCE), Frames()
    gate.allowance.begin(cluster)

    async def one(place: Place) -> JetStreamReport:
        async with turns, gate.slow.turn(cluster[0]):
            said = await _ask(gate, place, tls)
            said = _allowed(attrs.evolve(said, beside=frames.of(said)), gate.allowance, cluster)
            return attrs.evolve(said, heard=asyncio.get_running_loop().time())

    async with asyncio.TaskGroup() as group:
        tasks = {uid: group.create_task(one(place)) for uid, place in places.items()}
    return {uid: task.result() for uid, task in tasks.items()}


def _allowed(said: JetStreamReport, allowance: Allowance, cluster: Key) -> JetStreamReport:
    """The report; without its groups if there are too many in all, or without all that is long."""
    most = attrs.evolve(said, groups={}, extra=0, too_many=said.too_many or TOO_MANY)
    if not allowance.take(cluster, most.weight):
        return attrs.evolve(
            most,
            peers=frozenset(),
            meta=None,
            tags=(),
            unknown=(),
            beside=0,
            health=attrs.evolve(said.health, asset=None),
        )
    return said if allowance.take(cluster, said.weight - most.weight) else most


async def _ask(gate: Gate, place: Place, tls: ssl.SSLContext | None) -> JetStreamReport:
    name = place.name or ""
    try:
        if not place.address:
            raise Unusable("the pod has no address")
        with closing(Line()) as line:
            _, varz = await _get(gate, place, "/varz", tls, bytes, VARZ, line=line)
            _, routes = await _get(gate, place, "/routez", tls, routes_of, line=line)
        jsz = await _jsz(gate, place, tls)
        code, healthz = await _get(gate, place, "/healthz", tls, bytes, SMALL, _HEALTHY_OR_NOT)
    except UNASKED as error:
        return unanswered(name, f"monitoring port: {problem_of(error, place)}")
    answers = Answers(varz, b"", (), healthz, code)
    async with gate.reading.turn(place.owner):
        said = await beside(gate.threads, jsz.give_up, report, name, answers, jsz, routes)
    said = await with_members(gate, place, tls, said)
    return attrs.evolve(said, volume=await volume_of(gate, place))


async def _get(
    gate: Gate,
    place: Place,
    path: str,
    tls: ssl.SSLContext | None,
    read: Callable[[bytes], _T],
    most: int = LIMIT,
    accepted: Collection[str] = ("200",),
    line: Line | None = None,
) -> tuple[int, _T]:
    """Status, and what is made of a page of at most so many bytes."""
    where = place.owner, place.address, names.MONITORING_PORT
    return await answer(gate, *where, path, tls, TIMEOUT, accepted, read, most, line)


async def _jsz(gate: Gate, place: Place, tls: ssl.SSLContext | None) -> Jsz:
    async def read(slow: bool) -> Jsz:
        return await _read(gate, place, tls, slow=slow)

    return await gate.quickly_or_slowly(place.owner, read)


async def _read(gate: Gate, place: Place, tls: ssl.SSLContext | None, *, slow: bool) -> Jsz:
    """Read it on the way: no more than a part of it is held at a time."""
    seconds = SECONDS if slow else LARGE_QUICK
    jsz, cutter, size = Jsz(), Cutter(), 0
    source = pieces(place.address, names.MONITORING_PORT, JSZ, tls)
    async with asyncio.timeout(SECONDS) as clock, AsyncExitStack() as turn, aclosing(source):
        async for piece in source:
            if size <= SMALL < size + len(piece):
                held = gate.longest_answer(place.owner, clock, seconds, slow=slow)
                await turn.enter_async_context(held)
            size += len(piece)
            part = cutter.feed(piece)
            if not slow:
                gate.leave_to_slow(place.owner, max(cutter.held, len(part or b"")))
            if part is not None:
                async with gate.part(place.owner, len(part)):
                    await beside(gate.threads, jsz.give_up, jsz.add, part)
                if jsz.inventory.too_many:
                    return jsz
        # Reading a part takes some 20 ms: in a thread, it keeps nobody waiting for long.
        if size > SMALL:
            async with gate.part(place.owner, cutter.held):
                await beside(gate.threads, jsz.give_up, jsz.add, cutter.end())
            return jsz
    async with gate.reading.turn(place.owner):  # which is not held against the server
        await beside(gate.threads, jsz.give_up, jsz.add, cutter.end())
    return jsz
