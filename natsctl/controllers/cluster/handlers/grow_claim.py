"""A claim asks for another size; what the API server has against it is told, and tried rarely.

Nothing else waits for it: the servers go on with the volumes that they have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.handlers.handler import (
    PENDING,
    Handler,
    HandlerContext,
    Result,
    words_of,
)
from natsctl.controllers.runtime.patience import reason_of
from natsctl.controllers.watch.owned import resource_of
from natsctl.kube.errors import Conflict, NotFound, Terminal
from natsctl.model import names
from natsctl.plan.actions import GrowClaim
from natsctl.plan.growth_refused import Words
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


async def _grow(action: GrowClaim, context: HandlerContext) -> Result:
    """One that is gone, or was changed meanwhile, is looked at again first."""
    resource, namespace = resource_of(data_kind()), context.desired.target.namespace
    meta = {
        **{"uid": action.uid, "resourceVersion": action.resource_version},
        "annotations": {names.GROWN_ANNOTATION: action.at},
    }
    patch = {"metadata": meta, "spec": {"resources": {"requests": {"storage": action.size}}}}
    try:
        reply = await context.client.patch(resource, namespace, action.name, patch)
    except (NotFound, Conflict):
        return PENDING
    except Terminal as error:
        words = Words(action.wanted, reason_of(error), words_of(error))
        return Result(growths={action.uid: words})
    context.learn(resource, reply)
    return Result(done=True, growths={action.uid: None})


def _grown(done: Sequence[GrowClaim]) -> Iterator[Event]:
    return (Event("GrowingVolume", a.message) for a in done)


GROW = Handler(GrowClaim, _grow, _grown)
