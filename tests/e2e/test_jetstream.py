"""Servers that store streams: nothing that was acknowledged is lost by what natsctl does."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from nats.js.api import StreamConfig

from tests.e2e.clusters import Cluster
from tests.e2e.kubectl import Kubectl, until
from tests.e2e.publishing import STREAMS, messages, publishing

Apply = Callable[..., Cluster]
pytestmark = pytest.mark.usefixtures("reaches_pods")
JETSTREAM: dict[str, Any] = {
    "fileStore": {"pvc": {"size": "64Mi"}},
    "memoryStore": {"maxSize": "16Mi"},
}


def storing(cluster: Apply, version: str, size: int = 3) -> Cluster:
    """A cluster with JetStream that is ready."""
    return cluster("a", size=size, version=version, jetstream=JETSTREAM).ready(120)


def copies(found: Cluster, stream: str, replicas: int) -> set[int]:
    """The numbers of messages of all replicas, once they have become the same."""

    def equal() -> set[int] | None:
        there = messages(found, stream)
        return set(there.values()) if len(there) == replicas else None

    until(f"{stream} is the same on all", lambda: len(equal() or ()) == 1, 30)
    return equal() or set()


@pytest.mark.parametrize(
    "versions",
    [("2.10.29", "2.11.17"), ("2.12.15", "2.14.10", "2.15.3", "2.14.10")],
    ids=" to ".join,
)
def test_upgrades_lose_no_acknowledged_message(cluster: Apply, versions: tuple[str, ...]) -> None:
    """One server after the other, and every replica holds the same afterwards."""
    found = storing(cluster, versions[0])
    with publishing(found) as published:
        for version in versions[1:]:
            before = found.uids()
            with found.history() as history:
                found.patch(version=version)
                found.ready(300).meshed(3, version)
            assert not set(before.items()) & set(found.uids().items())
            assert history.fewest_serving(3) >= 2
    published.check()
    for stream in STREAMS:
        assert stream.name is not None
        there = copies(found, stream.name, stream.num_replicas or 1)
        assert there == {published.acknowledged[stream.name]}


def test_a_killed_server_and_more_servers_lose_nothing(cluster: Apply, namespace: Kubectl) -> None:
    found = storing(cluster, "2.14.10")
    with publishing(found, STREAMS[1:]) as published:
        uid = found.uids()["a-2"]
        namespace("delete", "pod", "a-2", "--grace-period=0", "--force")
        found.until_replaced("a-2", uid)
        found.ready(120)
        found.patch(size=5)
        found.ready(120).meshed(5, "2.14.10")
    published.check()


@pytest.mark.parametrize("version", ["2.14.10", "2.15.3"])
def test_scaling_down_moves_streams_first_and_loses_nothing(cluster: Apply, version: str) -> None:
    found = storing(cluster, version, size=5)
    more = tuple(
        StreamConfig(name=f"MORE{index}", subjects=[f"more{index}"], num_replicas=1 + index % 2 * 2)
        for index in range(6)
    )
    with publishing(found, (*STREAMS, *more)) as published:
        found.patch(size=3)
        until("two servers leave", lambda: sorted(found.pods()) == ["a-1", "a-2", "a-3"], 240)
        found.until_condition("Progressing", "False", seconds=90)
        found.ready(120).meshed(3, version)
        until("nobody else is a member", lambda: meta_sizes(found) == {3}, 30)
    published.check()
    for stream in (*STREAMS, *more):
        assert stream.name is not None
        there = copies(found, stream.name, stream.num_replicas or 1)
        assert there == {published.acknowledged[stream.name]}


def meta_sizes(found: Cluster) -> set[int]:
    """How many members the meta group has, as each server says."""
    told = (found.monitoring(pod, "jsz").get("meta_cluster") or {} for pod in found.pods())
    return {int(meta.get("cluster_size", 0)) for meta in told}


def test_two_servers_cannot_do_without_either_until_somebody_decides(
    cluster: Apply, namespace: Kubectl
) -> None:
    found = storing(cluster, "2.12.15", size=2)
    before = found.uids()
    found.patch(version="2.14.10")
    for _ in before:
        offer = until("an override is offered", partial(offered, found), 60)
        assert offer is not None
        pod, overrides = offer
        assert found.uids()[pod] == before[pod]
        namespace("annotate", "--overwrite", "nats", "a", *overrides)
        found.until_replaced(pod, before[pod], 60)
    found.ready(120).meshed(2, "2.14.10")


def offered(found: Cluster) -> tuple[str, list[str]] | None:
    """The server that may restart next if somebody decides so, and what that takes."""
    message = found.condition("Progressing").get("message", "")
    overrides = re.findall(r"nats.io/override-[a-z-]+=\S+", message)
    pods = [pod for pod, uid in found.uids().items() if f"override-meta-quorum={uid}" in message]
    return (pods[0], overrides) if pods else None


def test_deleted_and_created_again_it_has_all_data(cluster: Apply, namespace: Kubectl) -> None:
    found = storing(cluster, "2.14.10")
    with publishing(found, STREAMS[:2]) as published:
        pass
    published.check(1)
    found.delete()
    claims = namespace.list("pvc", found.selector)
    assert {claim["status"]["phase"] for claim in claims} == {"Bound"}
    again = storing(cluster, "2.14.10")
    assert copies(again, "ONE", 1) == {published.acknowledged["ONE"]}
    assert copies(again, "THREE", 3) == {published.acknowledged["THREE"]}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no servers": ({"size": 0}, "spec.size: is 0"),
    "one server": ({"size": 1}, "spec.size: is 1"),
    "a domain": ({"jetstream": {"domain": "hub"}}, "spec.jetstream.domain: cannot change"),
    "a smaller volume": (
        {"jetstream": {"fileStore": {"pvc": {"size": "32Mi"}}}},
        "spec.jetstream.fileStore.pvc.size",
    ),
    "an older version": ({"version": "2.9.25"}, "spec.version: "),
}


def test_what_would_lose_data_is_refused_and_nothing_moves(cluster: Apply) -> None:
    found = storing(cluster, "2.12.15")
    before = found.uids()
    for name, (change, words) in REFUSED.items():
        found.patch(**change)
        found.until_condition("SpecAccepted", "False", words, seconds=20)
        assert found.uids() == before, name
        found.patch(size=3, version="2.12.15", jetstream=JETSTREAM | {"domain": None})
        found.ready()
    assert found.uids() == before


def test_a_single_server_stores_and_is_upgraded(cluster: Apply) -> None:
    found = storing(cluster, "2.12.15", size=1)
    with publishing(found, STREAMS[:1]) as published:
        found.patch(version="2.14.10")
        found.ready(120)
    published.check(10)
    until("it is there", partial(_holds, found, published.acknowledged["ONE"]))


def _holds(found: Cluster, count: int) -> bool:
    return messages(found, "ONE") == {"a-1": count}
