"""The statuses of NatsServiceRoles are written; that they are there is all that is told."""

from __future__ import annotations

from natsctl.api.types.status import to_json
from natsctl.controllers.cluster.handlers.handler import (
    DONE,
    Handler,
    HandlerContext,
    Result,
    silent,
)
from natsctl.kube.errors import NotFound
from natsctl.kube.resources import ROLES
from natsctl.plan.actions import UpdateRoleStatus


async def _update(action: UpdateRoleStatus, context: HandlerContext) -> Result:
    meta = action.role.metadata
    guard = {"resourceVersion": meta.resource_version}
    patch = {"metadata": guard, "status": to_json(action.status)}
    try:
        reply = await context.client.patch_status(ROLES, meta.namespace, meta.name, patch)
    except NotFound:
        return DONE
    context.learn(ROLES, reply)
    return DONE


UPDATE_STATUS = Handler(UpdateRoleStatus, _update, silent)
