"""Conditions: what a cluster is doing, what blocks it, and the way out.

Messages hold nothing that changes by itself (no times, no counters): a converged cluster is never
written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.model import names
from natsctl.model.foreign import named, plain, quoted, word
from natsctl.model.objects import controlled
from natsctl.model.server_identity import is_for_new_server
from natsctl.model.words import LIMIT, listed
from natsctl.plan.claims.faults import REPLACING
from natsctl.plan.claims.remedies import volume_troubles
from natsctl.plan.proof import current_content, digest_of
from natsctl.plan.rules.reload import reload_servers
from natsctl.plan.servers.identity import wanted
from natsctl.plan.servers.server import Server, describe_changes
from natsctl.plan.status.budgets import budget_troubles
from natsctl.plan.status.node_tags import tag_remarks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.decisions import Decisions
    from natsctl.plan.state import ClusterState

RELOAD_LIMIT = 180.0
"""Seconds after which a reload is overdue; kubelets need two minutes at most."""
_NOTED = 4096
"""Characters of a note on a pod that are read: others may write there, too."""


@attrs.frozen
class Verdict:
    """A condition's content: True, False or Unknown, and why."""

    status: str
    reason: str = attrs.field(converter=word)
    message: str = attrs.field(default="", converter=plain)


def spec_accepted(state: ClusterState, servers: Sequence[Server] = ()) -> Verdict:
    """Whether the spec can be acted on, all of it; `servers` tell what came of some fields."""
    desired = state.desired
    if desired is None or state.problems:
        problems = listed([str(p) for p in state.problems])
        effect = "no changes are applied until this is fixed"
        effect += "; the last accepted spec stays in effect" if desired is not None else ""
        return Verdict("False", "InvalidSpec", f"{problems} ({effect})")
    if desired.unreached:
        stays = f"the servers stay at {desired.target.version}; everything else is applied"
        return Verdict("False", "VersionOutOfReach", f"spec.version: {desired.unreached} ({stays})")
    told = () if state.holding else tag_remarks(desired.target.spec, servers)
    remarks = [*map(str, desired.remarks), *_dropped(state), *told]
    if remarks:
        text = f"{listed(remarks)} (everything else is applied)"
        return Verdict("True", "FieldsNotActedOn", "; ".join(filter(None, (text, desired.advice))))
    return Verdict("True", "Accepted", desired.advice)


def _dropped(state: ClusterState) -> list[str]:
    """What the API server left out of pods, as far as nobody has said so yet."""
    assert state.desired is not None
    own = controlled(state.pods, state.cluster).values()
    noted = {pod.metadata.annotation(names.DROPPED_ANNOTATION) or "" for pod in own}
    known = {problem.path.rpartition(".")[2] for problem in state.desired.remarks}
    fields = {field for text in noted for field in text[:_NOTED].split(", ") if field}
    fresh = sorted(field for field in fields if field.rpartition(".")[2] not in known)
    words = "this version of Kubernetes does not support the pod field {} and drops it"
    return [words.format(quoted(field)) for field in fresh[: LIMIT + 1]]


def config_accepted(state: ClusterState, servers: Sequence[Server]) -> Verdict:
    """Whether there is a configuration, and whether servers take it."""
    desired = state.desired
    if desired is None:
        return Verdict("Unknown", "InvalidSpec", "see condition SpecAccepted")
    if desired.waiting:
        until = "the servers keep their current configuration" if servers else "no server starts"
        return Verdict("False", "Waiting", f"{listed(desired.waiting)} ({until} until then)")
    if state.refused:
        refusal = f"a server rejected the new configuration: {quoted(state.refused.words)}"
        kept = "the servers keep their current one"
        if _stands(state):
            kept += f", but Secret {state.cluster.metadata.name} has no earlier one to roll back to"
        else:
            kept = f"it was rolled back; {kept}"
        return Verdict("False", "ReloadRefused", f"{refusal} ({kept})")
    if desired.resolved.remarks:
        remarks = [*desired.resolved.remarks, *desired.resolved.doubts]
        return Verdict("True", "NobodyAllowed", listed(remarks))
    lacking = _tokens_not_made(state)
    if lacking:
        return Verdict("True", "TokensNotMade", f"{listed(lacking)} (all others can connect)")
    return Verdict("True", "Accepted", listed(desired.resolved.doubts))


def _tokens_not_made(state: ClusterState) -> list[str]:
    """What went wrong with single tokens: a remark, for each may lie in anybody's namespace."""
    assert state.desired is not None
    resolved = state.desired.resolved
    keys = sorted({g.key for g in resolved.grants} | {s.key for s in resolved.unwanted})
    failures = (t.failure for key in keys if (t := state.trials.get(key)) is not None)
    return [f"{failure.subject} {failure.message}" for failure in failures if failure is not None]


def _stands(state: ClusterState) -> bool:
    """Whether servers that start find what another one refused."""
    assert state.desired is not None
    live = state.secrets[state.cluster.metadata.name]
    wanted = state.desired.config_object.manifest["data"]
    return digest_of(current_content(live.data)) == digest_of(wanted)


def ready(state: ClusterState, servers: Sequence[Server]) -> Verdict:
    """Every wanted server is as the spec says, answers and holds a route to every other."""
    desired = state.desired
    if desired is None or state.problems:
        return Verdict("False", "InvalidSpec", "see condition SpecAccepted")
    size = desired.target.spec.size
    staying = wanted(servers, size)
    serving = sum(s.ready for s in staying)
    if serving < size:
        return Verdict("False", "ServersNotReady", f"{serving} of {size} servers are ready")
    outdated = [s.name for s in staying if not s.current]
    if outdated:
        text = f"all {size} servers are serving, but {listed(outdated)} must restart"
        return Verdict("False", "ServersOutdated", text)
    known = (s for s in desired.objects if s.kind in state.owned)
    missing = [f"{s.kind} {s.name}" for s in known if state.live(s) is None]
    if missing:
        return Verdict("False", "ObjectsMissing", f"not created yet: {listed(missing)}")
    if desired.pending:
        return Verdict("False", "ServersOutdated", "JetStream is about to be switched off")
    if desired.unreached:
        return Verdict("False", "VersionOutOfReach", "see condition SpecAccepted")
    if state.holding:
        text = "the servers run an earlier configuration: see condition ConfigAccepted"
        return Verdict("False", "ConfigNotAccepted", text)
    return Verdict("True", "AllServersReady", _all(size))


def _all(size: int) -> str:
    few = ("no servers are requested", "the only server is ready")
    return few[size] if size < len(few) else f"all {size} servers are ready and connected"


def _unloaded(decisions: Decisions) -> list[str]:
    """Servers that should have reloaded long ago."""
    if decisions.context.state.quiet < RELOAD_LIMIT:
        return []
    return [
        f"{s.name} has not loaded its configuration ({describe_changes(s.reloads)} changed): "
        "see its log"
        for s in decisions.of(reload_servers).servers
    ]


def degraded(
    state: ClusterState, servers: Sequence[Server], decisions: Decisions | None
) -> Verdict:
    """What needs a person's eye."""
    messages = [f"{f.subject}: {f.message}" for f in state.failures]
    reasons = [f.reason for f in state.failures]
    for server in servers:
        if server.pod_problem is not None:
            reasons.append(server.pod_problem[0])
            messages.append(f"{server.name} {server.unhealthy_reason}")
    strangers = _strangers(state)
    messages += strangers
    reasons += ["NotOurs"] * len(strangers)
    if decisions is not None:
        found = volume_troubles(decisions.context)
        volumes = (trouble for trouble in found if trouble.reason != REPLACING)
        troubles = [*volumes, *budget_troubles(decisions.context)]
        messages += [trouble.message for trouble in troubles]
        reasons += [trouble.reason for trouble in troubles]
    if decisions is not None and servers:
        holding = [*state.holding, *_unloaded(decisions)]
        messages += holding
        reasons += ["ConfigNotAccepted"] * len(holding)
    if messages:
        return Verdict("True", reasons[0], listed(messages))
    return Verdict("False", "AsExpected")


def _strangers(state: ClusterState) -> list[str]:
    """Pods on names of our servers that another object controls."""
    uid = state.cluster.metadata.uid
    strangers = []
    for pod in state.pods:
        needed = is_for_new_server(state.cluster.metadata.name, pod.metadata.name)
        controller = pod.metadata.controller
        if needed and controller is not None and controller.uid != uid:
            strangers.append(
                f"pod {pod.metadata.name} belongs to {named(controller.kind)} "
                f"{named(controller.name)}: "
                "it is left alone, but a server needs its name"
            )
    return strangers
