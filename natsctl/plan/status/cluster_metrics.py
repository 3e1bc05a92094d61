"""What there is to measure about a cluster, as numbers: what metrics show of it."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import attrs

from natsctl.api.version import is_tag
from natsctl.model import names, times
from natsctl.model.objects import ContainerStatus, Pod
from natsctl.plan.decisions import Judged
from natsctl.plan.gates.quorum import State
from natsctl.plan.status.lent import normal_limit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.observation import Observation
    from natsctl.plan.gates.seen import Seen
    from natsctl.plan.servers.server import Server
    from natsctl.plan.state import ClusterState

LONGEST_VERSION = 64
"""Characters of a version that are shown: a server may answer anything."""
OTHER = "other"
"""Stands for what has no form: each text of others' would be a series of its own."""
EXITS = frozenset(
    {
        *("Completed", "Error", "OOMKilled", "StartError", "ContainerCannotRun"),
        *("ContainerStatusUnknown", "DeadlineExceeded", "Evicted"),
    }
)
"""Why kubelets and container runtimes say that a container ended."""
MOST_RESTARTS = 2**31 - 1
"""What a kubelet can count to."""


@attrs.frozen
class LastProbe:
    """What a server said when it was last asked; moments are seconds since 1970.

    `started` and `loaded` (its configuration) are None if it did not say.
    """

    at: float
    connections: int
    started: float | None
    loaded: float | None


@attrs.frozen
class ServerMetrics:
    """One server. `current`: it runs what the spec and its Secrets say.

    `restarts` are those of its container, by the kubelet; `last_exit` why it ended before.
    """

    name: str
    version: str
    ready: bool
    current: bool
    restarts: int = 0
    last_exit: str = ""
    last_probe: LastProbe | None = None


@attrs.frozen
class StorageMetrics:
    """One kind of storage (file, memory) of one server, in bytes."""

    server: str
    storage: str
    used: int
    limit: int


@attrs.frozen
class VolumeMetrics:
    """The volume of one server's store, in bytes, whoever uses them."""

    server: str
    used: int
    available: int


@attrs.frozen
class JetStreamMetrics:
    """JetStream as the last looks showed it: exact numbers, and no name of any stream.

    None: nothing is known of it at the moment.
    """

    quorum: str
    groups: int | None = None
    short: int | None = None
    leaderless: int | None = None
    behind: int | None = None
    missing: int | None = None
    blocked: int | None = None
    disabled: int | None = None
    frozen: int | None = None
    lent: int | None = None
    storage: tuple[StorageMetrics, ...] = ()
    volumes: tuple[VolumeMetrics, ...] = ()


@attrs.frozen
class ClusterMetrics:
    """One cluster. `size` is None while the spec is invalid; `expiries` are by listener.

    `jetstream` is None without JetStream, and while nothing is known of it.
    """

    phase: str
    version: str
    size: int | None
    paused: bool
    conditions: tuple[tuple[str, bool], ...] = ()
    expiries: tuple[tuple[str, float], ...] = ()
    servers: tuple[ServerMetrics, ...] = ()
    jetstream: JetStreamMetrics | None = None


def cluster_metrics(
    state: ClusterState, status: ClusterStatus, known: Judged | None = None
) -> ClusterMetrics:
    """The metrics of a cluster's state, and of the status that tells it."""
    desired, servers = state.desired, (known or Judged(state)).servers
    ends = ((c.listener, moment(c.not_after)) for c in status.certificates)
    return ClusterMetrics(
        phase=status.phase,
        version=_version(status.current_version),
        size=desired.target.spec.size if desired is not None else None,
        paused=state.paused,
        conditions=tuple((c.type, c.status == "True") for c in status.conditions),
        expiries=tuple((listener, end) for listener, end in ends if end is not None),
        servers=tuple(
            _server(state, server, _version(server_status.version))
            for server, server_status in zip(servers, status.servers, strict=True)
        ),
        jetstream=_jetstream(state, status),
    )


def moment(text: str) -> float | None:
    """Seconds since 1970 of RFC 3339 text; None if it is no such text."""
    parsed = times.moment(text, UTC)
    return parsed.timestamp() if parsed is not None else None


def _jetstream(state: ClusterState, status: ClusterStatus) -> JetStreamMetrics | None:
    """Numbers of the looks, as long as these say anything; and the quorum that the status tells."""
    told = status.jetstream
    if told is None:
        return None
    if told.quorum == State.UNKNOWN or state.seen is None:
        return JetStreamMetrics(told.quorum if told.quorum in tuple(State) else str(State.UNKNOWN))
    summary = state.seen.summary
    return JetStreamMetrics(
        quorum=told.quorum,
        groups=summary.groups,
        short=summary.short,
        leaderless=summary.leaderless,
        behind=summary.behind,
        missing=summary.missing,
        blocked=state.seen.count,
        disabled=sum(name in state.seen.gave_up for name in state.seen.off),
        frozen=len(state.seen.frozen),
        lent=_lent(state) if told.lent is not None else 0,
        storage=tuple(_storage(state.seen)),
        volumes=tuple(_volumes(state.seen)),
    )


def _lent(state: ClusterState) -> int:
    """Bytes by which the limit of the file store is higher than it should be."""
    target = state.desired.target if state.desired is not None else None
    return max(target.inputs.lent_file - normal_limit(target), 0) if target is not None else 0


def _storage(seen: Seen) -> Iterator[StorageMetrics]:
    """Of servers that have pods, and so one series each; of memory only where there is any."""
    for name, pod in seen.pods.items():
        for kind, by_server in (("file", seen.summary.file), ("memory", seen.summary.memory)):
            usage = by_server.get(name)
            if usage is not None and usage.limit > 0:
                yield StorageMetrics(pod, kind, max(usage.used, 0), usage.limit)


def _volumes(seen: Seen) -> Iterator[VolumeMetrics]:
    """Of servers that have pods, and where somebody tells."""
    for name, pod in seen.pods.items():
        if (volume := seen.summary.volumes.get(name)) is not None:
            yield VolumeMetrics(pod, volume.used, volume.available)


def _server(state: ClusterState, server: Server, version: str) -> ServerMetrics:
    container = _container(server.pod)
    before = container.last_state.terminated if container.last_state else None
    seen = server.observation
    return ServerMetrics(
        name=server.name,
        version=version,
        ready=server.ready,
        current=not (server.changes or server.reloads),
        restarts=max(0, min(container.restart_count, MOST_RESTARTS)),
        last_exit=_exit(before.reason) if before and before.reason else "",
        last_probe=_last_probe(state, seen) if seen is not None and not seen.problem else None,
    )


def _version(text: str) -> str:
    """As a tag, which is all that a version can be."""
    shown = text[:LONGEST_VERSION]
    return shown if not shown or is_tag(shown) else OTHER


def _exit(reason: str) -> str:
    return reason if reason in EXITS else OTHER


def _container(pod: Pod) -> ContainerStatus:
    """What the kubelet says of nats-server; nothing yet in a pod that is new."""
    statuses = pod.status.container_statuses or ()
    return next((c for c in statuses if c.name == names.SERVER_CONTAINER), ContainerStatus())


def _last_probe(state: ClusterState, seen: Observation) -> LastProbe:
    return LastProbe(
        at=(moment(state.timestamp) or 0.0) - (state.now - seen.asked),
        connections=seen.connections,
        started=moment(seen.started),
        loaded=moment(seen.config_load_time),
    )
