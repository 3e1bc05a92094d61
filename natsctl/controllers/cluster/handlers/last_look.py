"""What a server says of itself right before it is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.nats import jetstream
from natsctl.nats.monitoring import Place

if TYPE_CHECKING:
    from natsctl.controllers.cluster.handlers.handler import HandlerContext
    from natsctl.model.jetstream import JetStreamReport


async def last_report(name: str, uid: str, context: HandlerContext) -> JetStreamReport | None:
    """The answer of the server in this very pod; None if the pod or its server is another one."""
    target, reloader = context.desired.target, context.reloader
    pod = context.stores.pods.get((target.namespace, name))
    if pod is None or pod.metadata.uid != uid:
        return None
    place, key = Place.of(pod), (target.namespace, target.name)
    said = await jetstream.look(reloader.gate, {uid: place}, reloader.monitoring, key)
    report = said[uid]
    return report if report.name == place.name else None
