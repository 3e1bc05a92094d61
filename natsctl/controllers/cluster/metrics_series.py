"""The series of clusters: made of what the actors know, when they are scraped.

Nothing is counted or set meanwhile, and there is nothing to remove: a series is there as long as
the actor, the server or the certificate that it tells of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import attrs

from natsctl.plan.status.cluster_metrics import ClusterMetrics, JetStreamMetrics, ServerMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from natsctl.plan.actions import Action

RESTARTS = ("version", "spec", "ended")
"""Why natsctl took a server down to start it again; `spec`: any other change than the version."""


@attrs.define
class ActorMetrics:
    """What one actor shows: nothing before its first pass, and of a cluster that is another's."""

    cluster: ClusterMetrics | None = None
    restarts: dict[str, int] = attrs.field(factory=lambda: dict.fromkeys(RESTARTS, 0))

    def count(self, done: Iterable[Action]) -> None:
        """Count the restarts among actions that were carried out."""
        for action in done:
            if action.restart:
                self.restarts[action.restart] += 1


@attrs.frozen
class Shown:
    """What an actor shows; labels as they are written, of the cluster and of each server.

    They are written once for all metrics: a thousand clusters have 40,000 series.
    """

    labels: str
    actor: ActorMetrics
    cluster: ClusterMetrics
    servers: tuple[tuple[str, ServerMetrics], ...]

    @classmethod
    def of(cls, key: tuple[str, str], actor: ActorMetrics, cluster: ClusterMetrics) -> Shown:
        """That of the cluster with this key (namespace and name)."""
        labels = f'nats_namespace="{_escaped(key[0])}",nats_cluster="{_escaped(key[1])}"'
        servers = ((_with(labels, "server", it.name), it) for it in cluster.servers)
        return cls(labels, actor, cluster, tuple(servers))

    @property
    def jetstream(self) -> tuple[JetStreamMetrics, ...]:
        """What there is of JetStream: one, or none."""
        return (self.cluster.jetstream,) if self.cluster.jetstream is not None else ()


Row = tuple[str, Any]
"""Labels as they are written, and what has numbers: a cluster, a server, or a number itself."""


@attrs.frozen(eq=False)
class Subject:
    """What metrics tell of: the names of its labels beside the cluster's, and how to find all."""

    labels: tuple[str, ...]
    rows: Callable[[Shown], Iterable[Row]]


@attrs.frozen
class Family:
    """A metric: what it tells of, and its number (None: nobody knows)."""

    name: str
    kind: str
    help: str
    subject: Subject
    number: Callable[[Any], float | None] = lambda number: number

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its labels beside the cluster's."""
        return self.subject.labels

    def text(self, rows: Iterable[Row]) -> str:
        """All its series in Prometheus' text format, after its own two lines."""
        sample = f"{self.name}_total" if self.kind == "counter" else self.name
        values = [(labels, self.number(item)) for labels, item in rows]
        series = [f"{sample}{{{row}}} {+value}\n" for row, value in values if value is not None]
        return "".join((f"# HELP {sample} {self.help}\n# TYPE {sample} {self.kind}\n", *series))


def _with(labels: str, label: str, value: str) -> str:
    return f'{labels},{label}="{_escaped(value)}"'


CLUSTERS: Final = Subject((), lambda it: [(it.labels, it.cluster)])
PHASES: Final = Subject(("version", "phase"), lambda it: [(_phase(it), 1)])
CONDITIONS: Final = Subject(
    ("condition",),
    lambda it: [(_with(it.labels, "condition", of), true) for of, true in it.cluster.conditions],
)
REASONS: Final = Subject(
    ("reason",),
    lambda it: [(_with(it.labels, "reason", of), count) for of, count in it.actor.restarts.items()],
)
LISTENERS: Final = Subject(
    ("listener",),
    lambda it: [(_with(it.labels, "listener", of), end) for of, end in it.cluster.expiries],
)
SERVERS: Final = Subject(("server",), lambda it: it.servers)
VERSIONS: Final = Subject(
    ("server", "version"),
    lambda it: [(_with(labels, "version", server.version), 1) for labels, server in it.servers],
)
EXITS: Final = Subject(
    ("server", "reason"),
    lambda it: [
        (_with(labels, "reason", server.last_exit), 1)
        for labels, server in it.servers
        if server.last_exit
    ],
)
PROBES: Final = Subject(
    ("server",),
    lambda it: [
        (labels, server.last_probe)
        for labels, server in it.servers
        if server.last_probe is not None
    ],
)
QUORUMS: Final = Subject(
    ("state",),
    lambda it: [(_with(it.labels, "state", streams.quorum), 1) for streams in it.jetstream],
)
STREAMS: Final = Subject((), lambda it: [(it.labels, streams) for streams in it.jetstream])
STORES: Final = Subject(
    ("server", "storage"),
    lambda it: [
        (_with(_with(it.labels, "server", store.server), "storage", store.storage), store)
        for streams in it.jetstream
        for store in streams.storage
    ],
)
VOLUMES: Final = Subject(
    ("server",),
    lambda it: [
        (_with(it.labels, "server", volume.server), volume)
        for streams in it.jetstream
        for volume in streams.volumes
    ],
)


def _phase(it: Shown) -> str:
    return _with(_with(it.labels, "version", it.cluster.version), "phase", it.cluster.phase)


FAMILIES = (
    Family(
        "natsctl_cluster_info",
        "gauge",
        "1 for each cluster: the version that all its servers run, and its phase",
        PHASES,
    ),
    Family(
        "natsctl_cluster_size",
        "gauge",
        "Servers that the spec requests",
        CLUSTERS,
        attrgetter("size"),
    ),
    Family(
        "natsctl_cluster_servers",
        "gauge",
        "Servers that exist",
        CLUSTERS,
        lambda cluster: len(cluster.servers),
    ),
    Family(
        "natsctl_cluster_servers_ready",
        "gauge",
        "Servers that answer and have routes to all others",
        CLUSTERS,
        lambda cluster: sum(server.ready for server in cluster.servers),
    ),
    Family(
        "natsctl_cluster_paused",
        "gauge",
        "1 while natsctl is paused by spec.paused",
        CLUSTERS,
        attrgetter("paused"),
    ),
    Family(
        "natsctl_cluster_condition",
        "gauge",
        "1 while a condition of the cluster's status is True, 0 while it is False or Unknown",
        CONDITIONS,
    ),
    Family(
        "natsctl_cluster_restarts",
        "counter",
        "Servers that this leader restarted, by reason",
        REASONS,
    ),
    Family(
        "natsctl_certificate_expiry_timestamp_seconds",
        "gauge",
        "Expiry of the certificate of a listener",
        LISTENERS,
    ),
    Family(
        "natsctl_server_info",
        "gauge",
        "1 for each server: its version",
        VERSIONS,
    ),
    Family(
        "natsctl_server_ready",
        "gauge",
        "1 while the server answers and has routes to all others",
        SERVERS,
        attrgetter("ready"),
    ),
    Family(
        "natsctl_server_config_current",
        "gauge",
        "1 while the server's configuration matches the spec and its Secrets",
        SERVERS,
        attrgetter("current"),
    ),
    Family(
        "natsctl_server_container_restarts",
        "counter",
        "Restarts of the server's container by the kubelet since its pod was created",
        SERVERS,
        attrgetter("restarts"),
    ),
    Family(
        "natsctl_server_last_exit_info",
        "gauge",
        "1 for each server whose container terminated before, with the kubelet's reason",
        EXITS,
    ),
    Family(
        "natsctl_server_observed_timestamp_seconds",
        "gauge",
        "When natsctl last read the next three values from the server",
        PROBES,
        attrgetter("at"),
    ),
    Family(
        "natsctl_server_connections",
        "gauge",
        "Clients connected when natsctl last queried the server; it does not query healthy servers "
        "while nothing changes",
        PROBES,
        attrgetter("connections"),
    ),
    Family(
        "natsctl_server_start_timestamp_seconds",
        "gauge",
        "When the server started",
        PROBES,
        attrgetter("started"),
    ),
    Family(
        "natsctl_server_config_load_timestamp_seconds",
        "gauge",
        "When the server loaded its configuration",
        PROBES,
        attrgetter("loaded"),
    ),
    Family(
        "natsctl_jetstream_quorum",
        "gauge",
        "1 for each cluster with JetStream: ok, critical, lost or unknown",
        QUORUMS,
    ),
    Family(
        "natsctl_jetstream_groups",
        "gauge",
        "Streams and consumers",
        STREAMS,
        attrgetter("groups"),
    ),
    Family(
        "natsctl_jetstream_groups_short",
        "gauge",
        "Streams and consumers with fewer replicas than configured",
        STREAMS,
        attrgetter("short"),
    ),
    Family(
        "natsctl_jetstream_groups_leaderless",
        "gauge",
        "Streams and consumers without a leader",
        STREAMS,
        attrgetter("leaderless"),
    ),
    Family(
        "natsctl_jetstream_groups_behind",
        "gauge",
        "Streams and consumers with a replica that is not up to date, or copies that differ",
        STREAMS,
        attrgetter("behind"),
    ),
    Family(
        "natsctl_jetstream_members_missing",
        "gauge",
        "Servers that the leader of the meta group does not list as members",
        STREAMS,
        attrgetter("missing"),
    ),
    Family(
        "natsctl_jetstream_blocked",
        "gauge",
        "Reasons for which a restart of servers would wait",
        STREAMS,
        attrgetter("blocked"),
    ),
    Family(
        "natsctl_jetstream_servers_disabled",
        "gauge",
        "Servers that turned JetStream off themselves, such as after a full disk",
        STREAMS,
        attrgetter("disabled"),
    ),
    Family(
        "natsctl_jetstream_servers_frozen",
        "gauge",
        "Servers with a store that no longer changes, because a write failed",
        STREAMS,
        attrgetter("frozen"),
    ),
    Family(
        "natsctl_jetstream_lent_bytes",
        "gauge",
        "Bytes that the limit of the file store is raised by for the time being",
        STREAMS,
        attrgetter("lent"),
    ),
    Family(
        "natsctl_jetstream_storage_used_bytes",
        "gauge",
        "Bytes that the server stores",
        STORES,
        attrgetter("used"),
    ),
    Family(
        "natsctl_jetstream_storage_limit_bytes",
        "gauge",
        "Bytes that the server may store",
        STORES,
        attrgetter("limit"),
    ),
    Family(
        "natsctl_jetstream_volume_used_bytes",
        "gauge",
        "Used bytes of the file system that the server stores on",
        VOLUMES,
        attrgetter("used"),
    ),
    Family(
        "natsctl_jetstream_volume_available_bytes",
        "gauge",
        "Bytes of that file system that are available",
        VOLUMES,
        attrgetter("available"),
    ),
)


def exposition(by_key: Mapping[tuple[str, str], ActorMetrics]) -> str:
    """The series of all clusters in Prometheus' text format.

    Written here, because a thousand clusters have 40,000 of them: prometheus_client takes 0.6 s
    for these, in which the event loop would do nothing else.
    """
    shown = [
        Shown.of(key, actor, actor.cluster)
        for key, actor in by_key.items()
        if actor.cluster is not None
    ]
    subjects = {family.subject for family in FAMILIES}
    rows = {subject: [row for it in shown for row in subject.rows(it)] for subject in subjects}
    return "".join(family.text(rows[family.subject]) for family in FAMILIES)


def _escaped(value: str) -> str:
    if value.isalnum():
        return value
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
