"""Writes that several handlers have in common; each names the uid of the object it means."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from natsctl.kube.errors import Conflict, NotFound
from natsctl.kube.resources import PODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from natsctl.controllers.cluster.handlers.handler import HandlerContext
    from natsctl.kube.resources import Resource


async def annotate(
    resource: Resource,
    name: str,
    uid: str,
    notes: Mapping[str, str | None],
    context: HandlerContext,
) -> None:
    """Note something on an object; if it is gone, or another by now, the next pass sees to it.

    None: nothing of that name is to be noted.
    """
    patch = {"metadata": {"uid": uid, "annotations": notes}}
    namespace = context.desired.target.namespace
    with suppress(NotFound, Conflict):
        context.learn(resource, await context.client.patch(resource, namespace, name, patch))


async def delete(
    resource: Resource, name: str, uid: str, context: HandlerContext, grace: int | None = None
) -> bool:
    """Delete exactly this object; False if it had gone before."""
    namespace = context.desired.target.namespace
    if resource is PODS and context.jetstream is not None:
        context.jetstream.hang_up()
    was_there, left = True, None
    try:
        left = await context.client.delete(resource, namespace, name, uid, grace)
    except (NotFound, Conflict):
        was_there = False  # or another has its name by now: either way this one is no more
    if left is None:
        context.stores.of_kind(resource.kind).forget((namespace, name), uid)
    else:
        context.learn(resource, left)
    return was_there
