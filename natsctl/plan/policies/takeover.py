"""Pods of the Go operator get the revision they were made from: later changes show against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.api import names
from natsctl.plan.actions import AdoptServer
from natsctl.plan.takeover import is_taken_over, revision_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.servers import Server
    from natsctl.plan.snapshot import Snapshot


def adopt_servers(snapshot: Snapshot, servers: Sequence[Server]) -> tuple[AdoptServer, ...]:
    """Servers seen for the first time; their own version is the one of their label."""
    assert snapshot.desired is not None
    if snapshot.holding:
        return ()
    revision = snapshot.desired.revision
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
