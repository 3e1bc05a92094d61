"""Ask servers over their monitoring port.

https://docs.nats.io/running-a-nats-service/nats_admin/monitoring
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import attrs
import msgspec

from natsctl.model import names
from natsctl.model.observation import MAX_PEERS, MAX_TAGS, Observation
from natsctl.model.server_address import address_of
from natsctl.model.server_identity import server_name_of
from natsctl.model.shared_texts import shared
from natsctl.model.struct_types import known_to_threads
from natsctl.nats.fetch import LIMIT, SMALL, Unusable, fetch
from natsctl.nats.gate import OF_ONE, QUICK, Gate
from natsctl.nats.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from natsctl.model.objects import Pod

TIMEOUT = 2.0
"""Seconds a server may take for each page."""

VARZ: Final = SMALL
"""Bytes of /varz. Recorded: 1.6 KB. It may have two addresses of each of 998 other servers, which
take 56 bytes at most."""
MAX_ROUTES: Final = 16 * 1024
UNASKED: Final = (Unusable, OSError, TimeoutError, ValueError, RecursionError)
"""What comes of asking somebody who does not answer as a server does."""
_PEER: Final = re.compile(rb'\s{0,99}:\s{0,99}"([-_A-Za-z0-9]{1,128})"')

_T = TypeVar("_T")

# What a server says of itself is kept and shown, so it is short and printable.
Word = Annotated[str, msgspec.Meta(max_length=128, pattern=r"\A[!-~]*\Z")]
Id = Annotated[str, msgspec.Meta(max_length=128, pattern=r"\A[-_A-Za-z0-9]+\Z")]
Name = Annotated[str, msgspec.Meta(max_length=512)]
Tags = Annotated[tuple[Word, ...], msgspec.Meta(max_length=MAX_TAGS)]
_TAGS_BYTES: Final = 32 * 1024
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Listener(msgspec.Struct, frozen=True):
    """One block of /varz; the time is RFC 3339 text."""

    tls_cert_not_after: Word = ""


class Varz(msgspec.Struct):
    """The used part of /varz. Servers leave out what they do not know or have."""

    server_id: Id
    version: Word
    server_name: Name = ""
    config_digest: Word = ""
    config_load_time: Word = ""
    start: Word = ""
    tags: msgspec.Raw = msgspec.Raw(b"[]")
    connections: Count = 0
    tls_cert_not_after: Word = ""
    cluster: Listener = Listener()
    gateway: Listener = Listener()
    leaf: Listener = Listener()
    websocket: Listener = Listener()


class Routez(msgspec.Struct):
    """The used part of /routez. Its routes may be many, and of each only a word counts."""

    routes: msgspec.Raw = msgspec.Raw(b"null")


@attrs.frozen
class Place:
    """Where a server is asked, and what it calls itself (None: nobody knows).

    `owner` is the namespace: whose turns long answers take. `watched`: a sidecar may tell how full
    the server's volume is.
    """

    address: str
    name: str | None = None
    owner: str = ""
    watched: bool = False

    @classmethod
    def of(cls, pod: Pod) -> Place:
        """That of a pod's server."""
        running = pod.status.container_statuses or ()
        watched = any(container.name == names.RELOADER for container in running)
        return cls(address_of(pod), server_name_of(pod), pod.metadata.namespace, watched)


@attrs.frozen
class Monitor:
    """Asks servers; `gate` bounds how many at the same time."""

    gate: Gate = attrs.field(factory=Gate)

    async def ask(
        self,
        places: Mapping[str, Place],
        tls: ssl.SSLContext | None = None,
        owner: str = "",
        slow: Collection[str] = (),
    ) -> dict[str, Observation]:
        """Ask servers of one cluster at the same time: pod uid -> where in, pod uid -> answer out.

        `owner` is whose turns are taken: the namespace. `tls` is for servers that are monitored
        over https, and only for those. A server that cannot be asked, or that is another one, gives
        an Observation with `problem`, never an exception. `slow` are those that took long last
        time.
        """
        turns = asyncio.Semaphore(OF_ONE)

        async def one(uid: str, place: Place) -> Observation:
            async with turns:
                return await self._in_turn(place, tls, owner, uid in slow)

        async with asyncio.TaskGroup() as group:
            tasks = {uid: group.create_task(one(uid, place)) for uid, place in places.items()}
        return {uid: task.result() for uid, task in tasks.items()}

    async def _in_turn(
        self, place: Place, tls: ssl.SSLContext | None, owner: str, slow: bool
    ) -> Observation:
        """Ask quickly, unless it is known to be slow; then once more, with all the time it has."""
        if not slow:
            with suppress(TimeoutError):
                async with self.gate.all.turn(owner), asyncio.timeout(QUICK):
                    return await self._ask_one(place, tls)
        async with self.gate.slow.turn(owner):
            started = asyncio.get_running_loop().time()
            observation = await self._ask_one(place, tls)
            return attrs.evolve(observation, seconds=asyncio.get_running_loop().time() - started)

    async def _ask_one(self, place: Place, tls: ssl.SSLContext | None) -> Observation:
        try:
            if not place.address:
                raise Unusable("the pod has no address")
            with closing(Line()) as line:
                varz = await self._get(place, "/varz", tls, _varz, VARZ, line)
                if place.name and varz.server_name not in ("", place.name):
                    raise Unusable(f"another server answers, not {place.name}")
                peers = await self._get(place, "/routez", tls, _peers, LIMIT, line)
            return _observation(varz, peers)
        except UNASKED as error:
            return Observation(problem=f"monitoring port: {problem_of(error, place)}")

    async def _get(
        self,
        place: Place,
        path: str,
        tls: ssl.SSLContext | None,
        read: Callable[[bytes], _T],
        most: int,
        line: Line,
    ) -> _T:
        """What is made of a page of at most so many bytes."""
        where = place.owner, place.address, names.MONITORING_PORT
        return await fetch(self.gate, *where, path, tls, TIMEOUT, read, most, line)


def _varz(body: bytes) -> Varz:
    return msgspec.json.decode(body, type=Varz)


def _observation(varz: Varz, peers: frozenset[str]) -> Observation:
    return Observation(
        server_id=varz.server_id,
        version=varz.version,
        route_peers=peers,
        config_digest=varz.config_digest,
        config_load_time=varz.config_load_time,
        not_after=_not_after(varz),
        connections=varz.connections,
        started=varz.start,
        tags=_tags(bytes(varz.tags)),
    )


def _tags(said: bytes) -> tuple[str, ...] | None:
    """A server that its user gave other ones than natsctl would is healthy all the same."""
    try:
        return msgspec.json.decode(said, type=Tags) if len(said) <= _TAGS_BYTES else None
    except (ValueError, RecursionError):
        return None


def _peers(body: bytes) -> frozenset[str]:
    """The servers at the other ends of all routes; ids are kept once for all who name them."""
    routes = bytes(msgspec.json.decode(body, type=Routez).routes)
    peers = frozenset(map(shared, _ends(routes)))
    if len(peers) > MAX_PEERS:
        raise Unusable(f"it has routes to more than {MAX_PEERS} servers")
    return peers


def _ends(routes: bytes) -> Iterator[str]:
    """The other ends of all routes: since 2.10 several of them lead to the same peer.

    Of JSON that was read already. No object is made of a route: a few bytes of text could make
    millions of them. The quotes of a key cannot stand within a text, where they are escaped.
    """
    if routes[:1] not in (b"[", b"n"):
        raise Unusable("its routes are not a list")
    _, *rests = routes.split(b'"remote_id"', MAX_ROUTES)
    if len(rests) == MAX_ROUTES:
        raise Unusable("it reports an impossible number of routes")
    for rest in rests:
        if (peer := _PEER.match(rest, 0, 512)) is not None:
            yield peer[1].decode()


def _not_after(varz: Varz) -> dict[str, str]:
    """By the names of `natsctl.render.config.tls.LISTENERS`."""
    ends = {
        "clients": varz.tls_cert_not_after,
        "routes": varz.cluster.tls_cert_not_after,
        "gateways": varz.gateway.tls_cert_not_after,
        "leafnodes": varz.leaf.tls_cert_not_after,
        "websocket": varz.websocket.tls_cert_not_after,
    }
    return {listener: end for listener, end in ends.items() if end}


def problem_of(error: Exception, place: Place) -> str:
    """Why a server was not asked, constant for the same cause: it is told in the status."""
    match error:
        case TimeoutError():
            return "no answer in time"
        case UnicodeDecodeError():
            return "its answer is not UTF-8"
        case RecursionError():
            return "its answer is nested too deeply"
        case ssl.SSLError():
            return f"TLS: {error.reason or type(error).__name__}"
        case OSError() if error.errno:
            why = os.strerror(error.errno)
            return f"Cannot connect to host {place.address}:{names.MONITORING_PORT} ({why})"
    return str(error).strip() or type(error).__name__


known_to_threads(Listener, Varz, Routez)
