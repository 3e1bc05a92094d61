"""What the status keeps of servers with streams that restart one at a time.

What was broken before is there for the next process. The moment since when a server waits is there
so that an event reports that after a while, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.types.status import BrokenStatus, JetStreamStatus, WaitingStatus
from natsctl.model.times import moment
from natsctl.plan.gates.remembered import written
from natsctl.plan.jetstream import remembered, stores
from natsctl.plan.rules.rolling_update import is_paused, replace_outdated

if TYPE_CHECKING:
    from natsctl.plan.decisions import Decisions
    from natsctl.plan.gates.verdict import Baseline
    from natsctl.plan.rules.rule import Decision
    from natsctl.plan.state import ClusterState

REPORTED_AFTER: Final = (2, 10, 60)
"""Minutes."""
_MINUTE: Final = 60.0


def with_roll(
    told: JetStreamStatus | None, state: ClusterState, decisions: Decisions | None
) -> JetStreamStatus | None:
    """The same with what goes on; without a spec to act on, and while it is paused, as before."""
    if decisions is None or state.paused:
        waiting = None if state.paused else _before(state)
        return _with(told, remembered(state), waiting)
    if not stores(decisions.context):
        return told
    decision = decisions.of(replace_outdated)
    paused = is_paused(decisions.context.desired.target.spec)
    return _with(told, decision.before, None if paused else _waiting(state, decision))


def _with(
    told: JetStreamStatus | None, broken: Baseline | None, waiting: WaitingStatus | None
) -> JetStreamStatus | None:
    if told is None and broken is None and waiting is None:
        return None
    rows = None if broken is None else tuple(BrokenStatus(**row) for row in written(broken))
    return attrs.evolve(told or JetStreamStatus(), broken_before=rows, waiting=waiting)


def _waiting(state: ClusterState, decision: Decision) -> WaitingStatus | None:
    """Who waits for long: the first one, until it is another, or goes."""
    if decision.actions or not decision.servers:
        return None
    server, before = decision.servers[0].name, _before(state)
    goes_on = before is not None and before.server == server and moment(before.since) is not None
    known = before if goes_on else None
    if not decision.waiting:
        return known  # what for will be known again with the next answers
    if known is None:
        return WaitingStatus(server, state.timestamp)
    return attrs.evolve(known, reported=max(known.reported, _due(state, known)))


def _due(state: ClusterState, waiting: WaitingStatus) -> int:
    """After how many minutes an event is due, or was due last."""
    since, now = moment(waiting.since), moment(state.timestamp)
    seconds = (now - since).total_seconds() if since is not None and now is not None else 0.0
    return max((it for it in REPORTED_AFTER if it * _MINUTE <= seconds), default=0)


def _before(state: ClusterState) -> WaitingStatus | None:
    return state.status.jetstream.waiting if state.status.jetstream is not None else None
