"""What the API server answers, and what the client makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from natsctl.controllers.cluster.handlers.objects import own_by_apply
from natsctl.kube.client import Client
from natsctl.kube.errors import AlreadyExists, Conflict, Fenced, NotFound, Terminal
from natsctl.kube.resources import CLUSTERS, PODS, SECRETS
from natsctl.kube.transport import Transport
from tests.compat import open_connections
from tests.integration.conftest import exists, nats


def secret(namespace: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": namespace},
        "stringData": data,
    }


def pod(namespace: str, **container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": namespace},
        "spec": {"containers": [{"name": "c", "image": "i"} | container]},
    }


async def test_a_missing_object_is_not_found(client: Client, namespace: str) -> None:
    with pytest.raises(NotFound):
        await client.get(SECRETS, namespace, "absent")


async def test_creating_twice_says_that_it_exists(client: Client, namespace: str) -> None:
    await client.create(SECRETS, secret(namespace))
    with pytest.raises(AlreadyExists):
        await client.create(SECRETS, secret(namespace))


async def test_a_dry_run_validates_before_it_compares_names(client: Client, namespace: str) -> None:
    """What replacing a server relies on: its successor has the same name."""
    await client.create(PODS, pod(namespace))
    with pytest.raises(AlreadyExists):
        await client.create(PODS, pod(namespace), dry_run=True)
    with pytest.raises(Terminal, match="imagePullPolicy"):
        await client.create(PODS, pod(namespace, imagePullPolicy="Sometimes"), dry_run=True)


async def test_a_watch_that_ends_leaves_no_connection(transport: Transport, namespace: str) -> None:
    """TLS has a farewell that the other side may not answer; a watch does not wait for it."""
    (connection,) = open_connections(transport.session)
    async with transport.stream(PODS.path(namespace), {"watch": "1"}, 5.0):
        assert not open_connections(transport.session)  # it is in use
    await asyncio.sleep(0)  # one round of the event loop: nothing is waited for
    assert connection.fileno() < 0


async def test_a_delete_with_another_uid_is_refused(client: Client, namespace: str) -> None:
    await client.create(SECRETS, secret(namespace))
    with pytest.raises(Conflict):
        await client.delete(SECRETS, namespace, "s", "00000000-0000-0000-0000-000000000000")
    assert await exists(client, SECRETS, namespace, "s")


async def test_an_object_without_finalizers_is_gone_at_once(client: Client, namespace: str) -> None:
    made = await client.create(SECRETS, secret(namespace))
    assert await client.delete(SECRETS, namespace, "s", made.metadata.uid) is None
    assert not await exists(client, SECRETS, namespace, "s")


async def test_an_unknown_field_in_an_apply_is_terminal(client: Client, namespace: str) -> None:
    """The API server says 500, which would otherwise be worth a retry."""
    with pytest.raises(Terminal, match="field not declared in schema"):
        await client.apply(CLUSTERS, nats("x", namespace, size=1, colour="blue"))


async def test_an_apply_with_a_uid_does_not_resurrect(client: Client, namespace: str) -> None:
    made = await client.create(SECRETS, secret(namespace))
    await client.delete(SECRETS, namespace, "s", made.metadata.uid)
    manifest = secret(namespace)
    manifest["metadata"]["uid"] = made.metadata.uid
    with pytest.raises(Conflict):
        await client.apply(SECRETS, manifest)


async def test_what_was_posted_can_be_given_up_by_an_apply(client: Client, namespace: str) -> None:
    """Only after ownership moved from the POST to the apply."""
    await client.create(SECRETS, secret(namespace, keep="1", drop="2"))
    patch = own_by_apply(await client.raw(SECRETS, namespace, "s"))
    await client.patch(SECRETS, namespace, "s", patch, "application/json-patch+json")
    await client.apply(
        SECRETS, secret(namespace, keep="1") | {"stringData": None, "data": {"keep": "MQ=="}}
    )
    assert (await client.raw(SECRETS, namespace, "s"))["data"] == {"keep": "MQ=="}


async def test_a_fenced_client_sends_no_write(client: Client, namespace: str) -> None:
    @contextmanager
    def fence() -> Iterator[None]:
        raise Fenced
        yield

    fenced = Client(client.transport, fence)
    with pytest.raises(Fenced):
        await fenced.create(SECRETS, secret(namespace))
    with pytest.raises(Fenced):
        await fenced.apply(SECRETS, secret(namespace))
    assert not await exists(fenced, SECRETS, namespace, "s")


async def test_a_status_that_tells_of_an_older_state_is_refused(
    client: Client, namespace: str
) -> None:
    made = await client.create(CLUSTERS, nats("x", namespace, size=1))
    guard = {"resourceVersion": made.metadata.resource_version}
    good = {"metadata": guard, "status": {"phase": "Running"}}
    await client.patch_status(CLUSTERS, namespace, "x", good)
    stale = {"metadata": guard, "status": {"phase": "X"}}
    with pytest.raises(Conflict):
        await client.patch_status(CLUSTERS, namespace, "x", stale)
    assert (await client.raw(CLUSTERS, namespace, "x"))["status"]["phase"] == "Running"
