"""Servers beyond size leave one at a time, from the highest index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.actions import DeleteServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.servers import Server
    from natsctl.plan.state import ClusterState


def excess_servers(state: ClusterState, servers: Sequence[Server]) -> tuple[Server, ...]:
    """Servers with an index beyond the wanted size, highest first."""
    assert state.desired is not None
    size = state.desired.target.spec.size
    return tuple(s for s in reversed(servers) if s.index > size)


def scale_down(state: ClusterState, servers: Sequence[Server]) -> DeleteServer | None:
    """Delete the highest excess server, unless it would leave clients nowhere to go."""
    excess = excess_servers(state, servers)
    if not excess or waits_for_remaining(state, servers):
        return None
    server = excess[0]
    assert state.desired is not None
    return DeleteServer(
        name=server.name,
        uid=server.pod.metadata.uid,
        reason="ScalingDown",
        message=f"scaling down to {state.desired.target.spec.size}: {server.name} leaves",
    )


def waits_for_remaining(state: ClusterState, servers: Sequence[Server]) -> bool:
    """Whether none of the servers that stay is healthy, so that the next to leave must not."""
    assert state.desired is not None
    size = state.desired.target.spec.size
    excess = excess_servers(state, servers)
    stays_up = any(s.healthy for s in servers if s.index <= size)
    return size > 0 and bool(excess) and excess[0].healthy and not stays_up
