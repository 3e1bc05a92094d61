"""What is written to `status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.api import names
from natsctl.api.foreign import named
from natsctl.api.status import CertificateStatus, ClusterStatus, Condition, ServerStatus
from natsctl.plan import conditions
from natsctl.plan.accepted import to_keep
from natsctl.plan.policies.rollout import outdated_servers, why
from natsctl.plan.releases import tag_of
from natsctl.plan.servers import Server, kubelet_ready, servers_of, told
from natsctl.plan.snapshot import Snapshot
from natsctl.plan.takeover import is_taken_over
from natsctl.render.accounts import may_have_system
from natsctl.render.routes import cluster_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.conditions import Verdict
    from natsctl.plan.objects import Cluster
    from natsctl.plan.snapshot import Failure


def status(snapshot: Snapshot) -> ClusterStatus:
    """The status that tells this snapshot."""
    servers = servers_of(snapshot)
    verdicts = {
        "Ready": conditions.ready(snapshot, servers),
        "Progressing": conditions.progressing(snapshot, servers),
        "Degraded": conditions.degraded(snapshot, servers),
        "SpecAccepted": conditions.spec_accepted(snapshot),
        "ConfigAccepted": conditions.config_accepted(snapshot, servers),
    }
    name = snapshot.cluster.metadata.name
    return ClusterStatus(
        phase=_phase(snapshot, verdicts),
        size=sum(not s.terminating for s in servers),
        ready_replicas=sum(s.ready for s in servers),
        current_version=_current_version(snapshot, servers),
        selector=f"{names.LABEL_APP}={names.APP},{names.LABEL_CLUSTER}={name}",
        observed_generation=snapshot.cluster.metadata.generation,
        control_paused=snapshot.paused,
        operator=snapshot.installation,
        accepted_spec=to_keep(snapshot),
        conditions=tuple(_condition(snapshot, t, v) for t, v in verdicts.items()),
        servers=tuple(_server_status(snapshot, s, servers) for s in servers),
        certificates=_certificates(snapshot),
    )


def troubled(
    cluster: Cluster, before: ClusterStatus, failures: Sequence[Failure], timestamp: str
) -> ClusterStatus:
    """A status that tells what failed, while too little is known for anything else."""
    snapshot = Snapshot(cluster, before, None, failures=tuple(failures), timestamp=timestamp)
    fresh = _condition(snapshot, "Degraded", conditions.degraded(snapshot, ()))
    others = tuple(c for c in before.conditions if c.type != fresh.type)
    return attrs.evolve(before, phase="Degraded", conditions=(*others, fresh))


def _certificates(snapshot: Snapshot) -> tuple[CertificateStatus, ...]:
    return snapshot.desired.resolved.certificates if snapshot.desired is not None else ()


def _phase(snapshot: Snapshot, verdicts: dict[str, Verdict]) -> str:
    if verdicts["SpecAccepted"].status == "False":
        return "Failed"
    if verdicts["Progressing"].reason == "Waiting":
        return "Waiting"
    if snapshot.paused:
        return "Paused"
    if verdicts["Degraded"].status == "True":
        return "Degraded"
    if verdicts["Progressing"].status == "True":
        return "Creating" if not _was_ready(snapshot) else "Updating"
    return "Running" if verdicts["Ready"].status == "True" else "Creating"


def _was_ready(snapshot: Snapshot) -> bool:
    return snapshot.status.phase not in ("", "Creating", "Waiting", "Failed")


def _current_version(snapshot: Snapshot, servers: Sequence[Server]) -> str:
    """The version all servers have; while they differ, the one they had before."""
    before = snapshot.status.current_version
    if snapshot.desired is None:
        return before
    wanted = snapshot.desired.target.version.text
    everywhere = all(tag_of(s.pod) == wanted for s in servers)
    return wanted if everywhere or not before else before


def _condition(snapshot: Snapshot, type_: str, verdict: Verdict) -> Condition:
    before = next((c for c in snapshot.status.conditions if c.type == type_), None)
    unchanged = before is not None and before.status == verdict.status
    since = before.last_transition_time if before is not None and unchanged else ""
    return Condition(
        type=type_,
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message,
        last_transition_time=since or snapshot.timestamp,
        observed_generation=snapshot.cluster.metadata.generation,
    )


def _server_status(snapshot: Snapshot, server: Server, servers: Sequence[Server]) -> ServerStatus:
    return ServerStatus(
        name=server.name,
        version=_version(server),
        ready=server.ready,
        message=_message(snapshot, server, servers),
    )


def _version(server: Server) -> str:
    if server.observation is not None and server.observation.version:
        return server.observation.version
    return tag_of(server.pod)


def _message(snapshot: Snapshot, server: Server, servers: Sequence[Server]) -> str:
    if server.changes and not server.terminating:
        return _waiting(snapshot, server, servers)
    if server.ailment:
        return server.ailment
    if not server.right_version and server.observation is not None:
        assert snapshot.desired is not None  # else no version is wrong
        wanted = snapshot.desired.target.version.claim
        return f"answers with version {named(server.observation.version)}, its image says {wanted}"
    if server.reloads:
        return f"to reload: {told(server.reloads)} changed"
    pending = [path for path in server.pending if path != "routes"]  # servers tell each other
    if pending:
        return f"{told(pending)} changed: takes effect when the server starts next"
    return _unlike_ours(snapshot, server) if is_taken_over(server.pod) else ""


def _unlike_ours(snapshot: Snapshot, server: Server) -> str:
    """What the next restart brings to a server that the Go operator made."""
    if snapshot.desired is None:
        return ""
    target, resolved = snapshot.desired.target, snapshot.desired.resolved
    system = resolved.inputs.system and may_have_system(
        target.spec, target.version, resolved.inputs.authorization
    )
    renewed = names.pod_name(target.name, server.index)
    named = cluster_name(attrs.evolve(target, named=None))
    found = {
        "a readiness probe": True,
        "a lame duck period when it stops": True,
        "a server name": target.version.knows_server_name,
        f"the cluster name {named}": named is not None,
        "a system account": system,
        f"the pod name {renewed}": renewed != server.name,
    }
    brings = ", ".join(text for text, given in found.items() if given)
    return f"made by the Go operator and left as it is; its next restart brings {brings}"


def _waiting(snapshot: Snapshot, server: Server, servers: Sequence[Server]) -> str:
    """Why an outdated server has not been restarted yet."""
    text = f"to restart: {why(server)} changed"
    if server.ailment and not kubelet_ready(server.pod):
        text += f"; {server.ailment}"
    if snapshot.paused:
        return f"{text}; waits: spec.paused"
    queue = outdated_servers(snapshot, servers)
    if queue and queue[0].name != server.name:
        return f"{text}; waits: {queue[0].name} goes first"
    leaving = [s.name for s in servers if s.terminating]
    if leaving:
        return f"{text}; waits: {conditions.listed(leaving)} is shutting down"
    return text
