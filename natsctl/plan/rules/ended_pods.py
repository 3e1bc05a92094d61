"""A pod in which nothing runs any more makes room for its successor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.actions import REPLACING_ENDED, DeleteServer
from natsctl.plan.rules.rule import Decision

if TYPE_CHECKING:
    from natsctl.plan.context import Context


def remove_ended(context: Context) -> Decision:
    """Delete pods that failed, were evicted or succeeded, at once."""
    return Decision(
        tuple(
            DeleteServer(
                name=server.name,
                uid=server.pod.metadata.uid,
                reason=REPLACING_ENDED,
                message=f"{server.name}: {server.unhealthy_reason}; replacing it",
                grace=0,
            )
            for server in context.servers
            if server.ended and not server.terminating
        )
    )
