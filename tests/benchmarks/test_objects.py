"""The floor writes what the operator would write."""

from __future__ import annotations

from benchmarks.objects import SIZE, nats_cluster, objects_of


def test_a_cluster_is_services_a_secret_and_pods() -> None:
    found = objects_of(nats_cluster("ns", "a"))
    assert [made["kind"] for made in found.owned] == ["Service", "Service", "Secret"]
    assert [made["metadata"]["name"] for made in found.pods] == ["a-1", "a-2", "a-3"]
    assert len(found.pods) == SIZE
