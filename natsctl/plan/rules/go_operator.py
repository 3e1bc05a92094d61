"""Pods get the revision they were made from where it is not told: later changes show against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.plan.actions import AdoptServer
from natsctl.plan.adoption.go_operator import is_taken_over, revision_of
from natsctl.render.revision.revision import noted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from natsctl.plan.servers import Server
    from natsctl.plan.state import ClusterState


def adopt_servers(state: ClusterState, servers: Sequence[Server]) -> tuple[AdoptServer, ...]:
    """Servers seen for the first time; their own version is the one of their label."""
    assert state.desired is not None
    if state.holding:
        return ()
    revision = state.desired.revision
    return (*_of_the_go_operator(servers, revision), *_of_an_earlier_natsctl(servers, revision))


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
