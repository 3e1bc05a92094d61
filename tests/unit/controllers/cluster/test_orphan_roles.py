"""Roles that no actor tells: when they are looked at, and what an error costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from msgspec.structs import replace

from natsctl.controllers.cluster.orphan_roles import AT_ONCE, RETRY, Orphans
from natsctl.controllers.watch.stores import Stores, open_stores
from natsctl.kube.errors import Conflict, Fenced, Transient
from natsctl.model.objects import Meta, ServiceRole

pytestmark = pytest.mark.looptime


class Api:
    """Keeps what is written; fails as told."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str]] = []
        self.version = 1_000
        self.labels: dict[str, dict[str, str]] = {}
        self.errors: dict[str, list[Exception]] = {}

    async def patch_status(self, _: Any, namespace: str, name: str, patch: Any) -> ServiceRole:
        await asyncio.sleep(0.001)
        if self.errors.get(name):
            raise self.errors[name].pop()
        self.version += 1
        self.written.append((namespace, name))
        found = role(name, namespace, str(self.version), **self.labels.get(name, {}))
        return replace(found, status=patch["status"])


def role(name: str, namespace: str = "ns", version: str = "1", **labels: str) -> ServiceRole:
    meta = Meta(name=name, namespace=namespace, uid=name, resource_version=version)
    return ServiceRole(replace(meta, labels=labels or None), spec={})


@asynccontextmanager
async def running(*roles: ServiceRole) -> AsyncIterator[tuple[Api, Stores]]:
    api, orphans = Api(), Orphans()
    stores = open_stores(orphans.wake)
    stores.roles.replace(roles, 500)
    api.labels = {r.metadata.name: r.metadata.labels or {} for r in roles}
    task = asyncio.create_task(orphans.run(cast("Any", api), stores, "ns/nats-operator"))
    try:
        yield api, stores
    finally:
        task.cancel()


async def test_all_are_told_once_and_at_rest_nobody_is() -> None:
    async with running(role("a"), role("b", nats_cluster="x"), role("c", "other")) as (api, _):
        await asyncio.sleep(3600)
        assert sorted(api.written) == [("ns", "a"), ("ns", "b"), ("other", "c")]


async def test_a_new_one_is_told_soon_whatever_its_labels() -> None:
    async with running() as (api, stores):
        await asyncio.sleep(10)
        stores.roles.put(role("a", version="501"))
        await asyncio.sleep(1)
        assert api.written == [("ns", "a")]


async def test_a_tenant_with_many_keeps_nobody_waiting() -> None:
    many = [role(f"r{i}", "evil") for i in range(3 * AT_ONCE)]
    async with running(*many, role("a", "victim")) as (api, _):
        await asyncio.sleep(2)
        assert api.written.index(("victim", "a")) <= AT_ONCE
        await asyncio.sleep(5)
        assert len(api.written) == len(many) + 1


@pytest.mark.parametrize("error", [Transient(503, "", "x"), ValueError("a bug")])
async def test_an_error_of_one_is_tried_again_later(error: Exception) -> None:
    async with running(role("a"), role("b", "other")) as (api, _):
        api.errors["a"] = [error]
        await asyncio.sleep(5)
        assert api.written == [("other", "b")]
        await asyncio.sleep(RETRY)
        assert api.written == [("other", "b"), ("ns", "a")]


@pytest.mark.parametrize("error", [Conflict(409, "", "x"), Fenced("over")])
async def test_what_the_watch_or_the_lease_tells_of_is_left_to_them(error: Exception) -> None:
    async with running(role("a")) as (api, stores):
        api.errors["a"] = [error]
        await asyncio.sleep(100)
        assert api.written == []
        stores.roles.put(role("a", version="501"))
        await asyncio.sleep(1)
        assert api.written == [("ns", "a")]
