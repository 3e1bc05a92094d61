"""What the monitoring pages of one server say of JetStream, made one report; no I/O here.

The pages are /varz, /routez, /healthz and `JSZ`, which comes in parts (`natsctl.nats.pages`)
(https://docs.nats.io/running-a-nats-service/nats_admin/monitoring#jetstream-information). Whoever
may write pods in the server's namespace may have written them: all is bounded. An asset that is
not told usably is unknown, never absent, and anything else unusable makes the server unanswered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import attrs
import msgspec

from natsctl.model import limits
from natsctl.model.foreign import printable
from natsctl.model.jetstream import MAX_NAME, Asset, Health, JetStreamReport, Usage
from natsctl.model.observation import MAX_PEERS, MAX_TAGS
from natsctl.model.shared_texts import shared
from natsctl.model.struct_types import known_to_threads
from natsctl.nats.jetstream_accounts import Account, Inventory
from natsctl.nats.jetstream_assets import meta

if TYPE_CHECKING:
    from collections.abc import Iterator

JSZ: Final = "/jsz?accounts=true&streams=true&consumers=true&config=true&limit=1000000"
"""The question. `limit` counts accounts: servers from 2.9 to 2.15 give all of them at once."""
MAX_BYTES: Final = 64 * 2**20
"""Of all parts of one /jsz together. A stream of three replicas and its consumer have 3.7 KB."""
MAX_VALUES: Final = 400_000
"""Members of objects and lists, of one part, each of which takes up to 200 bytes for a moment.
Recorded: streams and consumers have 23 bytes for each, so the longest part has 360,000."""
FEW_VALUES, VALUE = 40_000, 12
"""So many in any part, and one more for so many bytes: short parts take little memory."""
MAX_PARTS: Final = 512
MAX_ROUTES: Final = 16 * 1024
_HEALTH_BYTES: Final = 64 * 1024
_UNSIGNED: Final = 2**63

_PEER: Final = re.compile(rb'\s{0,99}:\s{0,99}"([!#-\[\]-~]{1,256})"')
_COMPLAINT: Final = re.compile(
    r"\b(?:stream|consumer) '([^'>]{1,256}) > ([^'> ]{1,256})(?: > ([^'> ]{1,256}))?'"
)
_WRITE_FAILED: Final = re.compile(
    r"(?:: (?:stream|node|consumer) write error|' write error|meta layer write error): "
)
"""https://github.com/nats-io/nats-server/blob/v2.14.0/server/monitor.go (healthz)"""

_T = TypeVar("_T")
_Word = Annotated[str, msgspec.Meta(max_length=128, pattern=r"\A[!-~]*\Z")]
_Tags = Annotated[list[_Word], msgspec.Meta(max_length=MAX_TAGS)]
_Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Limit = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]


class _Varz(msgspec.Struct):
    server_id: _Word
    server_name: _Name
    version: _Word
    start: _Word = ""
    tags: _Tags | None = None


class _Routez(msgspec.Struct):
    server_id: _Word
    routes: msgspec.Raw = msgspec.Raw(b"null")


class _Healthz(msgspec.Struct):
    error: Annotated[str, msgspec.Meta(max_length=16 * 1024)] = ""


class _Config(msgspec.Struct, frozen=True):
    max_memory: _Limit = 0
    max_storage: _Limit = 0
    unique_tag: _Word = ""


class _Jsz(msgspec.Struct):
    server_id: _Word
    now: _Word
    disabled: bool = False
    config: _Config = _Config()
    memory: _Number = 0
    storage: _Number = 0
    reserved_memory: int = 0
    reserved_storage: int = 0
    meta_cluster: msgspec.Raw = msgspec.Raw(b"null")
    accounts: _Number = 0
    total: _Number = 0
    account_details: list[Account] | None = None


class _Unusable(ValueError):
    """Some answer is not what a nats-server says."""


@attrs.define
class Jsz:
    """One answer of /jsz, taken part by part; of each, only what is used is kept."""

    said: _Jsz | None = None
    inventory: Inventory = attrs.field(factory=Inventory)
    parts: int = 0
    size: int = 0

    def add(self, part: bytes) -> None:
        """Take the next part. Raises a ValueError, which says why the whole is not usable."""
        self.inventory.go_on()
        self.parts += 1
        self.size += len(part)
        if self.parts > MAX_PARTS or self.size > MAX_BYTES:
            raise _Unusable(f"/jsz has more than {MAX_BYTES // 2**20} MiB")
        said = _decoded(part, _Jsz)
        if self.said is not None and said.server_id != self.said.server_id:
            raise _Unusable("several servers answer")
        self.inventory.add(said.account_details or ())
        self.said = msgspec.structs.replace(said, account_details=None)

    def give_up(self) -> None:
        """Nobody waits for it any more: a thread that takes a part stops soon."""
        self.inventory.given_up = True


@attrs.frozen
class Answers:
    """The bodies that one server sent, /jsz in parts, and the status of /healthz."""

    varz: bytes
    routez: bytes
    jsz: Sequence[bytes]
    healthz: bytes
    health_code: int


@attrs.frozen
class Routes:
    """The used part of /routez: the names of the servers at the other ends."""

    server_id: str
    peers: frozenset[str]


def routes_of(routez: bytes) -> Routes:
    """What /routez says. Raises a ValueError."""
    said = _decoded(routez, _Routez)
    return Routes(said.server_id, _peers(bytes(said.routes)))


def report(
    name: str, answers: Answers, jsz: Jsz | None = None, routes: Routes | None = None
) -> JetStreamReport:
    """What the server `name` says; never an exception.

    `jsz` is the beginning of /jsz, if it was taken already; so is `routes` of /routez.
    """
    try:
        return _report(answers, jsz or Jsz(), routes or routes_of(answers.routez))
    except UnicodeDecodeError:
        return unanswered(name, "its answer is not UTF-8")
    except ValueError as error:
        return unanswered(name, f"its answer is not usable: {error}")


def unanswered(name: str, problem: str) -> JetStreamReport:
    """The report of a server that nothing is known of; `problem` says why."""
    return JetStreamReport(name, problem=printable(problem))


def _report(answers: Answers, jsz: Jsz, routes: Routes) -> JetStreamReport:
    varz = _decoded(answers.varz, _Varz)
    for part in answers.jsz:
        jsz.add(part)
    said = jsz.said
    if said is None:
        raise _Unusable("/jsz says nothing")
    if not varz.server_id == routes.server_id == said.server_id:
        raise _Unusable("several servers answer")
    held = jsz.inventory.assets(said.total or said.accounts)
    return JetStreamReport(
        name=varz.server_name,
        server_id=varz.server_id,
        version=varz.version,
        started=varz.start,
        now=said.now,
        disabled=said.disabled,
        health=_health(answers),
        peers=routes.peers,
        file=_usage(said.storage, said.config.max_storage, said.reserved_storage),
        memory=_usage(said.memory, said.config.max_memory, said.reserved_memory),
        meta=meta(bytes(said.meta_cluster)),
        tags=tuple(map(shared, varz.tags or ())),
        unique_tag=said.config.unique_tag,
        groups=held.groups,
        unknown=held.unknown,
        too_many=held.too_many,
        extra=held.extra,
    )


def _usage(used: int, limit: int, reserved: int) -> Usage:
    """Servers tell -1 as an unsigned number, where nothing is reserved."""
    return Usage(used, max(limit, 0), reserved if 0 <= reserved < _UNSIGNED else 0)


def _decoded(body: bytes, type_: type[_T]) -> _T:
    limits.check(body, MAX_BYTES, min(FEW_VALUES + len(body) // VALUE, MAX_VALUES))
    return msgspec.json.decode(body, type=type_)


def _health(answers: Answers) -> Health:
    """Whatever it says: a text that is not usable still has a status."""
    try:
        limits.check(answers.healthz, _HEALTH_BYTES)
        text = msgspec.json.decode(answers.healthz, type=_Healthz).error
    except ValueError:
        text = ""
    failed = answers.health_code != 200 and _WRITE_FAILED.search(text) is not None
    return Health(answers.health_code, printable(text), _complaint(text), failed)


def _complaint(text: str) -> Asset | None:
    """The asset in "JetStream consumer 'A > S > c' is not current"."""
    match = _COMPLAINT.search(text)
    return Asset(match[1], match[2], match[3] or "") if match else None


def _peers(routes: bytes) -> frozenset[str]:
    """The servers at the other ends of all routes; names are kept once for all who name them."""
    peers = frozenset(map(shared, _ends(routes)))
    if len(peers) > MAX_PEERS:
        raise _Unusable(f"it has routes to more than {MAX_PEERS} servers")
    return peers


def _ends(routes: bytes) -> Iterator[str]:
    """The name at the end of each route; no object is made of a route, of which many fit."""
    if routes[:1] not in (b"[", b"n"):
        raise _Unusable("its routes are not a list")
    _, *rests = routes.split(b'"remote_name"', MAX_ROUTES)
    if len(rests) == MAX_ROUTES:
        raise _Unusable("it reports an impossible number of routes")
    for rest in rests:
        if (peer := _PEER.match(rest, 0, 512)) is not None:
            yield peer[1].decode()


known_to_threads(_Varz, _Routez, _Healthz, _Jsz)
