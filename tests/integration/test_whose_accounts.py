"""Of which namespaces the ServiceAccounts count, on a real API server."""

from __future__ import annotations

from natsctl.kube.client import Client
from natsctl.kube.resources import CLUSTERS, ROLES, SECRETS
from tests.integration.conftest import exists, fresh_namespace, nats, operator, until
from tests.integration.test_hostile_grants import lets_in
from tests.integration.test_roles import says
from tests.integration.test_tokens import ACCOUNTS, AUTH, SECRET, account, delete, role


async def test_a_role_and_an_installation_say_no(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    """Who is denied later loses user and Secret; the status of the role names them."""
    elsewhere = f"worker_{other_namespace}"
    for where in (namespace, other_namespace, "kube-system"):
        await account(client, where)
    await role(client, namespace)
    try:
        async with operator(kubeconfig, namespace, cluster_scoped=True):
            await client.create(CLUSTERS, nats("x", namespace, size=0, auth=AUTH))
            await lets_in(client, namespace, "worker", elsewhere)
            await says(client, namespace, "Matched", "kube-system: that namespace is ignored")
            assert not await exists(client, SECRETS, "kube-system", SECRET)
            only = {"spec": {"serviceAccountNamespaces": {"names": [other_namespace]}}}
            await client.patch(ROLES, namespace, "worker", only)
            await lets_in(client, namespace, elsewhere)
            await says(
                client,
                namespace,
                "Matched",
                f"only those in namespace {other_namespace} are allowed",
            )
        async with operator(kubeconfig, namespace, cluster_scoped=True, denied=(other_namespace,)):
            await says(client, namespace, "NoServiceAccount", "denies that namespace")
            await lets_in(client, namespace)

            async def gone() -> bool:
                return not await exists(client, SECRETS, other_namespace, SECRET)

            await until(gone)
    finally:
        await delete(client, ACCOUNTS, "kube-system", "worker")


async def test_the_operators_own_namespace_counts_only_beside_a_cluster(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    async with fresh_namespace(client) as home:
        for where in (namespace, home):
            await account(client, where)
            await role(client, where)
        async with operator(kubeconfig, home, cluster_scoped=True):
            await client.create(CLUSTERS, nats("x", namespace, size=0, auth=AUTH))
            await client.create(CLUSTERS, nats("x", home, size=0, auth=AUTH))
            await lets_in(client, namespace, "worker")
            await lets_in(client, home, "worker")
        async with operator(kubeconfig, home, cluster_scoped=True, allowed=("*", home)):
            await says(client, namespace, "NotLetIn", "was not created for this role")
