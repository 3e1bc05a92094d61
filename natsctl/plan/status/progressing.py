"""Condition Progressing: what the rules are busy with, and what they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.words import listed
from natsctl.plan.actions import CreateServer
from natsctl.plan.rules.claim_growth import grow_claims
from natsctl.plan.rules.claims import ensure_claims
from natsctl.plan.rules.owned_objects import delete_unwanted, ensure_objects
from natsctl.plan.rules.registry import RULES
from natsctl.plan.rules.rolling_update import replace_outdated, rolling
from natsctl.plan.rules.rule import waits
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.status.conditions import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.decisions import Decisions
    from natsctl.plan.servers.server import Server
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


REPORTED: Final = tuple(
    sorted(
        ((rule.decide, rule.progress) for rule in RULES if rule.progress is not None),
        key=lambda reported: reported[1].rank,
    )
)
"""Rules that deal with servers for a while; of several that are busy, the first is reported."""


def _busy(decisions: Decisions) -> Verdict | None:
    decided = ((decisions.of(decide), progress) for decide, progress in REPORTED)
    first = next(((it, by) for it, by in decided if it.servers or it.waiting), None)
    if first is None:
        return None
    decision, progress = first
    message, outdated = progress.message(decision), decisions.of(replace_outdated)
    if progress.yields and not decision.actions and decision.waiting and outdated.servers:
        message = f"{message}; {rolling(outdated)}"
    return Verdict("True", progress.reason, message)


def _starting(decisions: Decisions) -> Verdict | None:
    decision = decisions.of(scale_up)
    missing = [action.name for action in decision.actions if isinstance(action, CreateServer)]
    starting = [s.name for s in decisions.context.servers if not s.ready and not s.pod_problem]
    if not missing and not starting:
        text = f"servers wait for their volumes: {listed(decision.waiting)}"
        return Verdict("True", "StartingServers", text) if decision.waiting else None
    text = f"waiting for {listed([*missing, *starting])}"
    return Verdict("True", "StartingServers", text + waits(decision))


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
