"""A volume is replaced: its server stops, and its claim is deleted.

Before anything stops, the API server says that it would take each step that has to follow: without
the next claim, the server would stay away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.handlers.handler import (
    DONE,
    PENDING,
    Handler,
    HandlerContext,
    Result,
    silent,
    words_of,
)
from natsctl.controllers.cluster.handlers.last_look import last_report
from natsctl.controllers.cluster.handlers.writes import annotate, delete
from natsctl.controllers.runtime.patience import reason_of
from natsctl.controllers.watch.owned import resource_of
from natsctl.kube.errors import AlreadyExists, Conflict, NotFound, Terminal
from natsctl.kube.resources import PODS, SECRETS
from natsctl.model import names
from natsctl.plan.claims.renewal import alone_in
from natsctl.plan.state import Failure
from natsctl.plan.volume_actions import DeleteClaim, GiveUpVolume, NoteRenewals
from natsctl.render.objects.owned_objects import data_kind
from natsctl.render.pod.pod import pod as render_pod

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from natsctl.kube.resources import Resource

PERMISSION = "chart value rbac.deletePersistentVolumeClaims"


async def _note(action: NoteRenewals, context: HandlerContext) -> Result:
    notes = {names.REPLACING_ANNOTATION: action.text or None}
    await annotate(SECRETS, action.name, action.uid, notes, context)
    return DONE


async def _give_up(action: GiveUpVolume, context: HandlerContext) -> Result:
    """Ask the server once more right before: an emptied server is where new streams are put."""
    try:
        if not await _would_be_replaced(action, context):
            return PENDING
    except Terminal as error:
        return Result(failure=_refused(action, error))
    if not await _has_nothing_alone(action, context):
        return PENDING
    if not await delete(PODS, action.name, action.uid, context):
        return PENDING
    return await _note(action.note, context.settling())


async def _would_be_replaced(action: GiveUpVolume, context: HandlerContext) -> bool:
    """Whether the API server would delete the claim, and take the next claim and the next pod."""
    target, claims = context.desired.target, resource_of(data_kind())
    made = next(it for it in context.desired.objects if it.name == action.claim)
    try:
        await context.client.try_to_delete(claims, target.namespace, action.claim, action.claim_uid)
    except (NotFound, Conflict):
        return False
    await _would_take(claims, made.manifest, context)
    await _would_take(PODS, render_pod(target, action.index), context)
    return True


async def _would_take(
    resource: Resource, manifest: Mapping[str, Any], context: HandlerContext
) -> None:
    """Names are compared last: that this one is taken means that nothing else is wrong."""
    try:
        await context.client.create(resource, manifest, dry_run=True)
    except AlreadyExists:
        return


def _refused(action: GiveUpVolume, error: Terminal) -> Failure:
    text = (
        f"its volume is not replaced, because the API server would not let natsctl delete "
        f"{action.claim} (which needs {PERMISSION}), or make the next claim or pod: "
        f"{words_of(error)}"
    )
    return Failure(action.subject, reason_of(error), text)


async def _has_nothing_alone(action: GiveUpVolume, context: HandlerContext) -> bool:
    report = await last_report(action.name, action.uid, context)
    if report is None:
        return False
    unusable = report.problem or report.disabled or report.unknown or report.too_many
    return not unusable and not alone_in(report.groups.values())


async def _delete(action: DeleteClaim, context: HandlerContext) -> Result:
    """Only on evidence, which the fence looks at; one that changed meanwhile is looked at again."""
    if action.evidence is None:
        return PENDING
    resource, namespace = resource_of(data_kind()), context.desired.target.namespace
    try:
        left = await context.client.delete(
            *(resource, namespace, action.name, action.uid), version=action.resource_version
        )
    except (NotFound, Conflict):
        return PENDING
    if left is None:
        context.stores.of_kind(resource.kind).forget((namespace, action.name), action.uid)
    else:
        context.learn(resource, left)
    return DONE


def _told(done: Sequence[GiveUpVolume]) -> Iterator[Event]:
    return (Event("ReplacingVolume", action.message) for action in done)


def _deleted(done: Sequence[DeleteClaim]) -> Iterator[Event]:
    return (Event(action.reason, action.message) for action in done)


NOTE = Handler(NoteRenewals, _note, silent)
GIVE_UP = Handler(GiveUpVolume, _give_up, _told)
DELETE = Handler(DeleteClaim, _delete, _deleted)
