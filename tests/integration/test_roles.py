"""What the status of a NatsServiceRole says, against a real API server."""

from __future__ import annotations

from natsctl.kube.client import Client
from natsctl.kube.resources import CLUSTERS, SECRETS
from tests.integration.conftest import nats, operator, until
from tests.integration.test_tokens import AUTH, SECRET, account, role, token, told


async def says(client: Client, namespace: str, reason: str, text: str = "") -> None:
    """Wait until the role's condition has this reason, with this in its message."""

    async def found() -> bool:
        (condition, *_) = (await told(client, namespace)).get("conditions") or [{}]
        return condition.get("reason") == reason and text in condition["message"]

    try:
        await until(found)
    except AssertionError:
        raise AssertionError(f"it says {await told(client, namespace)}") from None


async def test_it_says_why_nobody_matches_and_then_who(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    await role(client, namespace)
    async with operator(kubeconfig, namespace, cluster_scoped=True):
        await client.create(CLUSTERS, nats("x", namespace, size=0))
        await says(client, namespace, "ServiceAccountsDisabled", "spec.auth.enableServiceAccounts")
        await client.patch(CLUSTERS, namespace, "x", {"spec": {"auth": AUTH}})
        await says(client, namespace, "NoServiceAccount", "ServiceAccount worker does not exist")
        await account(client, namespace)
        await says(client, namespace, "Matched", "all namespaces")
        status = await told(client, namespace)
        expected = {"namespace": namespace, "name": "worker", "user": "worker", "secret": SECRET}
        assert status["serviceAccounts"] == [expected]


async def test_a_token_is_renewed_and_the_one_before_kept_for_the_change_over(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    await account(client, namespace)
    await role(client, namespace)
    async with operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=0, auth=AUTH))
        first = await until(lambda: token(client, namespace))
        past = {"metadata": {"annotations": {"nats.io/token-renew-after": "2020-01-01T00:00:00Z"}}}
        await client.patch(SECRETS, namespace, SECRET, past)

        async def renewed() -> dict[str, str] | None:
            found = await token(client, namespace)
            return found if found["token"] != first["token"] else None

        second = await until(renewed)
        assert second["previous-token"] == first["token"]
        notes = (await client.raw(SECRETS, namespace, SECRET))["metadata"]["annotations"]
        assert notes["nats.io/token-switch-at"] < notes["nats.io/token-renew-after"]
        assert notes["nats.io/token-renew-after"] < notes["nats.io/token-expires"]
