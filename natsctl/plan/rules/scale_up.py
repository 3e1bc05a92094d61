"""Every server from 1 to size has a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.plan.actions import CreateServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.servers import Server
    from natsctl.plan.state import ClusterState


def scale_up(state: ClusterState, servers: Sequence[Server]) -> tuple[CreateServer, ...]:
    """Create all missing servers at once; a name that another pod still holds has to wait.

    The Go operator's `-10` is its sixteenth.
    """
    assert state.desired is not None
    target = state.desired.target
    present = {server.index for server in servers}
    taken = {server.name for server in servers}
    held = bool(state.holding)
    return tuple(
        CreateServer(index, name, held)
        for index in range(1, target.spec.size + 1)
        if index not in present and (name := names.pod_name(target.name, index)) not in taken
    )
