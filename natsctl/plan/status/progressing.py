"""Condition Progressing: what the rules are busy with, and what they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.words import listed
from natsctl.plan.actions import CreateServer
from natsctl.plan.gates.words import broken_before
from natsctl.plan.rules.claim_growth import grow_claims
from natsctl.plan.rules.claims import ensure_claims
from natsctl.plan.rules.ended_pods import remove_ended
from natsctl.plan.rules.members import await_leader, await_members, remove_members
from natsctl.plan.rules.owned_objects import delete_unwanted, ensure_objects
from natsctl.plan.rules.recovery import recover_servers
from natsctl.plan.rules.reload import reload_servers
from natsctl.plan.rules.rolling_update import replace_outdated, why
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.rules.volume_renewal import renew_volumes
from natsctl.plan.servers import Server, describe_changes
from natsctl.plan.status.conditions import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from natsctl.plan.decisions import Decide, Decisions
    from natsctl.plan.rules.rule import Decision
    from natsctl.plan.state import ClusterState


def progressing(
    state: ClusterState, servers: Sequence[Server], decisions: Decisions | None
) -> Verdict:
    """What natsctl is busy with, or what it waits for."""
    if state.paused:
        return Verdict("False", "Paused", "spec.paused is true: no changes are applied")
    if decisions is None:
        return Verdict("False", "SpecNotAccepted", "see condition SpecAccepted")
    waiting = Verdict("False", "Waiting", "see condition ConfigAccepted")
    if decisions.context.desired.waiting and not servers:
        return waiting
    busy = _busy(decisions) or _starting(decisions) or _updating(decisions) or _growing(decisions)
    return busy or (waiting if state.holding else _settled(servers))


def _scaling_down(decision: Decision) -> Verdict:
    text = f"removing {_names(decision.servers)}, one at a time"
    return Verdict("True", "ScalingDown", text + _waits(decision))


def _forgetting(decision: Decision) -> Verdict:
    return Verdict("True", "ScalingDown", f"a server has left{_waits(decision)}")


def _unled(decision: Decision) -> Verdict:
    return Verdict("True", "ScalingDown", f"servers beyond size are away{_waits(decision)}")


def _joining(decision: Decision) -> Verdict:
    text = f"{_names(decision.servers)} store nothing yet"
    return Verdict("True", "Joining", text + _waits(decision))


def _recovering(decision: Decision) -> Verdict:
    text = f"restarting {_names(decision.servers)}, where JetStream needs it to come back"
    return Verdict("True", "Recovering", text + _waits(decision))


def _rolling(decision: Decision) -> Verdict:
    text = f"restarting {_names(decision.servers)}, one at a time: {why(decision.servers[0])}"
    usual = broken_before(decision.before)
    usual = f"; broken before servers began to restart: {usual}" if usual else ""
    return Verdict("True", "Rolling", text + _waits(decision) + usual)


def _renewing(decision: Decision) -> Verdict:
    text = f"replacing the volume of {_names(decision.servers)}, which cannot grow"
    return Verdict("True", "ReplacingVolumes", text + _waits(decision))


def _reloading(decision: Decision) -> Verdict:
    changes = describe_changes(decision.servers[0].reloads)
    text = f"reloading {_names(decision.servers)}: {changes} changed"
    return Verdict("True", "Reloading", text + _waits(decision))


def _replacing(decision: Decision) -> Verdict:
    return Verdict(
        "True", "StartingServers", f"replacing {_names(decision.servers)}{_waits(decision)}"
    )


LASTING: Final[tuple[tuple[Decide, Callable[[Decision], Verdict]], ...]] = (
    (remove_ended, _replacing),
    (await_leader, _unled),
    (remove_members, _forgetting),
    (recover_servers, _recovering),
    (scale_down, _scaling_down),
    (replace_outdated, _rolling),
    (renew_volumes, _renewing),
    (reload_servers, _reloading),
    (await_members, _joining),
)
"""Rules that deal with servers for a while, and how that is told; of several, the first."""
YIELDING: Final = (await_leader, remove_members, scale_down)
"""While these only wait, servers restart, or wait for something else: that is told, too."""


def _busy(decisions: Decisions) -> Verdict | None:
    decided = ((decide, decisions.of(decide), verdict_of) for decide, verdict_of in LASTING)
    first = next(((d, it, of) for d, it, of in decided if it.servers or it.waiting), None)
    if first is None:
        return None
    decide, decision, verdict_of = first
    verdict, outdated = verdict_of(decision), decisions.of(replace_outdated)
    if decide in YIELDING and not decision.actions and decision.waiting and outdated.servers:
        both = f"{verdict.message}; {_rolling(outdated).message}"
        return attrs.evolve(verdict, message=both)
    return verdict


def _starting(decisions: Decisions) -> Verdict | None:
    decision = decisions.of(scale_up)
    missing = [action.name for action in decision.actions if isinstance(action, CreateServer)]
    starting = [s.name for s in decisions.context.servers if not s.ready and not s.pod_problem]
    if not missing and not starting:
        text = f"servers wait for their volumes: {listed(decision.waiting)}"
        return Verdict("True", "StartingServers", text) if decision.waiting else None
    text = f"waiting for {listed([*missing, *starting])}"
    return Verdict("True", "StartingServers", text + _waits(decision))


def _updating(decisions: Decisions) -> Verdict | None:
    rules = (ensure_objects, ensure_claims, delete_unwanted)
    steps = [action for rule in rules for action in decisions.of(rule).actions]
    text = f"updating {listed([step.subject for step in steps])}"
    return Verdict("True", "UpdatingObjects", text) if steps else None


def _growing(decisions: Decisions) -> Verdict | None:
    waiting = decisions.of(grow_claims).waiting
    return Verdict("True", "GrowingVolumes", listed(waiting)) if waiting else None


def _settled(servers: Sequence[Server]) -> Verdict:
    text = "the servers match the spec"
    if any(s.pod_problem for s in servers):
        text = "nothing left to change: see condition Degraded"
    return Verdict("False", "Settled", text)


def _waits(decision: Decision) -> str:
    return f"; waiting: {listed(decision.waiting)}" if decision.waiting else ""


def _names(servers: Iterable[Server]) -> str:
    return listed([server.name for server in servers])
