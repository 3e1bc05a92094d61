"""From what was read of a cluster to what is shown of it; pure."""

from __future__ import annotations

import base64
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.types.status import CertificateStatus, ClusterStatus, ServerStatus, parse_status
from natsctl.cli.status.text import TAKEN_OVER
from natsctl.cli.status.view import CertificateView, ClusterView, Difference, EventView, ServerView
from natsctl.model import names
from natsctl.model.bound_tokens import RENEW_AFTER
from natsctl.model.times import moment
from natsctl.plan.adoption.go_operator import is_taken_over
from natsctl.plan.inputs.certificates import inspect
from natsctl.plan.servers.identity import servers_among
from natsctl.plan.servers.server import problem_of
from natsctl.render.config import tls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.cli.status.models import Answer, Happening, Sight
    from natsctl.model.objects import Cluster, Object, Pod, Secret

EVENTS = 10
"""How many of the last events are shown."""
UNHELD = timedelta(seconds=60)
"""After which a lease that nobody renews means that nobody leads; it lasts 15 s."""


def view(sight: Sight, now: datetime) -> ClusterView:
    """One cluster, from everything that was read of it at this moment."""
    cluster, status = sight.cluster, parse_status(sight.cluster.status)
    meta, spec = cluster.metadata, spec_of(cluster)
    return ClusterView(
        namespace=meta.namespace,
        name=meta.name,
        ready=is_ready(cluster, status),
        phase=status.phase,
        paused=bool(spec and spec.paused),
        wanted_size=spec.size if spec else 0,
        size=status.size,
        ready_replicas=status.ready_replicas,
        wanted_version=(spec.version or "") if spec else "",
        current_version=status.current_version,
        created=meta.creation_timestamp or "",
        generation=meta.generation,
        observed_generation=status.observed_generation,
        operator=status.operator,
        operator_problem=_operator_problem(sight, status, now),
        conditions=status.conditions,
        servers=_servers(sight, status),
        differences=(*_old_servers(sight, status), *_old_tokens(sight.secret_metadata)),
        certificates=_certificates(spec, status, sight.secrets),
        jetstream=status.jetstream,
        events=_events(sight),
        notes=_notes(sight),
    )


def spec_of(cluster: Cluster) -> NatsClusterSpec | None:
    """Its spec; None if that cannot be read."""
    try:
        return parse_spec(cluster.spec)
    except InvalidSpec:
        return None


def is_ready(cluster: Cluster, status: ClusterStatus) -> bool:
    """Condition Ready, of the present generation."""
    seen = status.observed_generation == cluster.metadata.generation
    return seen and any(c.type == "Ready" and c.status == "True" for c in status.conditions)


def own_pods(cluster: Cluster, pods: Sequence[Pod]) -> tuple[Pod, ...]:
    """The pods that this very cluster controls, by index."""
    owners = ((pod, pod.metadata.controller) for pod in pods)
    own = [pod for pod, owner in owners if owner and owner.uid == cluster.metadata.uid]
    return tuple(pod for _, pod in servers_among(cluster.metadata.name, own))


def _operator_problem(sight: Sight, status: ClusterStatus, now: datetime) -> str:
    """Why nothing may happen to the cluster, as far as can be seen from here."""
    meta, lease = sight.cluster.metadata, sight.lease
    if not status.operator:
        return "no operator has written its status: does one manage this namespace?"
    if lease is not None and not lease.spec.holder_identity:
        return "nobody holds its lease: is it running?"
    renewed = moment(lease.spec.renew_time or "") if lease is not None else None
    if renewed is not None and now - renewed > UNHELD:
        return f"its lease was last renewed at {renewed:%Y-%m-%dT%H:%M:%SZ}: is it running?"
    if status.observed_generation != meta.generation:
        return (
            f"it has not seen the latest change yet (generation {meta.generation}, "
            f"seen {status.observed_generation})"
        )
    return ""


def _servers(sight: Sight, status: ClusterStatus) -> tuple[ServerView, ...]:
    """Those that have a pod, and those that the status tells of besides."""
    pods = own_pods(sight.cluster, sight.pods)
    reported = {server.name: server for server in status.servers}
    servers = tuple(_server(p, reported.get(p.metadata.name), sight.answers, pods) for p in pods)
    here = {server.name for server in servers}
    gone = (_absent(server) for server in status.servers if server.name not in here)
    return (*servers, *gone)


def _absent(reported: ServerStatus) -> ServerView:
    return ServerView(
        reported.name,
        reported.version,
        reported.ready,
        message=reported.message,
        volume=reported.volume,
    )


def _server(
    pod: Pod, reported: ServerStatus | None, answers: Mapping[str, Answer], pods: Sequence[Pod]
) -> ServerView:
    meta = pod.metadata
    answer = answers.get(meta.uid)
    asked = answer is not None and not answer.problem
    own, foreign = _routes(answer, answers, pods) if answer and asked else (None, None)
    return ServerView(
        name=meta.name,
        version=(reported.version if reported else "") or meta.label(names.LABEL_VERSION) or "",
        ready=reported.ready if reported else False,
        state=_state(pod),
        message=reported.message if reported else "",
        node=pod.spec.node_name or "",
        address=pod.status.pod_ip or "",
        created=meta.creation_timestamp or "",
        restarts=sum(c.restart_count for c in pod.status.container_statuses or ()),
        routes=own,
        foreign_routes=foreign,
        connections=answer.connections if answer and asked else None,
        volume=reported.volume if reported else None,
    )


def _routes(
    answer: Answer, answers: Mapping[str, Answer], pods: Sequence[Pod]
) -> tuple[int, int | None]:
    """To how many other servers of the cluster, and to how many others.

    While some servers do not answer, their ids are unknown: then all routes count as own.
    """
    ids = {a.server_id for a in answers.values() if a.server_id} - {answer.server_id}
    if len(ids) < len(pods) - 1:
        return len(answer.route_peers), None
    return len(answer.route_peers & ids), len(answer.route_peers - ids)


def _state(pod: Pod) -> str:
    """In one word, like the column of `kubectl get pods`."""
    if pod.metadata.deletion_timestamp is not None:
        return "Terminating"
    pod_problem = problem_of(pod)
    return pod_problem[0] if pod_problem else pod.status.reason or pod.status.phase


def _old_servers(sight: Sight, status: ClusterStatus) -> tuple[Difference, ...]:
    """Pods of the Go operator, grouped by what their next restart brings."""
    messages = {server.name: server.message for server in status.servers}
    by_message: dict[str, list[str]] = defaultdict(list)
    for pod in own_pods(sight.cluster, sight.pods):
        if is_taken_over(pod):
            by_message[_old(messages.get(pod.metadata.name, ""))].append(pod.metadata.name)
    return tuple(Difference(tuple(subjects), message) for message, subjects in by_message.items())


def _old(message: str) -> str:
    if message.startswith(TAKEN_OVER):
        return message
    return f"{TAKEN_OVER}; its next restart updates it"


def _old_tokens(secrets: Sequence[Object]) -> tuple[Difference, ...]:
    """Tokens that do not say when they are to be renewed: natsctl's do."""
    ours = (s for s in secrets if s.metadata.name.endswith(names.BOUND_TOKEN_SUFFIX))
    old = [f"Secret {s.metadata.name}" for s in ours if not s.metadata.annotation(RENEW_AFTER)]
    message = f"{TAKEN_OVER}; its token is valid, but is not renewed until you delete the Secret"
    return (Difference(tuple(sorted(old)), message),) if old else ()


def _certificates(
    spec: NatsClusterSpec | None, status: ClusterStatus, secrets: Mapping[str, Secret]
) -> tuple[CertificateView, ...]:
    reported = {c.listener: c for c in status.certificates}
    named = tls.secrets(spec) if spec else {}
    listeners = [*named, *(listener for listener in reported if listener not in named)]
    return tuple(_certificate(x, spec, reported.get(x), named, secrets) for x in listeners)


def _certificate(
    listener: str,
    spec: NatsClusterSpec | None,
    reported: CertificateStatus | None,
    named: Mapping[str, str],
    secrets: Mapping[str, Secret],
) -> CertificateView:
    name = named.get(listener) or (reported.secret if reported else "")
    end = reported.not_after if reported else ""
    secret = secrets.get(name)
    if spec is None or secret is None:
        return CertificateView(listener, name, end)
    data = secret.data or {}
    files = tls.choose_files(spec, listener, data, secret.type)
    if isinstance(files, tuple):
        return CertificateView(listener, name, end, problem=f"lacks {', '.join(files)}")
    if files.cert.startswith("/") or files.key.startswith("/"):
        return CertificateView(listener, name, end)  # the template mounts it
    ca = _decoded(data[files.ca]) if files.ca in data else None
    read = inspect(_decoded(data[files.cert]), _decoded(data[files.key]), ca)
    return CertificateView(listener, name, read.not_after or end, read.dns_names, read.problem)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


def _events(sight: Sight) -> tuple[EventView, ...]:
    """The last ones of the cluster and of its pods, those that are gone too; oldest first."""
    known = sorted(sight.events, key=lambda event: (event.time, event.version))
    return tuple(_event(event) for event in known[-EVENTS:])


def _event(event: Happening) -> EventView:
    subject = event.involved_object
    series = event.series.count if event.series else 0
    return EventView(
        time=event.time,
        type=event.type,
        reason=event.reason,
        subject=f"{subject.kind}/{subject.name}",
        message=event.message,
        count=event.count or series or 1,
    )


def _notes(sight: Sight) -> tuple[str, ...]:
    """What could not be read; the same reason of several servers once."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for pod in own_pods(sight.cluster, sight.pods):
        answer = sight.answers.get(pod.metadata.uid)
        if answer is not None and answer.problem:
            by_reason[answer.problem].append(pod.metadata.name)
    asked = (f"routes and clients of {', '.join(n)}: {why}" for why, n in by_reason.items())
    return (*sight.unread, *asked)
