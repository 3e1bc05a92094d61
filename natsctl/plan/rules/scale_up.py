"""Every server from 1 to size has a pod, and so have those that have to return to leave empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.actions import CreateServer
from natsctl.plan.claims.starting import obstacles_of, obstacles_to_others
from natsctl.plan.departures.members import returning
from natsctl.plan.departures.note import departed_of
from natsctl.plan.restarts.returns import without_copies
from natsctl.plan.rules.rule import Decision
from natsctl.plan.servers.identity import missing

if TYPE_CHECKING:
    from natsctl.plan.context import Context

NOTED = "the note that it left empty is being removed"


def scale_up(context: Context) -> Decision:
    """Create all missing servers at once, but for those whose volumes are not there, and those
    that would be too many without copies in memory."""
    previous_config = bool(context.state.holding)
    absent = missing(context.desired.target.name, context.servers, context.size)
    obstacle, departed = obstacles_of(context), departed_of(context)
    held = {name: text for index, name in absent if (text := obstacle(index))}
    held |= {name: NOTED for index, name in absent if departed.get(index)}
    back = returning(context)
    unnoted = obstacles_to_others(context, [index for index, _ in back])
    held |= {name: why for index, name in back if (why := unnoted.get(index))}
    coming = tuple((index, name) for index, name in (*absent, *back) if name not in held)
    empty = without_copies(context, coming)
    held |= empty.held
    return Decision(
        tuple(
            CreateServer(index, name, previous_config, notices=empty.notices.get(name, ()))
            for index, name in coming
            if name not in held
        ),
        waiting=tuple(f"{name}: {text}" for name, text in held.items()),
        queries=empty.queries,
    )
