"""Every role says something true, whether or not there is a cluster, on a real API server."""

from __future__ import annotations

import asyncio

from natsctl.kube.client import Client
from natsctl.kube.resources import CLUSTERS, ROLES
from tests.integration.conftest import nats, operator
from tests.integration.proxy import Proxy
from tests.integration.test_roles import says
from tests.integration.test_tokens import AUTH, account, delete, role, told


async def test_roles_of_no_cluster(
    client: Client, namespace: str, other_namespace: str, proxy: Proxy
) -> None:
    """In another namespace than the cluster's, without the label; and no write at rest."""
    await client.create(CLUSTERS, nats("x", namespace, size=0, auth=AUTH))
    await role(client, other_namespace)
    async with operator(proxy.kubeconfig, namespace, cluster_scoped=True):
        await says(
            client, other_namespace, "NoCluster", "NatsCluster x does not exist in this namespace"
        )
        await client.patch(ROLES, other_namespace, "worker", {"metadata": {"labels": None}})
        await says(client, other_namespace, "NoLabel", "nats_cluster")
        await asyncio.sleep(2)
        proxy.writes.clear()
        proxy.reads.clear()
        await asyncio.sleep(3)
        assert [r for r in proxy.writes + proxy.reads if "/leases" not in r[1]] == []
        label = {"metadata": {"labels": {"nats_cluster": "x"}}}
        await client.patch(ROLES, other_namespace, "worker", label)
        await client.create(CLUSTERS, nats("x", other_namespace, size=0, auth=AUTH))
        await account(client, other_namespace)
        await says(client, other_namespace, "Matched")


async def test_a_role_whose_cluster_changes(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    """What was true of it is not said any longer than it is."""
    await account(client, namespace)
    await role(client, namespace)
    async with operator(kubeconfig, namespace):
        await says(client, namespace, "NoCluster")
        await client.create(CLUSTERS, nats("x", namespace, size=0, auth=AUTH))
        await says(client, namespace, "Matched")
        await client.patch(CLUSTERS, namespace, "x", {"spec": {"paused": True}})
        await says(client, namespace, "ClusterPaused")
        assert (await told(client, namespace))["serviceAccounts"]
        wrong = {"spec": {"paused": False, "extraRoutes": [{"route": "x y"}]}}
        await client.patch(CLUSTERS, namespace, "x", wrong)
        await says(client, namespace, "ClusterNotAccepted", "SpecAccepted")
        await client.patch(CLUSTERS, namespace, "x", {"spec": {"extraRoutes": None}})
        await says(client, namespace, "Matched")
        await delete(client, CLUSTERS, namespace, "x")
        await says(client, namespace, "NoCluster")
        assert not (await told(client, namespace))["serviceAccounts"]


async def test_a_role_whose_cluster_is_left_to_an_installation_that_is_not_there(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    await role(client, namespace)
    async with operator(kubeconfig, namespace):
        cluster = nats("x", namespace, size=0, auth=AUTH)
        cluster["metadata"]["annotations"] = {"nats.io/operator": "elsewhere/nats-operator"}
        await client.create(CLUSTERS, cluster)
        await says(client, namespace, "NotManaged", "elsewhere/nats-operator")
