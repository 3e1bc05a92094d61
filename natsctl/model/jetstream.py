"""What one server says of JetStream, at one moment, and of each stream and consumer that it holds.

https://docs.nats.io/running-a-nats-service/nats_admin/monitoring#jetstream-information
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import attrs

MAX_ACCOUNTS: Final = 4_096
MAX_STREAMS: Final = 16_384
MAX_CONSUMERS: Final = 16_384
"""Of one server. Beyond any of these it has too many assets to judge."""
MAX_REPLICAS: Final = 10
"""Of one group. A stream has at most five, and twice as many while it moves."""
MAX_MEMBERS: Final = 1_024
"""Of the meta group: as many as a cluster has servers."""
MAX_NAME: Final = 256
"""Characters of a name; a stream's or consumer's has at most 255."""


_HEALTHY, _NOT_READY = 200, 500
"""What /healthz answers once all is well, and while the server does not accept connections yet."""


class Storage(StrEnum):
    """Where a stream or a consumer is kept."""

    FILE = "file"
    MEMORY = "memory"


@attrs.frozen(order=True)
class Asset:
    """The name of a stream, or of a consumer of it."""

    account: str
    stream: str
    consumer: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.account, self.stream, self.consumer)))


@attrs.frozen
class Replica:
    """Another member of a group, as somebody sees it; only its leader knows.

    `active` is seconds since it was heard of, `lag` entries that it has not applied, and `pending`
    whether it is not a full member yet.
    """

    name: str
    current: bool = False
    offline: bool = False
    active: float = 0.0
    lag: int = 0
    pending: bool = False


@attrs.frozen
class Raft:
    """A group as one server sees it; `leader` is empty if it knows of none.

    `replicas` are the others, and the server itself where there is no leader. `moving`: the group
    is to have other members than it has (told since 2.15).
    """

    leader: str = ""
    replicas: tuple[Replica, ...] = ()
    moving: bool = False


@attrs.frozen
class Meta(Raft):
    """The group of all servers, by which one server decides: `size` counts its members, which may
    not be as many as there are. `votes`: how many a leader needs, where that is told (since 2.15).
    `ids` are of all members (`natsctl.model.peers`), asked only of a server that knows no leader;
    None if it does not tell.
    """

    size: int = 0
    votes: int = 0
    ids: frozenset[str] | None = None

    @property
    def needed(self) -> int:
        """How many votes make a leader."""
        return self.votes or self.size // 2 + 1


@attrs.frozen
class Store:
    """What a server's own copy of a stream contains; copies of other `size` in bytes are the same,
    because each counts what it has written."""

    messages: int
    first: int
    last: int
    size: int = attrs.field(default=0, eq=False)

    @property
    def begin(self) -> int:
        """The first sequence; an empty store, which servers describe in several ways, has none."""
        return self.first if self.messages else self.last + 1

    @property
    def deleted(self) -> int:
        """How many sequences between the first and the last have no message."""
        return self.last + 1 - self.begin - self.messages


@attrs.frozen
class Group:
    """A stream or consumer as one server has it.

    `replicas` is how many members it should have. `store` is None for consumers. `settles_late`:
    acknowledgements remove messages, each replica in its own time (interest, work queue).
    """

    asset: Asset
    replicas: int
    raft: Raft = Raft()
    storage: Storage = Storage.FILE
    store: Store | None = None
    settles_late: bool = False


@attrs.frozen
class Health:
    """What /healthz says; `asset` is the one that it complains of, if it names one.

    `write_failed`: it tells that a write to a store failed, as servers do from 2.14 on.
    """

    code: int = 0
    text: str = ""
    asset: Asset | None = None
    write_failed: bool = False

    @property
    def starting(self) -> bool:
        """Whether the server still reads what it stores: until then it tells of a part of it.

        https://github.com/nats-io/nats-server/blob/v2.12.0/server/monitor.go (healthz)
        """
        return self.code == _NOT_READY or "recovering" in self.text


@attrs.frozen
class Usage:
    """Bytes: what is stored, the limit, and what streams reserve of it (their `max_bytes`)."""

    used: int = 0
    limit: int = 0
    reserved: int = 0


@attrs.frozen
class Volume:
    """Bytes of the file system that a server's store is on, whoever uses them.

    `available` are those that may still be taken; what only root may take counts as neither.
    """

    used: int
    available: int

    @property
    def percent(self) -> int:
        """How full it is."""
        return self.used * 100 // max(self.used + self.available, 1)


@attrs.frozen
class JetStreamReport:
    """What one server says of JetStream; `problem` says why it did not answer, or not usably.

    `disabled`: JetStream is off, because its configuration has none, or because the server gave it
    up, such as after a full disk, until it is restarted. `peers` are names of servers to which it
    has routes. `now` and `started` are RFC 3339 text of its clock. `meta` is None outside of
    clusters, `volume` where nobody tells: only pods with a reloader do. `tags` are those of the
    server; of those that begin with `unique_tag`, no two replicas of a stream have the same.

    `groups` are what it holds. `unknown` describes, shortly, what it holds but does not tell
    usably: that may be anything. `too_many`, if set, says of what it has more than is judged:
    `groups` and `unknown` are some of all then. `extra` is how many more groups would take as much
    memory as these, if all were of the usual size, and `beside` the same of all that is said beside
    groups. `heard` is when its answer was complete, in monotonic seconds; 0: nobody noted that.
    """

    name: str
    problem: str = ""
    server_id: str = ""
    version: str = ""
    started: str = ""
    now: str = ""
    disabled: bool = False
    health: Health = Health()
    peers: frozenset[str] = frozenset()
    file: Usage = Usage()
    memory: Usage = Usage()
    volume: Volume | None = None
    meta: Meta | None = None
    tags: tuple[str, ...] = ()
    unique_tag: str = ""
    groups: Mapping[Asset, Group] = attrs.field(factory=dict)
    unknown: tuple[str, ...] = ()
    too_many: str = ""
    extra: int = 0
    beside: int = attrs.field(default=0, eq=False)
    heard: float = attrs.field(default=0.0, eq=False)

    @property
    def weight(self) -> int:
        """How much memory it takes, counted in groups."""
        return len(self.groups) + self.extra + self.beside

    @property
    def tells_all(self) -> bool:
        """Whether what it says that it holds is all that it holds.

        A server that has just started tells only of what it has read already, and one that is not
        healthy may lack a stream that it is to have (recorded, 2.9.25 to 2.15.3).
        """
        partly = self.problem or self.disabled or self.unknown or self.too_many
        return not partly and self.health.code == _HEALTHY

    @property
    def gave_up(self) -> bool:
        """Whether it turned JetStream off itself; without any in its configuration it is healthy.

        https://github.com/nats-io/nats-server/blob/v2.12.0/server/monitor.go (healthz)
        """
        return self.disabled and self.health.code != 200
