"""Servers that only a restart brings back get it by themselves, once their disk has room.

They turned JetStream off, as on a full disk, and hold nothing up, so all of them go together. Or a
write to a store failed, and the others have newer copies: such a server goes through the gate. So
does one whose container started while the configuration had no JetStream. What
is not known is no room, and nobody goes twice within some minutes: what fails again right after a
restart is not helped by another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.times import moment
from natsctl.plan.actions import ReplaceServer, StepDown
from natsctl.plan.gates.notes import may_have_holes
from natsctl.plan.gates.verdict import Baseline
from natsctl.plan.jetstream import case_of, is_away, name_of, queries_of, remembered, stores
from natsctl.plan.queries import unanswered
from natsctl.plan.restarts.gated import going
from natsctl.plan.rules.rolling_update import obstacles_to_return
from natsctl.plan.rules.rule import Decision, Progress, names_of, waits
from natsctl.plan.servers.server import has_store
from natsctl.plan.switched_off import is_switched_off
from natsctl.plan.written_block import block_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.model.jetstream import JetStreamReport
    from natsctl.plan.actions import Action
    from natsctl.plan.context import Context
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.seen import Seen
    from natsctl.plan.restarts.gated import Restart
    from natsctl.plan.servers.server import Server

ROOM: Final = 90
"""Per cent of a volume that may be in use: beyond that, it is nearly full, and told as that."""
LIVED: Final = 600.0
"""Seconds that a server has run, by its own clock, before it is restarted for this."""
OFF: Final = "JetStream is off on it, and its volume has room"
WITHOUT: Final = "it started while its configuration had no JetStream"
FROZEN: Final = "a write to its store failed, and its volume has room"


def recover_servers(context: Context) -> Decision:
    """Those to restart now; outdated ones restart for what the spec says, and are left to that."""
    seen, it = context.state.seen, case_of(context)
    if seen is None or it is None or not stores(context):
        return Decision()
    due = tuple(_due(context, seen, it))
    if not due:
        return Decision()
    queries = queries_of(context)
    if unanswered(queries, context.state):
        return Decision(queries=queries, servers=due)
    found = going(context, due, it, remembered(context.state) or Baseline())
    steps = tuple(_step(server, found, seen) for server in found.servers)
    return Decision(steps, found.waiting, queries, servers=due)


def _message(decision: Decision) -> str:
    text = f"restarting {names_of(decision.servers)}: JetStream needs a restart to come back there"
    return text + waits(decision)


PROGRESS: Final = Progress("Recovering", _message)


def _due(context: Context, seen: Seen, it: Case) -> Iterator[Server]:
    """Running servers that both looks show like that, where a restart can help.

    Below 2.10, a store that JetStream gave up comes back with holes.
    """
    held = obstacles_to_return(context)
    off = {name for name in seen.off if name in seen.gave_up and not may_have_holes(it, name)}
    without = _started_without(context, seen)
    for server in context.servers:
        name = name_of(server)
        said = it.second.answered.get(name)
        helps = name in without or ((name in off or name in seen.frozen) and _has_room(said))
        stays = server.changes or server.terminating or is_away(server) or server.name in held
        if helps and not stays and has_store(server.pod) and _has_lived(said):
            yield server


def _started_without(context: Context, seen: Seen) -> frozenset[str]:
    """Servers without JetStream in the configuration that they started with, if it is back there.

    Such as one that ended by itself while JetStream was being removed, before that was taken back.
    """
    secret = context.state.secrets.get(context.desired.target.name)
    back = not is_switched_off(context) and block_of(secret)
    return frozenset(seen.off).difference(seen.gave_up) if back else frozenset()


def _has_room(said: JetStreamReport | None) -> bool:
    """Whether its volume has: nobody knows that of a server without a reloader."""
    return said is not None and said.volume is not None and said.volume.percent < ROOM


def _has_lived(said: JetStreamReport | None) -> bool:
    """Whether it has run for a while."""
    started, now = (moment(said.started), moment(said.now)) if said else (None, None)
    return started is not None and now is not None and (now - started).total_seconds() >= LIVED


def _step(server: Server, found: Restart, seen: Seen) -> Action:
    if found.hands_over:
        return StepDown(server.name, server.pod.metadata.uid)
    gave_up = OFF if name_of(server) in seen.gave_up else WITHOUT
    why = FROZEN if name_of(server) in seen.frozen else gave_up
    return ReplaceServer(
        index=server.index,
        name=server.name,
        uid=server.pod.metadata.uid,
        message=f"restarting {server.name}: {why}",
        evidence=found.evidence,
        notices=found.notices,
    )
