"""The series of clusters: made of what the actors know, when they are scraped.

Nothing is counted or set meanwhile, and there is nothing to remove: a series is there as long as
the actor, the server or the certificate that it tells of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import attrs

from natsctl.plan.status.cluster_metrics import ClusterMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from natsctl.plan.actions import Action
    from natsctl.plan.status.cluster_metrics import (
        JetStreamMetrics,
        LastProbe,
        ServerMetrics,
        StorageMetrics,
        VolumeMetrics,
    )

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


Row = tuple[tuple[str, ...], float]
"""The values of a series' own labels, and its number."""
Rows = Callable[[ActorMetrics, ClusterMetrics], Iterable[Row]]


@attrs.frozen
class Family:
    """A metric, and how to read it off what an actor shows."""

    name: str
    kind: str
    help: str
    rows: Rows
    labels: tuple[str, ...] = ()

    def lines(self, shown: Iterable[tuple[str, ActorMetrics, ClusterMetrics]]) -> Iterator[str]:
        """All its series in Prometheus' text format, after its own two lines."""
        sample = f"{self.name}_total" if self.kind == "counter" else self.name
        yield f"# HELP {sample} {self.help}"
        yield f"# TYPE {sample} {self.kind}"
        own = "".join(f',{label}="%s"' for label in self.labels)
        for cluster, actor, known in shown:
            for values, number in self.rows(actor, known):
                yield f"{sample}{{{cluster}{own % tuple(map(_escaped, values))}}} {+number}"


def _of_servers(
    number: Callable[[ServerMetrics], float | None],
) -> Rows:
    def rows(_: ActorMetrics, known: ClusterMetrics) -> Iterator[Row]:
        for server in known.servers:
            value = number(server)
            if value is not None:
                yield (server.name,), value

    return rows


def _of_answers(
    number: Callable[[LastProbe], float | None],
) -> Rows:
    return _of_servers(lambda server: number(server.last_probe) if server.last_probe else None)


def _of_streams(number: Callable[[JetStreamMetrics], int | None]) -> Rows:
    def rows(_: ActorMetrics, known: ClusterMetrics) -> Iterator[Row]:
        value = number(known.jetstream) if known.jetstream is not None else None
        if value is not None:
            yield (), value

    return rows


def _of_storage(number: Callable[[StorageMetrics], int]) -> Rows:
    def rows(_: ActorMetrics, known: ClusterMetrics) -> Iterator[Row]:
        for it in known.jetstream.storage if known.jetstream is not None else ():
            yield (it.server, it.storage), number(it)

    return rows


def _of_volumes(number: Callable[[VolumeMetrics], int]) -> Rows:
    def rows(_: ActorMetrics, known: ClusterMetrics) -> Iterator[Row]:
        for it in known.jetstream.volumes if known.jetstream is not None else ():
            yield (it.server,), number(it)

    return rows


FAMILIES = (
    Family(
        "natsctl_cluster_info",
        "gauge",
        "1 for each cluster: the version that all its servers run, and its phase",
        lambda _, known: [((known.version, known.phase), 1)],
        ("version", "phase"),
    ),
    Family(
        "natsctl_cluster_size",
        "gauge",
        "Servers that the spec requests",
        lambda _, known: [((), known.size)] if known.size is not None else [],
    ),
    Family(
        "natsctl_cluster_servers",
        "gauge",
        "Servers that exist",
        lambda _, known: [((), len(known.servers))],
    ),
    Family(
        "natsctl_cluster_servers_ready",
        "gauge",
        "Servers that answer and have routes to all others",
        lambda _, known: [((), sum(s.ready for s in known.servers))],
    ),
    Family(
        "natsctl_cluster_paused",
        "gauge",
        "1 while natsctl is paused by spec.paused",
        lambda _, known: [((), known.paused)],
    ),
    Family(
        "natsctl_cluster_condition",
        "gauge",
        "1 while a condition of the cluster's status is True, 0 while it is False or Unknown",
        lambda _, known: [((type_,), true) for type_, true in known.conditions],
        ("condition",),
    ),
    Family(
        "natsctl_cluster_restarts",
        "counter",
        "Servers that this leader restarted, by reason",
        lambda actor, _: [((why,), number) for why, number in actor.restarts.items()],
        ("reason",),
    ),
    Family(
        "natsctl_certificate_expiry_timestamp_seconds",
        "gauge",
        "Expiry of the certificate of a listener",
        lambda _, known: [((listener,), end) for listener, end in known.expiries],
        ("listener",),
    ),
    Family(
        "natsctl_server_info",
        "gauge",
        "1 for each server: its version",
        lambda _, known: [((s.name, s.version), 1) for s in known.servers],
        ("server", "version"),
    ),
    Family(
        "natsctl_server_ready",
        "gauge",
        "1 while the server answers and has routes to all others",
        _of_servers(lambda server: server.ready),
        ("server",),
    ),
    Family(
        "natsctl_server_config_current",
        "gauge",
        "1 while the server's configuration matches the spec and its Secrets",
        _of_servers(lambda server: server.current),
        ("server",),
    ),
    Family(
        "natsctl_server_container_restarts",
        "counter",
        "Restarts of the server's container by the kubelet since its pod was created",
        _of_servers(lambda server: server.restarts),
        ("server",),
    ),
    Family(
        "natsctl_server_last_exit_info",
        "gauge",
        "1 for each server whose container terminated before, with the kubelet's reason",
        lambda _, known: [((s.name, s.last_exit), 1) for s in known.servers if s.last_exit],
        ("server", "reason"),
    ),
    Family(
        "natsctl_server_observed_timestamp_seconds",
        "gauge",
        "When natsctl last read the next three values from the server",
        _of_answers(lambda probe: probe.at),
        ("server",),
    ),
    Family(
        "natsctl_server_connections",
        "gauge",
        "Clients connected when natsctl last queried the server; it does not query healthy servers "
        "while nothing changes",
        _of_answers(lambda probe: probe.connections),
        ("server",),
    ),
    Family(
        "natsctl_server_start_timestamp_seconds",
        "gauge",
        "When the server started",
        _of_answers(lambda probe: probe.started),
        ("server",),
    ),
    Family(
        "natsctl_server_config_load_timestamp_seconds",
        "gauge",
        "When the server loaded its configuration",
        _of_answers(lambda probe: probe.loaded),
        ("server",),
    ),
    Family(
        "natsctl_jetstream_quorum",
        "gauge",
        "1 for each cluster with JetStream: ok, critical, lost or unknown",
        lambda _, known: [((known.jetstream.quorum,), 1)] if known.jetstream is not None else [],
        ("state",),
    ),
    Family(
        "natsctl_jetstream_groups",
        "gauge",
        "Streams and consumers",
        _of_streams(lambda jetstream: jetstream.groups),
    ),
    Family(
        "natsctl_jetstream_groups_short",
        "gauge",
        "Streams and consumers with fewer replicas than configured",
        _of_streams(lambda jetstream: jetstream.short),
    ),
    Family(
        "natsctl_jetstream_groups_leaderless",
        "gauge",
        "Streams and consumers without a leader",
        _of_streams(lambda jetstream: jetstream.leaderless),
    ),
    Family(
        "natsctl_jetstream_groups_behind",
        "gauge",
        "Streams and consumers with a replica that is not up to date, or copies that differ",
        _of_streams(lambda jetstream: jetstream.behind),
    ),
    Family(
        "natsctl_jetstream_members_missing",
        "gauge",
        "Servers that the leader of the meta group does not list as members",
        _of_streams(lambda jetstream: jetstream.missing),
    ),
    Family(
        "natsctl_jetstream_blocked",
        "gauge",
        "Reasons for which a restart of servers would wait",
        _of_streams(lambda jetstream: jetstream.blocked),
    ),
    Family(
        "natsctl_jetstream_servers_disabled",
        "gauge",
        "Servers that turned JetStream off themselves, such as after a full disk",
        _of_streams(lambda jetstream: jetstream.disabled),
    ),
    Family(
        "natsctl_jetstream_servers_frozen",
        "gauge",
        "Servers with a store that no longer changes, because a write failed",
        _of_streams(lambda jetstream: jetstream.frozen),
    ),
    Family(
        "natsctl_jetstream_lent_bytes",
        "gauge",
        "Bytes that the limit of the file store is raised by for the time being",
        _of_streams(lambda jetstream: jetstream.lent),
    ),
    Family(
        "natsctl_jetstream_storage_used_bytes",
        "gauge",
        "Bytes that the server stores",
        _of_storage(lambda storage: storage.used),
        ("server", "storage"),
    ),
    Family(
        "natsctl_jetstream_storage_limit_bytes",
        "gauge",
        "Bytes that the server may store",
        _of_storage(lambda storage: storage.limit),
        ("server", "storage"),
    ),
    Family(
        "natsctl_jetstream_volume_used_bytes",
        "gauge",
        "Used bytes of the file system that the server stores on",
        _of_volumes(lambda volume: volume.used),
        ("server",),
    ),
    Family(
        "natsctl_jetstream_volume_available_bytes",
        "gauge",
        "Bytes of that file system that are available",
        _of_volumes(lambda volume: volume.available),
        ("server",),
    ),
)


def exposition(by_key: Mapping[tuple[str, str], ActorMetrics]) -> str:
    """The series of all clusters in Prometheus' text format.

    Written here, because a thousand clusters have 40,000 of them: prometheus_client takes 0.6 s
    for these, in which the event loop would do nothing else.
    """
    shown = [
        (_named(namespace, name), actor, actor.cluster)
        for (namespace, name), actor in by_key.items()
        if actor.cluster is not None
    ]
    return "".join(f"{line}\n" for family in FAMILIES for line in family.lines(shown))


def _named(namespace: str, name: str) -> str:
    return f'nats_namespace="{_escaped(namespace)}",nats_cluster="{_escaped(name)}"'


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
