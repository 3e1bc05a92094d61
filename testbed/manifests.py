"""What every testbed has from the start."""

from __future__ import annotations

from typing import Any

STORAGE_CLASS: dict[str, Any] = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {
        "name": "standard",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    "provisioner": "kubernetes.io/host-path",
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "Immediate",
}

FAKE_CAPACITY = {"cpu": "10000", "memory": "100Ti", "pods": "100000"}


def fake_node(name: str, *, alone: bool) -> dict[str, Any]:
    """A node whose pods kwok pretends to run; one beside real nodes is tainted."""
    taint = {"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": name, "type": "kwok"},
        },
        "spec": {"taints": [] if alone else [taint]},
        "status": {"capacity": FAKE_CAPACITY, "allocatable": FAKE_CAPACITY},
    }
