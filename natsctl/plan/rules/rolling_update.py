"""Servers that do not run what the spec says are replaced, one at a time.

A server that is down anyway goes first: replacing it costs nobody anything, and it is how a
reverted spec gets rid of what did not come up. A serving one goes only while every other server
was just seen healthy: unknown is not healthy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model.foreign import named
from natsctl.plan.actions import ReplaceServer
from natsctl.plan.servers import Server, kubelet_ready, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.state import ClusterState

FRESH = 2.0
"""Seconds for which an answer counts when the next step may hurt."""


def outdated_servers(state: ClusterState, servers: Sequence[Server]) -> tuple[Server, ...]:
    """Servers to replace, in the order in which they will be: down first, then highest index."""
    assert state.desired is not None
    size = state.desired.target.spec.size
    outdated = [s for s in servers if s.index <= size and s.changes and not s.terminating]
    return tuple(sorted(outdated, key=lambda s: (kubelet_ready(s.pod), -s.index)))


def replace_outdated(state: ClusterState, servers: Sequence[Server]) -> ReplaceServer | None:
    """The next server to replace, if one may go now."""
    outdated = outdated_servers(state, servers)
    if not outdated or (kubelet_ready(outdated[0].pod) and unhealthy(state, servers)):
        return None
    server = outdated[0]
    return ReplaceServer(
        index=server.index,
        name=server.name,
        uid=server.pod.metadata.uid,
        message=f"restarting {server.name}: {why(server)} changed",
        changes=server.changes,
    )


def unhealthy(state: ClusterState, servers: Sequence[Server]) -> tuple[str, ...]:
    """What stands between a serving server and its restart, as text."""
    assert state.desired is not None
    size = state.desired.target.spec.size
    found = tuple(f"{s.name} {s.unhealthy_reason}" for s in servers if not s.healthy)
    found += tuple(
        f"{s.name} runs {named(s.observation.version)}, not what its image says (if the image is "
        "right, spec.serverVersion can tell its release)"
        for s in servers
        if s.healthy and not s.right_version and s.observation is not None
    )
    return found + (("not every server exists",) if len(servers) < size else ())


def stale(state: ClusterState, servers: Sequence[Server]) -> tuple[Server, ...]:
    """Servers whose last answer is too old to base a restart on."""
    return tuple(
        s for s in servers if s.observation is not None and state.now - s.observation.asked > FRESH
    )


def why(server: Server) -> str:
    """What changed, as text."""
    return told(server.changes)
