"""Asks servers over their monitoring port what they say of themselves."""

from __future__ import annotations

import asyncio
from heapq import nsmallest
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.controllers.cluster.answerers.answerer import Answerer
from natsctl.controllers.runtime.computing import is_heavy, of_servers
from natsctl.nats.gate import QUICK
from natsctl.nats.monitoring import Place
from natsctl.plan.queries import Probe
from natsctl.plan.servers.server import is_ours, run_id

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from natsctl.controllers.cluster.cache import ClusterCache
    from natsctl.model.objects import Pod
    from natsctl.model.observation import Observation
    from natsctl.plan.state import ClusterState


FEW: Final = 64
"""Servers to which one may have routes, whoever they are."""


async def probe(queries: Collection[Probe], cache: ClusterCache, state: ClusterState) -> None:
    """Ask the servers in these pods, and keep what they answer."""
    pods = _pods(queries, cache, state)
    places = {uid: Place.of(pod) for uid, pod in pods.items()}
    slow = {uid for uid, seen in cache.observations.items() if seen.seconds > QUICK}
    tls = cache.contexts_of(state).monitoring
    answers = await cache.monitor.ask(places, tls, cache.key[0], slow)
    now = asyncio.get_running_loop().time()
    servers = len(cache.stores.pods.of_cluster(cache.key))
    heavy, known = is_heavy(of_servers(len(answers))), {**cache.observations, **answers}
    kept = await cache.computed(heavy, _kept, answers, known, servers)
    fresh = {
        uid: attrs.evolve(answer, asked=now, run_id=run_id(pods[uid]))
        for uid, answer in kept.items()
    }
    known = {**cache.observations, **fresh}
    cache.answers = attrs.evolve(cache.answers, observations=known)


PROBE = Answerer(Probe, probe)


def _kept(
    answers: Mapping[str, Observation], known: Mapping[str, Observation], servers: int
) -> dict[str, Observation]:
    """What is kept of answers: of routes of many servers to as many, that takes a while."""
    peers = _Peers.among(known, servers)
    return {
        uid: attrs.evolve(answer, route_peers=peers.kept(answer.route_peers))
        for uid, answer in answers.items()
    }


@attrs.frozen
class _Peers:
    """The servers of a cluster: routes to others do not matter.

    `known` are their ids; `unknown` is how many of them did not tell theirs yet. To keep whatever
    each says would take memory for each server and each of all that it has routes to.
    """

    known: frozenset[str]
    unknown: int

    @classmethod
    def among(cls, observations: Mapping[str, Observation], servers: int) -> _Peers:
        """Those of a cluster with so many pods."""
        known = frozenset(seen.server_id for seen in observations.values() if seen.server_id)
        return cls(known, max(servers - len(known), 0))

    def kept(self, peers: frozenset[str]) -> frozenset[str]:
        """All of a few; of many, those that are known, and as many others as are not known yet."""
        if len(peers) <= FEW:
            return peers
        return frozenset((*(peers & self.known), *nsmallest(self.unknown, peers - self.known)))


def _pods(queries: Collection[Probe], cache: ClusterCache, state: ClusterState) -> dict[str, Pod]:
    """By uid, and only the cluster's own: nobody else's is connected to."""
    uids = {query.uid for query in queries}
    pods = cache.stores.pods.of_cluster(cache.key)
    return {p.metadata.uid: p for p in pods if p.metadata.uid in uids and is_ours(p, state)}
