"""Every server from 1 to size has a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.plan.actions import CreateServer
from natsctl.plan.rules.rule import Decision

if TYPE_CHECKING:
    from natsctl.plan.context import Context


def scale_up(context: Context) -> Decision:
    """Create all missing servers at once."""
    held = bool(context.state.holding)
    return Decision(
        tuple(CreateServer(index, name, held) for index, name in missing_servers(context))
    )


def missing_servers(context: Context) -> tuple[tuple[int, str], ...]:
    """Index and name of servers to create; a name that another pod still holds has to wait.

    The Go operator's `-10` is its sixteenth.
    """
    present = {server.index for server in context.servers}
    taken = {server.name for server in context.servers}
    cluster = context.desired.target.name
    return tuple(
        (index, name)
        for index in range(1, context.size + 1)
        if index not in present and (name := names.pod_name(cluster, index)) not in taken
    )
