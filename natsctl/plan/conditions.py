"""Conditions: what a cluster is doing, what blocks it, and the way out.

Messages hold nothing that changes by itself (no times, no counters): a converged cluster is never
written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.api import names
from natsctl.api.foreign import named, plain, quoted, word
from natsctl.plan.objects import controlled
from natsctl.plan.policies.excess import excess_servers, waits_for_remaining
from natsctl.plan.policies.missing import create_missing
from natsctl.plan.policies.reload import reloading_servers
from natsctl.plan.policies.rollout import outdated_servers, unhealthy, why
from natsctl.plan.policies.standing import ensure_standing, withdraw_policies
from natsctl.plan.proof import digest_of, read_by_servers
from natsctl.plan.servers import Server, kubelet_ready, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.snapshot import Snapshot

RELOAD_LIMIT = 180.0
"""Seconds after which a reload is overdue; kubelets need two minutes at most."""
LIMIT = 8
"""Servers or problems named in one message; the rest are counted."""
_NOTED = 4096
"""Characters of a note on a pod that are read: others may write there, too."""


@attrs.frozen
class Verdict:
    """A condition's content: True, False or Unknown, and why."""

    status: str
    reason: str = attrs.field(converter=word)
    message: str = attrs.field(default="", converter=plain)


def spec_accepted(snapshot: Snapshot) -> Verdict:
    """Whether the spec can be acted on, all of it."""
    desired = snapshot.desired
    if desired is None or snapshot.problems:
        found = listed([str(p) for p in snapshot.problems])
        told = "nothing is changed until it is mended"
        told += "; the last spec that was accepted counts" if desired is not None else ""
        return Verdict("False", "InvalidSpec", f"{found} ({told})")
    if desired.unreached:
        stays = f"servers stay with {desired.target.version}, and all else is done"
        return Verdict("False", "VersionOutOfReach", f"spec.version: {desired.unreached} ({stays})")
    remarks = [*map(str, desired.remarks), *_dropped(snapshot)]
    if remarks:
        told = f"{listed(remarks)} (everything else is done)"
        return Verdict("True", "FieldsNotActedOn", "; ".join(filter(None, (told, desired.advice))))
    return Verdict("True", "Accepted", desired.advice)


def _dropped(snapshot: Snapshot) -> list[str]:
    """What the API server left out of pods, as far as nobody has said so yet."""
    assert snapshot.desired is not None
    own = controlled(snapshot.pods, snapshot.cluster).values()
    noted = {pod.metadata.annotation(names.DROPPED_ANNOTATION) or "" for pod in own}
    known = {problem.path.rpartition(".")[2] for problem in snapshot.desired.remarks}
    fields = {field for text in noted for field in text[:_NOTED].split(", ") if field}
    fresh = sorted(field for field in fields if field.rpartition(".")[2] not in known)
    words = "this Kubernetes does not know the field {} of pods, and leaves it out"
    return [words.format(quoted(field)) for field in fresh[: LIMIT + 1]]


def config_accepted(snapshot: Snapshot, servers: Sequence[Server]) -> Verdict:
    """Whether there is a configuration, and whether servers take it."""
    desired = snapshot.desired
    if desired is None:
        return Verdict("Unknown", "InvalidSpec", "see condition SpecAccepted")
    if desired.waiting:
        until = "the servers keep the configuration they have" if servers else "no server starts"
        return Verdict("False", "Waiting", f"{listed(desired.waiting)} ({until} until then)")
    if snapshot.refused:
        told = f"a server refused the new configuration: {quoted(snapshot.refused.words)}"
        kept = "the servers keep the one they have"
        if _stands(snapshot):
            kept += f", but Secret {snapshot.cluster.metadata.name} has nothing else to go back to"
        else:
            kept = f"it is withdrawn; {kept}"
        return Verdict("False", "ReloadRefused", f"{told} ({kept})")
    if desired.resolved.remarks:
        remarks = [*desired.resolved.remarks, *desired.resolved.doubts]
        return Verdict("True", "NobodyAllowed", listed(remarks))
    lacking = _tokens_not_made(snapshot)
    if lacking:
        return Verdict("True", "TokensNotMade", f"{listed(lacking)} (all others get in)")
    return Verdict("True", "Accepted", listed(desired.resolved.doubts))


def _tokens_not_made(snapshot: Snapshot) -> list[str]:
    """What went wrong with single tokens: a remark, for each may lie in anybody's namespace."""
    assert snapshot.desired is not None
    resolved = snapshot.desired.resolved
    keys = sorted({g.key for g in resolved.grants} | {s.key for s in resolved.unwanted})
    failures = (t.failure for key in keys if (t := snapshot.trials.get(key)) is not None)
    return [f"{failure.subject} {failure.message}" for failure in failures if failure is not None]


def _stands(snapshot: Snapshot) -> bool:
    """Whether servers that start find what another one refused."""
    assert snapshot.desired is not None
    live = snapshot.secrets[snapshot.cluster.metadata.name]
    wanted = next(s.manifest["data"] for s in snapshot.desired.standing if s.kind == "Secret")
    return digest_of(read_by_servers(live.data)) == digest_of(wanted)


def ready(snapshot: Snapshot, servers: Sequence[Server]) -> Verdict:
    """Every wanted server is as the spec says, answers and holds a route to every other."""
    desired = snapshot.desired
    if desired is None or snapshot.problems:
        return Verdict("False", "InvalidSpec", "see condition SpecAccepted")
    size = desired.target.spec.size
    wanted = [s for s in servers if s.index <= size]
    serving = sum(s.ready for s in wanted)
    if serving < size:
        return Verdict("False", "ServersNotReady", f"{serving} of {size} servers are ready")
    outdated = [s.name for s in wanted if not s.current]
    if outdated:
        text = f"all {size} servers serve, and {listed(outdated)} to restart"
        return Verdict("False", "ServersOutdated", text)
    missing = [f"{s.kind} {s.name}" for s in desired.standing if snapshot.live(s) is None]
    if missing:
        return Verdict("False", "ObjectsMissing", f"to create: {listed(missing)}")
    if desired.unreached:
        return Verdict("False", "VersionOutOfReach", "see condition SpecAccepted")
    if snapshot.holding:
        text = "the servers run an earlier configuration: see condition ConfigAccepted"
        return Verdict("False", "ConfigNotAccepted", text)
    return Verdict("True", "AllServersReady", _all(size))


def _all(size: int) -> str:
    few = ("no servers are wanted", "the only server is ready")
    return few[size] if size < len(few) else f"all {size} servers are ready and connected"


def progressing(snapshot: Snapshot, servers: Sequence[Server]) -> Verdict:
    """What natsctl is busy with, or what it waits for."""
    if snapshot.paused:
        return Verdict("False", "Paused", "spec.paused is true: nothing is changed")
    desired = snapshot.desired
    if desired is None:
        return Verdict("False", "SpecNotAccepted", "see condition SpecAccepted")
    held = Verdict("False", "Waiting", "see condition ConfigAccepted")
    if desired.waiting and not servers:
        return held
    return (
        _scaling_down(snapshot, servers)
        or _rolling(snapshot, servers)
        or _reloading(snapshot, servers)
        or _starting(snapshot, servers)
        or (held if snapshot.holding else _settled(servers))
    )


def _settled(servers: Sequence[Server]) -> Verdict:
    text = "the servers are what the spec says"
    if any(s.trouble for s in servers):
        text = "nothing is left to change: see condition Degraded"
    return Verdict("False", "Settled", text)


def _scaling_down(snapshot: Snapshot, servers: Sequence[Server]) -> Verdict | None:
    excess = excess_servers(snapshot, servers)
    if not excess:
        return None
    text = f"{listed([s.name for s in excess])} to leave, one at a time"
    if waits_for_remaining(snapshot, servers):
        text += "; waits: none of the servers that stay is healthy"
    return Verdict("True", "ScalingDown", text)


def _rolling(snapshot: Snapshot, servers: Sequence[Server]) -> Verdict | None:
    outdated = outdated_servers(snapshot, servers)
    if not outdated:
        return None
    text = f"{listed([s.name for s in outdated])} to restart, one at a time: {why(outdated[0])}"
    blockers = [t for t in unhealthy(snapshot, servers) if kubelet_ready(outdated[0].pod)]
    if blockers:
        text += f"; waits: {listed(blockers)}"
    return Verdict("True", "Rolling", text)


def _reloading(snapshot: Snapshot, servers: Sequence[Server]) -> Verdict | None:
    waiting = reloading_servers(snapshot, servers)
    if not waiting:
        return None
    text = f"{listed([s.name for s in waiting])} to reload: {told(waiting[0].reloads)} changed"
    return Verdict("True", "Reloading", text)


def _unloaded(snapshot: Snapshot, servers: Sequence[Server]) -> list[str]:
    """Servers that should have reloaded long ago."""
    if snapshot.quiet < RELOAD_LIMIT:
        return []
    return [
        f"{s.name} has not loaded its configuration ({told(s.reloads)} changed): see its log"
        for s in reloading_servers(snapshot, servers)
    ]


def _starting(snapshot: Snapshot, servers: Sequence[Server]) -> Verdict | None:
    missing = [a.name for a in create_missing(snapshot, servers)]
    missing += [s.name for s in servers if not s.ready and not s.trouble]
    if missing:
        return Verdict("True", "StartingServers", f"waiting for {listed(missing)}")
    objects = [f"{e.standing.kind} {e.standing.name}" for e in ensure_standing(snapshot)]
    objects += [f"{w.kind} {w.name}" for w in withdraw_policies(snapshot)]
    if objects:
        return Verdict("True", "UpdatingObjects", f"to bring up to date: {listed(objects)}")
    return None


def degraded(snapshot: Snapshot, servers: Sequence[Server]) -> Verdict:
    """What needs a person's eye."""
    found = [f"{f.subject}: {f.message}" for f in snapshot.failures]
    reasons = [f.reason for f in snapshot.failures]
    for server in servers:
        if server.trouble is not None:
            reasons.append(server.trouble[0])
            found.append(f"{server.name} {server.ailment}")
    found += _strangers(snapshot)
    reasons += ["NotOurs"] * len(_strangers(snapshot))
    if snapshot.desired is not None and servers:
        troubles = [*snapshot.holding, *_unloaded(snapshot, servers)]
        found += troubles
        reasons += ["ConfigNotAccepted"] * len(troubles)
    if found:
        return Verdict("True", reasons[0], listed(found))
    return Verdict("False", "AsExpected")


def _strangers(snapshot: Snapshot) -> list[str]:
    """Pods on names of our servers that another object controls."""
    uid = snapshot.cluster.metadata.uid
    found = []
    for pod in snapshot.pods:
        index = names.pod_index(snapshot.cluster.metadata.name, pod.metadata.name)
        controller = pod.metadata.controller
        if index is not None and controller is not None and controller.uid != uid:
            found.append(
                f"pod {pod.metadata.name} belongs to {named(controller.kind)} "
                f"{named(controller.name)}: "
                "it is left alone, and its name is needed for a server"
            )
    return found


def listed(items: Sequence[str]) -> str:
    """Some of the items as text, the rest as a number."""
    text = "; ".join(items[:LIMIT]) if any(" " in i for i in items) else ", ".join(items[:LIMIT])
    return text if len(items) <= LIMIT else f"{text} and {len(items) - LIMIT} more"
