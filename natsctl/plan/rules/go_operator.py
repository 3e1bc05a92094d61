"""Pods get the revision they were made from where it is not told: later changes show against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.plan.actions import AdoptServer
from natsctl.plan.adoption.go_operator import is_taken_over, revision_of
from natsctl.plan.rules.rule import Decision
from natsctl.render.revision.revision import noted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from natsctl.plan.context import Context
    from natsctl.plan.servers.server import Server


def adopt_servers(context: Context) -> Decision:
    """Servers seen for the first time; their own version is the one of their label."""
    if context.state.holding:
        return Decision()
    known = context.servers, context.desired.revision
    return Decision((*_of_the_go_operator(*known), *_of_an_earlier_natsctl(*known)))


def _of_an_earlier_natsctl(
    servers: Sequence[Server], revision: Mapping[str, str]
) -> tuple[AdoptServer, ...]:
    """Those that are as they should be: what they lack is what they were made from."""
    lacking = (
        (server, noted(server.pod.metadata.annotation(names.REVISION_ANNOTATION), revision))
        for server in servers
        if not (server.changes or server.reloads or server.terminating)
    )
    return tuple(
        AdoptServer(server.name, server.pod.metadata.uid, text, taken_over=False)
        for server, text in lacking
        if text is not None
    )


def _of_the_go_operator(
    servers: Sequence[Server], revision: Mapping[str, str]
) -> tuple[AdoptServer, ...]:
    return tuple(
        AdoptServer(
            name=server.name,
            uid=server.pod.metadata.uid,
            revision=revision_of(server.pod, revision),
        )
        for server in servers
        if is_taken_over(server.pod)
        and not server.terminating
        and server.pod.metadata.annotation(names.REVISION_ANNOTATION) is None
    )
