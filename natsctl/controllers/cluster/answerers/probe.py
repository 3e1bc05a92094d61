"""Asks servers over their monitoring port what they say of themselves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

from natsctl.nats.gate import QUICK
from natsctl.nats.monitoring import Place
from natsctl.plan.servers import is_ours, run_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from natsctl.controllers.cluster.cache import ClusterCache
    from natsctl.model.objects import Pod
    from natsctl.plan.queries import Probe
    from natsctl.plan.state import ClusterState


async def probe(queries: Collection[Probe], cache: ClusterCache, state: ClusterState) -> None:
    """Ask the servers in these pods, and keep what they answer."""
    pods = _pods(queries, cache, state)
    places = {uid: Place.of(pod) for uid, pod in pods.items()}
    slow = {uid for uid, seen in cache.observations.items() if seen.seconds > QUICK}
    tls = cache.contexts_of(state).monitoring
    answers = await cache.monitor.ask(places, tls, cache.key[0], slow)
    now = asyncio.get_running_loop().time()
    for uid, answer in answers.items():
        cache.observations[uid] = attrs.evolve(answer, asked=now, run_id=run_id(pods[uid]))


def _pods(queries: Collection[Probe], cache: ClusterCache, state: ClusterState) -> dict[str, Pod]:
    """By uid, and only the cluster's own: nobody else's is connected to."""
    uids = {query.uid for query in queries}
    pods = cache.stores.pods.of_cluster(cache.key)
    return {p.metadata.uid: p for p in pods if p.metadata.uid in uids and is_ours(p, state)}
