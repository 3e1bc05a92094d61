"""Which pods' addresses are connected to: those of servers that the cluster controls."""

from __future__ import annotations

from typing import Any, cast

import attrs
import pytest

from natsctl.controllers.cluster.cache import ClusterCache
from natsctl.controllers.cluster.gather import Gatherer
from natsctl.controllers.watch.stores import open_stores
from natsctl.model.objects import Cluster, Meta, OwnerReference, Pod, PodStatus
from natsctl.model.observation import Observation
from natsctl.nats.monitoring import Monitor, Place
from natsctl.plan.state import ClusterState
from natsctl.render.inputs import Images

CLUSTER = Cluster(Meta(name="c", namespace="ns", uid="cluster-1"))
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


def pod(owner: OwnerReference | None = OWNER, namespace: str = "ns", **labels: str) -> Pod:
    owners = (owner,) if owner else ()
    labels = {"app": "nats", "nats_cluster": "c", **labels}
    meta = Meta(name="c-1", namespace=namespace, uid="p", owner_references=owners, labels=labels)
    return Pod(meta, status=PodStatus(pod_ip="10.0.0.1"))


async def asked(found: Pod) -> dict[str, Place]:
    stores, monitoring = open_stores(lambda key: None), Monitoring()
    stores.pods.put(found)
    outlook = ClusterCache(
        key=("ns", "c"),
        stores=stores,
        gatherer=cast("Gatherer", None),
        monitor=cast("Monitor", monitoring),
        images=Images(),
        platform_assigned_ids=False,
    )
    await outlook.ask(("p",), ClusterState(CLUSTER, CLUSTER.status, None))
    return monitoring.asked


async def test_a_server_of_the_cluster_is_asked_at_the_address_of_its_pod() -> None:
    assert await asked(pod()) == {"p": Place("10.0.0.1")}


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
