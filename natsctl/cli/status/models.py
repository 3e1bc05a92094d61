"""What was read of one NatsCluster, as it came: objects, and answers of its servers."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import msgspec

from natsctl.model.objects import Cluster, Object, Pod, Secret, Wire
from natsctl.model.struct_types import known_to_threads


class Subject(Wire, frozen=True):
    """`involvedObject` of an Event."""

    kind: str = ""
    name: str = ""


class Series(Wire, frozen=True):
    """`series` of an Event."""

    count: int = 0
    last_observed_time: str | None = None


class Happening(Object, frozen=True):
    """An Event; some have no `lastTimestamp`, others no `eventTime`."""

    involved_object: Subject = Subject()
    type: str = "Normal"
    reason: str = ""
    message: str = ""
    count: int | None = None
    event_time: str | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    series: Series | None = None

    @property
    def time(self) -> str:
        """When it happened last, RFC 3339."""
        last = self.series.last_observed_time if self.series else None
        given = last, self.last_timestamp, self.event_time, self.first_timestamp
        return next(filter(None, given), None) or self.metadata.creation_timestamp or ""


class LeaseSpec(Wire, frozen=True):
    """`spec` of a Lease."""

    holder_identity: str | None = None
    renew_time: str | None = None


class LeaseRecord(Object, frozen=True):
    """The Lease of an installation."""

    spec: LeaseSpec = LeaseSpec()


class Peer(msgspec.Struct, frozen=True):
    """One route of /routez; since 2.10 several of them lead to the same peer."""

    remote_id: str = ""


class Routes(msgspec.Struct, frozen=True):
    """The used part of /routez."""

    routes: tuple[Peer, ...] | None = None


class Vitals(msgspec.Struct, frozen=True):
    """The used part of /varz."""

    server_id: str
    connections: int = 0


@attrs.frozen
class Answer:
    """What one server said; `problem` is why it could not be asked."""

    server_id: str = ""
    connections: int = 0
    route_peers: frozenset[str] = frozenset()
    problem: str = ""


@attrs.frozen
class Sight:
    """Everything of one cluster.

    `answers` are by pod uid, `secrets` those with certificates, by name; `secret_metadata` is that
    of the Secrets that belong to the cluster. `lease` is that of the installation which manages it;
    `unread` says what could not be read, and why.
    """

    cluster: Cluster
    pods: tuple[Pod, ...] = ()
    events: tuple[Happening, ...] = ()
    secrets: Mapping[str, Secret] = attrs.field(factory=dict)
    secret_metadata: tuple[Object, ...] = ()
    answers: Mapping[str, Answer] = attrs.field(factory=dict)
    lease: LeaseRecord | None = None
    unread: tuple[str, ...] = ()


known_to_threads(Happening, LeaseRecord, Series, Peer, Routes, Vitals)
