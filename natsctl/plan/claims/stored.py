"""What a cluster's claims tell that its spec and its configuration depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from natsctl.api.types.jetstream import most_size, volume_growth, volume_size
from natsctl.model import names
from natsctl.model.quantity import bytes_of
from natsctl.model.server_identity import indexes, origin, origin_of
from natsctl.plan.claims.data import Data
from natsctl.plan.claims.live import claims_of
from natsctl.plan.claims.memory import UNSEALED, memory_of
from natsctl.plan.held import NOT_ASKED, Held
from natsctl.plan.servers.identity import without
from natsctl.plan.stores.limits import Levels
from natsctl.plan.written_block import Keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from natsctl.api.types.jetstream import JetStream
    from natsctl.model.objects import Cluster, Object
    from natsctl.plan.claims.live import LiveClaim
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
    found = claims_of(meta, claims or ())
    free = {index: claim for index, claim in found.items() if claim.is_free}
    memory = memory_of(meta.uid, noted, found, seals)
    return Stored(
        claims is not None,
        _origins(cluster, found, memory.note or {}),
        {index: claim.asked for index, claim in found.items() if claim.asked},
        {index: claim.room for index, claim in found.items() if claim.room},
        {index: claim.asked for index, claim in free.items()},
        {index: claim.data for index, claim in free.items() if claim.data is not None},
        {index: not claim.is_adopted for index, claim in found.items()},
        left=frozenset(_left(found, memory)),
        vouched=meta.annotation(names.KEY_ANNOTATION) or "",
    )


def _left(claims: Mapping[int, LiveClaim], memory: Memory) -> Iterator[int]:
    for index, claim in without(claims, memory.note or {}).items():
        if memory.is_left(index, claim) or not claim.is_free:
            yield index


def _origins(cluster: Cluster, claims: Mapping[int, LiveClaim], note: Note) -> dict[int, str]:
    """Of servers that have data under a name which an earlier NatsCluster gave them.

    What is noted counts, then what the claims tell. Peers know a server by a hash of its name: with
    another one it would be a new server (nats-server: `getHash`, server/jetstream_cluster.go).
    """
    meta = cluster.metadata
    own = origin(meta.uid)
    named = {
        index: origin_of(meta.name, index, claim.server_name or "")
        for index, claim in claims.items()
    }
    noted = {index: entry.origin or own for index, entry in note.items()}
    known = named | noted
    return {index: each for index, each in known.items() if each and each != own}


def _of(counts: Mapping[int, int], of: Iterable[int]) -> list[int]:
    return [counts[index] for index in counts.keys() & set(of)]
