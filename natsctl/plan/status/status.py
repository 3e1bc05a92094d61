"""What is written to `status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.api.types.status import CertificateStatus, ClusterStatus, Condition, ServerStatus
from natsctl.model import names
from natsctl.model.foreign import named
from natsctl.model.server_identity import pod_name
from natsctl.model.words import listed
from natsctl.plan.adoption.go_operator import is_taken_over
from natsctl.plan.decisions import Decisions, Judged
from natsctl.plan.jetstream import stores
from natsctl.plan.rules.rolling_update import replace_outdated, why
from natsctl.plan.servers.releases import tag_of
from natsctl.plan.servers.server import Server, describe_changes, kubelet_ready
from natsctl.plan.state import ClusterState
from natsctl.plan.status import conditions
from natsctl.plan.status.accepted_spec import to_keep
from natsctl.plan.status.jetstream import TYPE as JETSTREAM
from natsctl.plan.status.jetstream import jetstream_told
from natsctl.plan.status.lent import lent_now, with_lent
from natsctl.plan.status.progressing import progressing
from natsctl.plan.status.rolling import with_roll
from natsctl.plan.status.volumes import server_volumes, volumes_ready
from natsctl.render.config.routes import cluster_name
from natsctl.render.config.system_account import may_have_system

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from natsctl.api.types.status import VolumeStatus
    from natsctl.model.objects import Cluster
    from natsctl.plan.state import Failure
    from natsctl.plan.status.conditions import Verdict


def status(state: ClusterState, known: Judged | None = None) -> ClusterStatus:
    """The status that tells this snapshot. `known` is what was found out about it."""
    known = known or Judged(state)
    servers, decisions = known.servers, known.decisions
    verdicts = {
        "Ready": conditions.ready(state, servers),
        "Progressing": progressing(state, servers, decisions),
        "Degraded": conditions.degraded(state, servers, decisions),
        "SpecAccepted": conditions.spec_accepted(state, servers),
        "ConfigAccepted": conditions.config_accepted(state, servers),
    }
    volumes = volumes_ready(decisions.context) if decisions is not None else None
    if volumes is not None:
        verdicts["VolumesReady"] = volumes
    context = decisions.context if decisions is not None else None
    filled = server_volumes(context) if context is not None else {}
    found = ((s.name, filled.get(s.index)) for s in servers)
    told = {server: volume for server, volume in found if volume is not None}
    lent = lent_now(state, context)
    jetstream, said = jetstream_told(state, context, told, lent)
    if said is not None:
        verdicts[JETSTREAM] = said
    name = state.cluster.metadata.name
    return ClusterStatus(
        phase=_phase(state, verdicts),
        size=sum(not s.terminating for s in servers),
        ready_replicas=sum(s.ready for s in servers),
        current_version=_current_version(state, servers),
        selector=f"{names.LABEL_APP}={names.APP},{names.LABEL_CLUSTER}={name}",
        observed_generation=state.cluster.metadata.generation,
        control_paused=state.paused,
        operator=state.installation,
        accepted_spec=to_keep(state),
        conditions=tuple(_condition(state, t, v) for t, v in verdicts.items()),
        servers=tuple(_servers(state, servers, decisions, filled)),
        certificates=_certificates(state),
        jetstream=with_roll(with_lent(jetstream, lent), state, decisions),
    )


def troubled(
    cluster: Cluster, before: ClusterStatus, failures: Sequence[Failure], timestamp: str
) -> ClusterStatus:
    """A status that tells what failed, while too little is known for anything else."""
    state = ClusterState(cluster, before, None, failures=tuple(failures), timestamp=timestamp)
    fresh = _condition(state, "Degraded", conditions.degraded(state, (), None))
    others = tuple(c for c in before.conditions if c.type != fresh.type)
    return attrs.evolve(before, phase="Degraded", conditions=(*others, fresh))


def _certificates(state: ClusterState) -> tuple[CertificateStatus, ...]:
    return state.desired.resolved.certificates if state.desired is not None else ()


def _phase(state: ClusterState, verdicts: dict[str, Verdict]) -> str:
    if verdicts["SpecAccepted"].status == "False":
        return "Failed"
    if verdicts["Progressing"].reason == "Waiting":
        return "Waiting"
    if state.paused:
        return "Paused"
    if verdicts["Degraded"].status == "True":
        return "Degraded"
    if verdicts["Progressing"].status == "True":
        return "Creating" if not _was_ready(state) else "Updating"
    return "Running" if verdicts["Ready"].status == "True" else "Creating"


def _was_ready(state: ClusterState) -> bool:
    return state.status.phase not in ("", "Creating", "Waiting", "Failed")


def _current_version(state: ClusterState, servers: Sequence[Server]) -> str:
    """The version all servers have; while they differ, the one they had before."""
    before = state.status.current_version
    if state.desired is None:
        return before
    wanted = state.desired.target.version.text
    everywhere = all(tag_of(s.pod) == wanted for s in servers)
    return wanted if everywhere or not before else before


def _condition(state: ClusterState, type_: str, verdict: Verdict) -> Condition:
    before = next((c for c in state.status.conditions if c.type == type_), None)
    unchanged = before is not None and before.status == verdict.status
    since = before.last_transition_time if before is not None and unchanged else ""
    return Condition(
        type=type_,
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message,
        last_transition_time=since or state.timestamp,
        observed_generation=state.cluster.metadata.generation,
    )


def _servers(
    state: ClusterState,
    servers: Sequence[Server],
    decisions: Decisions | None,
    volumes: Mapping[int, VolumeStatus],
) -> Iterator[ServerStatus]:
    for server in servers:
        yield ServerStatus(
            name=server.name,
            version=_version(server),
            ready=server.ready,
            message=_message(state, server, decisions),
            volume=volumes.get(server.index),
        )


def _version(server: Server) -> str:
    if server.observation is not None and server.observation.version:
        return server.observation.version
    return tag_of(server.pod)


def _message(state: ClusterState, server: Server, decisions: Decisions | None) -> str:
    if decisions is not None and server.changes and not server.terminating:
        return _waiting(decisions, server)
    if server.unhealthy_reason:
        return server.unhealthy_reason
    if not server.right_version and server.observation is not None:
        assert state.desired is not None  # else no version is wrong
        wanted = state.desired.target.version.claim
        return f"reports version {named(server.observation.version)}, but its image is {wanted}"
    if server.reloads:
        return f"waiting to reload: {describe_changes(server.reloads)} changed"
    pending = [path for path in server.pending if path != "routes"]  # servers tell each other
    if pending:
        return f"{describe_changes(pending)} changed: takes effect at the next restart"
    return _unlike_ours(state, server) if is_taken_over(server.pod) else ""


def _unlike_ours(state: ClusterState, server: Server) -> str:
    """What the next restart brings to a server that the Go operator made."""
    if state.desired is None:
        return ""
    target, resolved = state.desired.target, state.desired.resolved
    system = resolved.inputs.system and may_have_system(
        target.spec, target.version, resolved.inputs.authorization
    )
    renewed = pod_name(target.name, server.index)
    named = cluster_name(attrs.evolve(target, named=None))
    changes = {
        "a readiness probe": True,
        "a lame duck period on shutdown": True,
        "a server name": target.version.knows_server_name,
        f"the cluster name {named}": named is not None,
        "a system account": system,
        f"the pod name {renewed}": renewed != server.name,
    }
    brings = ", ".join(text for text, given in changes.items() if given)
    return f"created by the Go operator and left unchanged; its next restart adds {brings}"


def _waiting(decisions: Decisions, server: Server) -> str:
    """Why an outdated server has not been restarted yet."""
    text = f"waiting to restart: {why(server)} changed"
    if server.unhealthy_reason and not kubelet_ready(server.pod):
        text += f"; {server.unhealthy_reason}"
    context, queue = decisions.context, decisions.of(replace_outdated).servers
    if context.state.paused:
        return f"{text}; waiting: spec.paused"
    if len(queue) > 1 and stores(context):  # the order is the gate's, by what it finds next
        return f"{text}; waiting: one server restarts at a time"
    if queue and queue[0].name != server.name:
        return f"{text}; waiting: {queue[0].name} restarts first"
    leaving = [s.name for s in context.servers if s.terminating]
    if leaving:
        return f"{text}; waiting: {listed(leaving)} is shutting down"
    return text
