"""A store stays equal to the API server through everything that happens to a watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

import msgspec
import pytest
from aiohttp import web

from natsctl.kube.client import Client
from natsctl.kube.reflector import Reflector
from natsctl.kube.resources import SECRETS
from natsctl.kube.store import Store
from natsctl.kube.transport import connect
from natsctl.model.objects import Secret
from tests.integration.conftest import until
from tests.integration.proxy import Proxy


@asynccontextmanager
async def reflecting(
    kubeconfig: str, namespace: str, silence: float = 90.0
) -> AsyncIterator[Store[Secret]]:
    async with connect(kubeconfig) as transport:
        store = Store[Secret]()
        reflector = Reflector(transport, SECRETS, store, namespace, silence=silence)
        task = asyncio.create_task(reflector.run())
        try:
            await asyncio.wait_for(reflector.synced.wait(), 10)
            yield store
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def make(client: Client, namespace: str, name: str) -> None:
    await client.create(
        SECRETS,
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}},
    )


async def remove(client: Client, namespace: str, name: str) -> None:
    found = await client.get(SECRETS, namespace, name)
    await client.delete(SECRETS, namespace, name, found.metadata.uid)


async def holds(store: Store[Secret], *names: str) -> None:
    async def same() -> bool:
        return {name for _, name in store.keys()} == set(names)  # noqa: SIM118 - no dict

    await until(same)


async def test_it_lists_and_follows(client: Client, namespace: str, kubeconfig: str) -> None:
    await make(client, namespace, "a")
    async with reflecting(kubeconfig, namespace) as store:
        await holds(store, "a")
        await make(client, namespace, "b")
        await remove(client, namespace, "a")
        await holds(store, "b")


async def test_a_closed_watch_goes_on_where_it_was(
    client: Client, namespace: str, proxy: Proxy
) -> None:
    """And lists nothing: the changes of the meantime are in the next stream."""
    await make(client, namespace, "a")
    async with reflecting(proxy.kubeconfig, namespace) as store:
        proxy.reads.clear()
        proxy.cut_streams()
        await make(client, namespace, "b")
        await remove(client, namespace, "a")
        await holds(store, "b")
        assert proxy.reads == []


async def test_a_server_without_streaming_lists_is_listed_page_by_page(
    client: Client, namespace: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("natsctl.kube.reflector.FIRST_PAGE", 2)
    monkeypatch.setattr("natsctl.kube.reflector.LAST_PAGE", 2)

    def refuse(request: web.Request) -> web.Response | None:
        if "sendInitialEvents" not in request.query:
            return None
        return web.json_response({"kind": "Status", "message": "forbidden"}, status=422)

    proxy.before = refuse
    for name in "abcde":
        await make(client, namespace, name)
    async with reflecting(proxy.kubeconfig, namespace) as store:
        await holds(store, *"abcde")
        assert len(proxy.reads) == 3
        await remove(client, namespace, "c")
        await holds(store, *"abde")


async def test_a_position_too_old_leads_to_a_new_list(
    client: Client, namespace: str, proxy: Proxy
) -> None:
    """What was deleted meanwhile must not stay."""
    gone = iter([True])

    def too_old(request: web.Request) -> web.Response | None:
        if "resourceVersion" not in request.query or not next(gone, False):
            return None
        event = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}
        return web.Response(body=msgspec.json.encode(event) + b"\n")

    await make(client, namespace, "a")
    async with reflecting(proxy.kubeconfig, namespace) as store:
        proxy.before = too_old
        await remove(client, namespace, "a")
        await make(client, namespace, "b")
        proxy.cut_streams()
        await holds(store, "b")


async def test_a_silent_stream_counts_as_dead(client: Client, namespace: str, proxy: Proxy) -> None:
    async with reflecting(proxy.kubeconfig, namespace, silence=1.0) as store:
        proxy.silent = True
        await make(client, namespace, "a")
        await asyncio.sleep(0.3)
        assert len(store) == 0
        proxy.silent = False
        await holds(store, "a")


async def test_an_overloaded_api_server_is_asked_again_later(
    client: Client, namespace: str, proxy: Proxy
) -> None:
    asked: list[float] = []

    def busy(request: web.Request) -> web.Response | None:
        asked.append(asyncio.get_running_loop().time())
        if len(asked) > 3:
            return None
        return web.Response(status=429, text="Too many requests", headers={"Retry-After": "1"})

    await make(client, namespace, "a")
    proxy.before = busy
    async with reflecting(proxy.kubeconfig, namespace) as store:
        await holds(store, "a")
    pauses = [later - sooner for sooner, later in pairwise(asked[:4])]
    assert min(pauses) > 0.5
    assert pauses == sorted(pauses)
