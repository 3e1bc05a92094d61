"""Names and misspelt fields, on a real API server and by a whole operator."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from natsctl.api.schema.crds import crds
from natsctl.kube.client import Client
from natsctl.kube.errors import Terminal
from natsctl.kube.resources import CLUSTERS, CRDS, PODS, SECRETS
from natsctl.model import names
from tests.integration.conftest import children, condition, install_crds, nats, operator, until

BAD = ("../../victim/secrets/prod-routes", "x?watch=true", "%2e%2e", "secret\n", "a" * 10_000)
PASSWORD = "dG9wLXNlY3JldA=="


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize(
    "field",
    [
        {"auth": {"clusterAuthSecret": "?"}},
        {"tls": {"serverSecret": "?"}},
        {"tls": {"serverSecretCAFileName": "?"}},
        {"extraRoutes": [{"cluster": "?"}]},
        {"operatorConfig": {"secret": "?"}},
    ],
    ids=["auth", "tls", "file", "neighbour", "operator"],
)
async def test_what_is_no_name_is_not_stored(
    client: Client, namespace: str, field: Any, name: str
) -> None:
    with pytest.raises(Terminal, match=r"should match|Too long|longer"):
        await client.create(CLUSTERS, nats("x", namespace, size=0, **put(field, name)))


async def test_no_name_is_the_same_as_none(client: Client, namespace: str) -> None:
    fields = {"auth": {"clusterAuthSecret": ""}, "tls": {"serverSecretCAFileName": ""}}
    await client.create(CLUSTERS, nats("x", namespace, size=0, **fields))


def put(field: Any, name: str) -> Any:
    if isinstance(field, dict):
        return {key: put(inner, name) for key, inner in field.items()}
    return [put(inner, name) for inner in field] if isinstance(field, list) else name


async def says(client: Client, namespace: str, text: str) -> dict[str, str]:
    async def found() -> dict[str, str] | None:
        now = await condition(client, namespace, "x", "SpecAccepted")
        return now if text in now.get("message", "") else None

    result: dict[str, str] = await until(found)
    return result


async def test_one_that_was_stored_under_another_schema_leads_nowhere(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    """A neighbour has a Secret; the cluster's spec points there. Its status can be written."""
    meta = {"name": "prod-routes", "namespace": other_namespace}
    victim = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
    text = '{"username": "u", "password": "top-secret"}'
    await client.create(SECRETS, victim | {"stringData": {"auth.json": text}})
    older = copy.deepcopy(crds()[0])
    without_patterns(older)
    await client.apply(CRDS, older)
    bad = {"clusterAuthSecret": f"../../{other_namespace}/secrets/prod-routes"}

    async def stored() -> bool:
        try:
            await client.create(CLUSTERS, nats("x", namespace, size=1, auth=bad))
        except Terminal:
            return False  # the older schema is not in force yet
        return True

    await until(stored)
    await install_crds(client.transport)
    async with operator(kubeconfig, namespace):
        told = await says(client, namespace, "is not a valid Secret name")
        assert told["status"] == "False"
        assert await children(client, namespace) == {}
        await client.patch(CLUSTERS, namespace, "x", {"spec": {"auth": None}})

        async def made() -> bool:
            return "Secret/x" in await children(client, namespace)

        await until(made)


def without_patterns(schema: Any) -> None:
    if isinstance(schema, dict):
        schema.pop("pattern", None)
        for inner in schema.values():
            without_patterns(inner)
    elif isinstance(schema, list):
        for inner in schema:
            without_patterns(inner)


async def test_a_misspelt_template_is_told_and_its_pods_are_made(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    template = {"spec": {"nodeselector": {"a": "b"}, "containers": [{"name": "nats", "tyt": True}]}}
    await client.create(CLUSTERS, nats("x", namespace, size=1, template=template, colour="blue"))
    async with operator(kubeconfig, namespace):
        told = await says(client, namespace, "did you mean nodeSelector?")
        assert (told["status"], told["reason"]) == ("True", "FieldsNotActedOn")
        assert "containers[0].tyt" in told["message"]

        async def noted() -> str:
            pods = await children(client, namespace)
            if "Pod/x-1" not in pods:
                return ""
            pod = await client.raw(PODS, namespace, "x-1")
            return str(pod["metadata"]["annotations"].get(names.DROPPED_ANNOTATION, ""))

        fields = await until(noted)
        assert set(fields.split(", ")) == {"spec.nodeselector", "spec.containers[0].tyt"}
