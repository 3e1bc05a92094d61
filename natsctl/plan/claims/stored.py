"""What a cluster's claims tell that its spec and its configuration depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from natsctl.api.types.jetstream import most_size, volume_growth, volume_size
from natsctl.model import names
from natsctl.model.objects import PersistentVolumeClaim
from natsctl.model.quantity import parse_bytes
from natsctl.model.server_identity import indexes, origin, origin_of
from natsctl.plan.claims.data import Data, noted_data, read_data
from natsctl.plan.claims.limits import Levels
from natsctl.plan.claims.memory import UNSEALED, is_free, memory_of
from natsctl.plan.held import NOT_ASKED, Held
from natsctl.plan.server_identity import claims_among, without
from natsctl.plan.written_block import Keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from natsctl.api.types.jetstream import JetStream
    from natsctl.model.objects import Cluster, Object
    from natsctl.plan.claims.memory import Memory, Place
    from natsctl.plan.claims.note import Note
    from natsctl.plan.claims.seals import Seals


@attrs.frozen
class Stored:
    """By the server's index: `origins` (see Target), `asked` and `room` in bytes.

    `asked` is the request of its claim, `room` what of it is there, and `leads` the request of one
    that nobody else controls: where volumes grow by themselves, others follow it. Not `known`: the
    claims could not be read. `data` is what their data depends on, where they say it; `earlier` are
    claims that an earlier NatsCluster left and this one has not taken over yet. `levels` are what
    is known of the stores on these volumes, and in memory; `held` is which streams servers hold.
    `left` are volumes of servers that left empty, or of others: they matter only to a cluster whose
    size includes them. `keys` is what the config Secret has, `vouched` the digest of the key that
    the user says is that of the data.
    """

    known: bool = True
    origins: Mapping[int, str] = attrs.field(factory=dict)
    asked: Mapping[int, int] = attrs.field(factory=dict)
    room: Mapping[int, int] = attrs.field(factory=dict)
    leads: Mapping[int, int] = attrs.field(factory=dict)
    data: Mapping[int, Data] = attrs.field(factory=dict)
    earlier: Mapping[int, bool] = attrs.field(factory=dict)
    levels: Levels = attrs.field(factory=Levels)
    left: frozenset[int] = frozenset()
    keys: Keys = attrs.field(factory=dict)
    vouched: str = ""
    held: Held = NOT_ASKED

    def smallest(self, size: int) -> int:
        """Bytes of the smallest volume of a cluster of this size; 0: there is none yet."""
        return min(_of(self.room, indexes(size)), default=0)

    def capacity(self, size: int) -> int:
        """The same of all servers that may store something: those that leave have one limit, too,
        and so have those that went away with what they had."""
        return min(_of(self.room, self.room.keys() - self._without(size)), default=0)

    def grown(self, jetstream: JetStream, size: int) -> int:
        """Bytes that volumes are to have because one has grown by itself; 0: as the spec says.

        The claims are the memory of that, and nothing else is.
        """
        if volume_growth(jetstream) is None:
            return 0
        led = max(_of(self.leads, indexes(size)), default=0)
        grown = min(led, bytes_of(most_size(jetstream)))
        return grown if grown > bytes_of(volume_size(jetstream)) else 0

    def levels_at(self, size: int) -> Levels:
        """What is known of these servers."""
        return self.levels.without(self._without(size))

    def _without(self, size: int) -> frozenset[int]:
        return self.left.difference(indexes(size)) - self.levels.there


def stored_of(
    cluster: Cluster,
    claims: Iterable[Object] | None,
    noted: Place | None = None,
    seals: Seals = UNSEALED,
) -> Stored:
    """What the claims tell, and the note on the Secret; None: they could not be read."""
    meta = cluster.metadata
    found = {
        index: claim
        for index, claim in claims_among(meta.name, claims or ()).items()
        if isinstance(claim, PersistentVolumeClaim)
    }
    memory = memory_of(meta.uid, noted, found, seals)
    asked = {index: bytes_of(claim.requested) for index, claim in found.items()}
    room = {index: room_of(claim) for index, claim in found.items()}
    free = (index for index, claim in found.items() if is_free(claim, meta.uid))
    return Stored(
        claims is not None,
        _origins(cluster, found, memory.note or {}),
        {index: count for index, count in asked.items() if count},
        {index: count for index, count in room.items() if count},
        {index: asked[index] for index in free},
        _data(found, meta.uid),
        {index: _is_earlier(claim, meta.uid) for index, claim in found.items()},
        left=frozenset(_left(found, memory, meta.uid)),
        vouched=meta.annotation(names.KEY_ANNOTATION) or "",
    )


def _left(claims: Mapping[int, PersistentVolumeClaim], memory: Memory, uid: str) -> Iterator[int]:
    for index, claim in without(claims, memory.note or {}).items():
        if memory.is_left(index, claim) or not is_free(claim, uid):
            yield index


def _data(claims: Mapping[int, PersistentVolumeClaim], uid: str) -> dict[int, Data]:
    free = {index: claim for index, claim in claims.items() if is_free(claim, uid)}
    told = read_data(free.values())
    found = ((index, told.get(noted_data(claim))) for index, claim in free.items())
    return {index: data for index, data in found if data is not None}


def _is_earlier(claim: PersistentVolumeClaim, uid: str) -> bool:
    return claim.metadata.annotation(names.CLUSTER_UID_ANNOTATION) != uid


def _origins(
    cluster: Cluster, claims: Mapping[int, PersistentVolumeClaim], note: Note
) -> dict[int, str]:
    """Of servers that have data under a name which an earlier NatsCluster gave them.

    What is noted counts, then what the claims tell. Peers know a server by a hash of its name: with
    another one it would be a new server (nats-server: `getHash`, server/jetstream_cluster.go).
    """
    meta = cluster.metadata
    own = origin(meta.uid)
    named = {
        index: origin_of(
            meta.name, index, claim.metadata.annotation(names.SERVER_NAME_ANNOTATION) or ""
        )
        for index, claim in claims.items()
    }
    noted = {index: entry.origin or own for index, entry in note.items()}
    known = named | noted
    return {index: each for index, each in known.items() if each and each != own}


def room_of(claim: PersistentVolumeClaim) -> int:
    """Bytes that count: while a volume grows, what is there; never more than was asked for.

    Some storage rounds up: that is no reason to restart servers for a higher limit.
    """
    capacity = claim.status.capacity
    given = [bytes_of(claim.requested), bytes_of(capacity.storage) if capacity else 0]
    return min(filter(None, given), default=0)


def _of(counts: Mapping[int, int], of: Iterable[int]) -> list[int]:
    return [counts[index] for index in counts.keys() & set(of)]


def bytes_of(quantity: str) -> int:
    """What a claim asks for or has; 0 for what is no quantity."""
    try:
        return parse_bytes(quantity)
    except ValueError:
        return 0
