"""Volumes grow one after the other while clients publish, and the limits of the stores follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.clusters import Cluster
from tests.e2e.kubectl import Kubectl, KubectlFailed, until
from tests.e2e.publishing import STREAMS, publishing

Apply = Callable[..., Cluster]
pytestmark = pytest.mark.usefixtures("reaches_pods")
MI, SHARE = 2**20, 70


def jetstream(size: str, storage_class: str = "limited") -> dict[str, Any]:
    return {"fileStore": {"pvc": {"size": size, "storageClassName": storage_class}}}


def sizes(found: Cluster, namespace: Kubectl) -> list[tuple[str, str]]:
    """What each claim asks for, and what it has."""
    claims = namespace.list("pvc", found.selector)
    asked = (claim["spec"]["resources"]["requests"]["storage"] for claim in claims)
    there = (claim["status"]["capacity"]["storage"] for claim in claims)
    return list(zip(asked, there, strict=True))


def limits(found: Cluster) -> set[int]:
    """What servers say is the most that streams may take on disk; nothing while one restarts."""
    try:
        said = [found.monitoring(pod, "varz") for pod in found.pods()]
    except KubectlFailed:
        return set()
    return {each["jetstream"].get("config", {}).get("max_storage", 0) for each in said}


@pytest.mark.parametrize("version", ["2.14.10", "2.10.29"], ids=["reloads", "restarts"])
def test_jetstream_volumes_grow_under_load(
    cluster: Apply, namespace: Kubectl, version: str
) -> None:
    """From 2.12 on no server restarts for it; before, one after the other."""
    found = cluster("a", size=3, version=version, jetstream=jetstream("64Mi")).ready(240)
    before = found.uids()
    assert limits(found) == {64 * MI * SHARE // 100}
    seen: list[list[tuple[str, str]]] = []

    def grown() -> bool:
        seen.append(sizes(found, namespace))
        return seen[-1] == [("96Mi", "96Mi")] * 3

    with publishing(found, STREAMS[:2]) as published:
        found.patch(jetstream=jetstream("96Mi"))
        until("all have grown", grown, 240)
        until("limits follow", lambda: limits(found) == {96 * MI * SHARE // 100}, 480)
        found.ready(240)
    published.check(20)  # a reload is soon over
    assert all(sum(asked != there for asked, there in moment) <= 1 for moment in seen)
    assert (found.uids() == before) is (version == "2.14.10")
    assert found.reasons().count("GrowingVolume") == 3
    assert found.condition("VolumesReady")["reason"] == "AllVolumesBound"


def test_jetstream_volumes_that_cannot_grow_are_told(cluster: Apply) -> None:
    found = cluster("a", size=1, version="2.14.10", jetstream=jetstream("64Mi", "fixed")).ready(240)
    found.patch(jetstream=jetstream("96Mi", "fixed"))
    words = ("must support resize", "storage class fixed", "back to 64Mi")
    found.until_condition("VolumesReady", "False", "js-a-1", *words, seconds=60)
    assert found.condition("Ready")["status"] == "True"
    found.patch(jetstream=jetstream("64Mi", "fixed"))
    found.until_condition("VolumesReady", "True", seconds=60)
