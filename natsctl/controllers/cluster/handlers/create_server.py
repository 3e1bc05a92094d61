"""Pods are created, and those of ours that nobody saw are found again."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.handlers.handler import DONE, Handler, HandlerContext, Result
from natsctl.controllers.cluster.handlers.strangers import is_ours, not_ours
from natsctl.kube.errors import AlreadyExists, ApiError, Conflict
from natsctl.kube.resources import PODS
from natsctl.model import names
from natsctl.model.foreign import printable
from natsctl.model.words import listed
from natsctl.plan.actions import CreateServer
from natsctl.render.pod.pod import pod as render_pod
from natsctl.render.revision.revision import with_previous_config

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.model.objects import Object

_DROPPED = re.compile(r'(?:unknown|duplicate) field "(.*)"', re.DOTALL)


async def _create(action: CreateServer, context: HandlerContext) -> Result:
    manifest = render_pod(context.desired.target.of_server(action.index), action.index)
    if action.previous_config:
        notes = manifest["metadata"]["annotations"]
        notes[names.REVISION_ANNOTATION] = with_previous_config(notes[names.REVISION_ANNOTATION])
    try:
        made, warnings = await context.client.create_checked(PODS, manifest)
    except AlreadyExists:
        return await _claim(action.name, manifest, context)
    context.learn(PODS, made)
    fields = dropped_fields(warnings)
    if fields:
        await _note_dropped(made, fields, context)
    return DONE


async def _note_dropped(made: Object, fields: str, context: HandlerContext) -> None:
    """Note on a pod what it lacks, for the condition; nothing depends on it."""
    meta = made.metadata
    metadata = {"uid": meta.uid, "annotations": {names.DROPPED_ANNOTATION: fields}}
    with suppress(ApiError):
        reply = await context.client.patch(PODS, meta.namespace, meta.name, {"metadata": metadata})
        context.learn(PODS, reply)


async def _claim(name: str, manifest: dict[str, Any], context: HandlerContext) -> Result:
    """A pod of that name is there, unseen: ours without its labels, ending, or a stranger's."""
    target = context.desired.target
    live = await context.client.get(PODS, target.namespace, name)
    if not is_ours(live, target):
        return not_ours(PODS, live, target)
    if live.metadata.deletion_timestamp is not None:
        raise Conflict(409, "Terminating", f"pod {name} is still shutting down")
    labels = {"metadata": {"uid": live.metadata.uid, "labels": manifest["metadata"]["labels"]}}
    context.learn(PODS, await context.client.patch(PODS, target.namespace, name, labels))
    return DONE


def dropped_fields(warnings: Sequence[str]) -> str:
    """The fields that the API server says it does not know, or has taken the last of only."""
    fields = (match[1] for text in warnings if (match := _DROPPED.fullmatch(text)))
    return ", ".join(printable(field) for field in dict.fromkeys(fields))


def _created(done: Sequence[CreateServer]) -> Iterator[Event]:
    yield Event("CreatedServers", f"created {listed([a.name for a in done])}")


CREATE = Handler(CreateServer, _create, _created)
