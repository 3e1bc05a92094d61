"""Looks at JetStream on all servers of a cluster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from natsctl.controllers.cluster.answerers.answerer import Answerer
from natsctl.model.jetstream_look import Look
from natsctl.nats import jetstream
from natsctl.nats.monitoring import Place
from natsctl.plan.queries import LOOKS, JetStreamLook
from natsctl.plan.servers.server import is_ours, runs_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from natsctl.controllers.cluster.cache import ClusterCache
    from natsctl.plan.state import ClusterState


async def look(
    queries: Collection[JetStreamLook], cache: ClusterCache, state: ClusterState
) -> None:
    """Take one look, whatever number of rules want it, and keep the latest."""
    pods = [pod for pod in cache.stores.pods.of_cluster(cache.key) if is_ours(pod, state)]
    began = asyncio.get_running_loop().time()
    tls = cache.contexts_of(state).monitoring
    places = {pod.metadata.uid: Place.of(pod) for pod in pods}
    looks = cache.looks[1 - LOOKS :]
    cache.keep_looks(looks)  # there has to be room for another
    try:
        reports = await jetstream.look(cache.monitor.gate, places, tls, cache.key)
        looks = (*looks, Look(began, reports, runs_of(pods)))
    finally:
        cache.keep_looks(looks)


LOOK = Answerer(JetStreamLook, look)
