"""A pod in which nothing runs any more makes room for its successor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.actions import REPLACING_ENDED, DeleteServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.servers import Server


def remove_ended(servers: Sequence[Server]) -> tuple[DeleteServer, ...]:
    """Delete pods that failed, were evicted or succeeded, at once."""
    return tuple(
        DeleteServer(
            name=server.name,
            uid=server.pod.metadata.uid,
            reason=REPLACING_ENDED,
            message=f"{server.name}: {server.unhealthy_reason}; replacing it",
            grace=0,
        )
        for server in servers
        if server.ended and not server.terminating
    )
