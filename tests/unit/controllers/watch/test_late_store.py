"""A kind that few clusters have is watched once one needs it, and is not known before."""

from __future__ import annotations

import asyncio

import pytest

from natsctl.controllers.watch.late_store import LateStore
from natsctl.controllers.watch.stores import late_readers, open_stores, reflectors
from natsctl.kube.store import Key
from natsctl.model import names
from natsctl.model.objects import Meta, PersistentVolumeClaim

pytestmark = pytest.mark.looptime
CLUSTER: Key = ("ns", "c")


def claim(name: str = "js-c-1", version: int = 5) -> PersistentVolumeClaim:
    labels = {names.LABEL_APP: names.APP, names.LABEL_CLUSTER: "c"}
    meta = Meta(name=name, namespace="ns", uid="u", resource_version=str(version), labels=labels)
    return PersistentVolumeClaim(meta)


async def test_nothing_is_known_before_the_first_list() -> None:
    store = LateStore[PersistentVolumeClaim]()
    assert not store.is_known(CLUSTER)
    store.learn(claim())
    assert not store.is_known(CLUSTER), "the reply to a write tells nothing of the others"
    store.replace([], 9)
    assert store.is_known(CLUSTER)


async def test_who_asks_waits_for_the_list_and_has_the_watch_started() -> None:
    store = LateStore[PersistentVolumeClaim]()
    assert not store.needed.is_set()
    asyncio.get_running_loop().call_later(2, store.replace, [claim()], 9)
    await store.wait(CLUSTER, seconds=5)
    assert store.needed.is_set()
    assert store.is_known(CLUSTER)
    assert asyncio.get_running_loop().time() == pytest.approx(2, abs=0.1)


async def test_who_asked_in_vain_does_not_wait_again_and_is_woken_when_it_is_known() -> None:
    woken: list[Key] = []
    store = LateStore[PersistentVolumeClaim](woken.append)
    for _ in range(3):
        await store.wait(CLUSTER, seconds=5)
    assert asyncio.get_running_loop().time() == pytest.approx(5, abs=0.1)
    store.replace([], 9)
    assert woken == [CLUSTER], "although it has none"
    await store.wait(CLUSTER, seconds=5)
    store.replace([], 10)
    assert woken == [CLUSTER]


async def test_a_cluster_that_is_gone_is_not_remembered() -> None:
    """Where nobody may read the kind, nothing ever ends the wait of clusters that come and go."""
    woken: list[Key] = []
    store = LateStore[PersistentVolumeClaim](woken.append)
    for number in range(10):
        await store.wait(("ns", f"c{number}"), seconds=1)
        store.stop_asking(("ns", f"c{number}"))
    store.replace([], 9)
    assert woken == []


async def test_the_list_of_another_namespace_tells_nothing() -> None:
    woken: list[Key] = []
    store = LateStore[PersistentVolumeClaim](woken.append)
    await store.wait(CLUSTER, seconds=1)
    store.replace([], 9, "other")
    assert not store.is_known(CLUSTER)
    assert woken == []
    store.replace([], 9, "ns")
    assert woken == [CLUSTER]


def test_its_watch_is_apart_from_those_that_readiness_waits_for() -> None:
    stores = open_stores(lambda _: None)
    transport = None
    plurals = ["persistentvolumeclaims", "poddisruptionbudgets"]
    first = reflectors(transport, stores, ("a", "b"))  # type: ignore[arg-type] # not used here
    assert not {reader.resource.plural for reader in first} & {*plurals}
    late = late_readers(transport, stores, ("a", "b"))  # type: ignore[arg-type] # nor here
    watched = [(reader.resource.plural, reader.namespace) for _, reader in late]
    assert watched == [(plural, namespace) for namespace in ("a", "b") for plural in plurals]
    assert all(reader.optional and reader.selector for _, reader in late)


def test_only_claims_of_servers_are_kept() -> None:
    stores = open_stores(lambda _: None)
    late = late_readers(None, stores, None)  # type: ignore[arg-type] # not used here
    (reader,) = (r for _, r in late if r.resource.projection is PersistentVolumeClaim)
    assert reader.door(claim()) == claim()
    assert [reader.door(claim(name)) for name in ("data", "c-1", "js-d-1", "js-c-x")] == [None] * 4
