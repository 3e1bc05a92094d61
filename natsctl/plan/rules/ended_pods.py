"""A pod in which nothing runs any more makes room for its successor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.plan.actions import REPLACING_ENDED, DeleteServer
from natsctl.plan.restarts.kept_names import other_names
from natsctl.plan.rules.rule import Decision, Progress, Rank, names_of, waits

if TYPE_CHECKING:
    from natsctl.plan.context import Context
    from natsctl.plan.servers.server import Server


def remove_ended(context: Context) -> Decision:
    """Delete pods that failed, were evicted or succeeded, at once.

    One that tells under which other name its server has data stays: nothing else tells it.
    """
    ended = tuple(s for s in context.servers if s.ended and not s.terminating)
    held = other_names(context) if ended else {}
    kept = tuple(server for server in ended if server.name in held)
    return Decision(
        tuple(_removal(server) for server in ended if server not in kept),
        waiting=tuple(held[server.name] for server in kept),
        servers=kept,
    )


def _message(decision: Decision) -> str:
    return f"replacing {names_of(decision.servers)}{waits(decision)}"


PROGRESS: Final = Progress("StartingServers", _message, Rank.FIRST)


def _removal(server: Server) -> DeleteServer:
    return DeleteServer(
        name=server.name,
        uid=server.pod.metadata.uid,
        reason=REPLACING_ENDED,
        message=f"{server.name}: {server.unhealthy_reason}; replacing it",
        grace=0,
    )
