"""Pods are deleted: for good, or so that a successor comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.handlers.handler import (
    DONE,
    Handler,
    HandlerContext,
    Result,
    words_of,
)
from natsctl.controllers.cluster.handlers.writes import delete
from natsctl.controllers.runtime.patience import reason_of
from natsctl.kube.errors import AlreadyExists, Terminal
from natsctl.kube.resources import PODS
from natsctl.plan.actions import DeleteServer, ReplaceServer
from natsctl.plan.state import Failure
from natsctl.render.pod.pod import pod as render_pod

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


QUOTA_FULL = "exceeded quota"
"""How the ResourceQuota admission plug-in puts it."""


async def _delete(action: DeleteServer, context: HandlerContext) -> Result:
    await delete(PODS, action.name, action.uid, context, action.grace)
    return DONE


async def _replace(action: ReplaceServer, context: HandlerContext) -> Result:
    """Delete a pod, but only if the API server would take its successor."""
    refused = await _refused(action, context)
    if refused is not None:
        return Result(failure=refused)
    await delete(PODS, action.name, action.uid, context)
    return DONE


async def _refused(action: ReplaceServer, context: HandlerContext) -> Failure | None:
    """What the API server has against a server's successor; names are compared last.

    A full quota is nothing against it: it takes the place that gets free.
    """
    manifest = render_pod(context.desired.target.of_server(action.index), action.index)
    try:
        await context.client.create(PODS, manifest, dry_run=True)
    except AlreadyExists:
        return None
    except Terminal as error:
        if QUOTA_FULL in str(error):
            return None
        text = f"not restarted, because the API server rejects its replacement: {words_of(error)}"
        return Failure(action.subject, reason_of(error), text)
    return None


def _deleted(done: Sequence[DeleteServer]) -> Iterator[Event]:
    return (Event(a.reason, a.message) for a in done)


def _replaced(done: Sequence[ReplaceServer]) -> Iterator[Event]:
    return (Event("RestartingServer", a.message) for a in done)


DELETE = Handler(DeleteServer, _delete, _deleted)
REPLACE = Handler(ReplaceServer, _replace, _replaced)
