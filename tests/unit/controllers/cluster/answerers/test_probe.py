"""Which pods' addresses are connected to, and what is kept of the answers."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import attrs
import pytest

from natsctl.controllers.cluster.answerers.probe import FEW, probe
from natsctl.controllers.cluster.cache import ClusterCache
from natsctl.controllers.cluster.gather import Gatherer
from natsctl.controllers.runtime.computing import Computing
from natsctl.controllers.watch.stores import open_stores
from natsctl.model.names import MAX_SIZE
from natsctl.model.objects import Cluster, Meta, OwnerReference, Pod, PodStatus
from natsctl.model.observation import MAX_PEERS, Observation
from natsctl.nats.monitoring import Monitor, Place
from natsctl.plan.queries import Probe
from natsctl.plan.servers.server import run_id
from natsctl.plan.state import ClusterState
from natsctl.render.inputs import Images
from tests.compat import longest_step
from tests.unit.pace import allowed, without_what_was_before

CLUSTER = Cluster(Meta(name="c", namespace="ns", uid="cluster-1"))
STATE = ClusterState(CLUSTER, CLUSTER.status, None)
OWNER = OwnerReference(kind="NatsCluster", name="c", uid="cluster-1", controller=True)


@attrs.define
class Monitoring:
    """Notes who is asked."""

    asked: dict[str, Place] = attrs.field(factory=dict)

    async def ask(
        self, places: dict[str, Place], tls: Any, owner: str, slow: Any
    ) -> dict[str, Observation]:
        self.asked = places
        return {uid: Observation("S") for uid in places}


def pod(
    owner: OwnerReference | None = OWNER,
    namespace: str = "ns",
    name: str = "c-1",
    uid: str = "p",
    **labels: str,
) -> Pod:
    owners = (owner,) if owner else ()
    labels = {"app": "nats", "nats_cluster": "c", **labels}
    meta = Meta(name=name, namespace=namespace, uid=uid, owner_references=owners, labels=labels)
    return Pod(meta, status=PodStatus(pod_ip="10.0.0.1"))


def cache_of(monitoring: Monitoring, *pods: Pod) -> ClusterCache:
    stores = open_stores(lambda key: None)
    for found in pods:
        stores.pods.put(found)
    return ClusterCache(
        key=("ns", "c"),
        stores=stores,
        gatherer=cast("Gatherer", SimpleNamespace(computing=Computing())),
        monitor=cast("Monitor", monitoring),
        images=Images(),
        platform_assigned_ids=False,
    )


async def asked(*pods: Pod, uids: tuple[str, ...] = ("p",)) -> dict[str, Place]:
    monitoring = Monitoring()
    await probe([Probe(uid) for uid in uids], cache_of(monitoring, *pods), STATE)
    return monitoring.asked


async def test_a_server_of_the_cluster_is_asked_at_the_address_of_its_pod() -> None:
    assert await asked(pod()) == {"p": Place("10.0.0.1", owner="ns")}


@pytest.mark.parametrize(
    "stranger",
    [
        pod(None),
        pod(OwnerReference(kind="NatsCluster", name="c", uid="an earlier one", controller=True)),
        pod(OwnerReference(kind="NatsCluster", name="c", uid="cluster-1")),
        pod(
            OwnerReference(kind="Any", name="c", uid="cluster-1", controller=True),
            "evil",
            **{"nats.io/cluster-namespace": "ns"},
        ),
    ],
    ids=["labelled", "earlier", "not controlled", "another namespace"],
)
async def test_nobody_else_is_connected_to(stranger: Pod) -> None:
    assert await asked(stranger) == {}


async def test_a_pod_that_is_gone_is_not_asked() -> None:
    assert await asked(pod(), uids=("earlier",)) == {}


async def test_servers_are_asked_in_the_order_of_their_pods_and_each_once() -> None:
    pods = [pod(name=f"c-{i}", uid=f"p{i}") for i in (1, 2, 3)]
    assert list(await asked(*pods, uids=("p3", "p1", "p2", "p1"))) == ["p1", "p2", "p3"]


@pytest.mark.looptime
async def test_an_answer_is_kept_with_the_moment_and_the_run_of_the_pod() -> None:
    found = pod()
    cache = cache_of(Monitoring(), found)
    await probe([Probe("p")], cache, STATE)
    now = asyncio.get_running_loop().time()
    assert cache.observations == {"p": Observation("S", asked=now, run_id=run_id(found))}


@attrs.define
class Telling(Monitoring):
    """Servers that tell their ids, and to whom they have routes."""

    peers: frozenset[str] = frozenset()
    id: str = "ID-{}"

    async def ask(
        self, places: dict[str, Place], tls: Any, owner: str, slow: Any
    ) -> dict[str, Observation]:
        told = {uid: self.id.format(uid) for uid in places}
        return {uid: Observation(it, route_peers=self.peers) for uid, it in told.items()}


class TestPeers:
    """What each of many servers says of as many others would be much to keep."""

    STRANGERS = frozenset(f"S{n:03}" for n in range(500))

    async def kept(self, peers: frozenset[str], *uids: str) -> list[frozenset[str]]:
        """Of three servers, of which these are asked one after the other."""
        cache = cache_of(Telling(peers=peers), *(pod(name=f"c-{u}", uid=u) for u in "123"))
        for uid in uids:
            await probe([Probe(uid)], cache, STATE)
        return [cache.observations[uid].route_peers for uid in uids]

    async def test_of_a_few_all_are_kept(self) -> None:
        few = frozenset(sorted(self.STRANGERS)[:FEW])
        assert await self.kept(few, "1") == [few]

    async def test_of_many_the_servers_of_the_cluster_are_kept_and_nobody_else(self) -> None:
        peers = self.STRANGERS | {"ID-1", "ID-2"}
        assert (await self.kept(peers, "1", "2", "3"))[-1] == {"ID-1", "ID-2"}

    async def test_any_of_them_may_be_one_whose_id_is_not_known_yet(self) -> None:
        (first,) = await self.kept(self.STRANGERS, "1")
        assert first == {"S000", "S001"}

    @pytest.mark.parametrize("told", ["ID-{}", "the same"])
    async def test_what_as_many_as_can_be_say_of_as_many_keeps_nobody_waiting(
        self, told: str
    ) -> None:
        """Looked through on the event loop, that would be millions of names in one step."""
        many = [pod(name=f"c-{n}", uid=str(n)) for n in range(1, MAX_SIZE + 1)]
        servers = Telling(peers=frozenset(f"S{n:04}" for n in range(MAX_PEERS)), id=told)
        cache, queries = cache_of(servers, *many), [Probe(str(n)) for n in range(1, MAX_SIZE + 1)]
        with without_what_was_before(), longest_step() as longest:
            await asyncio.create_task(probe(queries, cache, STATE))
        assert len(cache.observations) == MAX_SIZE
        assert longest() < allowed(0.1)
