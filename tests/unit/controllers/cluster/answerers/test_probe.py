"""Which pods' addresses are connected to, and what is kept of the answers."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import attrs
import pytest

from natsctl.controllers.cluster.answerers.probe import probe
from natsctl.controllers.cluster.cache import ClusterCache
from natsctl.controllers.cluster.gather import Gatherer
from natsctl.controllers.watch.stores import open_stores
from natsctl.model.objects import Cluster, Meta, OwnerReference, Pod, PodStatus
from natsctl.model.observation import Observation
from natsctl.nats.monitoring import Monitor, Place
from natsctl.plan.queries import Probe
from natsctl.plan.servers import run_id
from natsctl.plan.state import ClusterState
from natsctl.render.inputs import Images

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
        gatherer=cast("Gatherer", None),
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
