"""What every testbed has from the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

PROVISIONER = "natsctl.testbed/folder"


def _storage_class(name: str, *, grows: bool = True, default: bool = False) -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": name,
            "annotations": {"storageclass.kubernetes.io/is-default-class": str(default).lower()},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": grows,
    }


UNLIMITED = "standard"
"""Its volumes are folders, which take whatever is written."""
STORAGE_CLASSES = {
    UNLIMITED: _storage_class(UNLIMITED, default=True),
    "limited": _storage_class("limited"),
    "fixed": _storage_class("fixed", grows=False),
}
"""By name. Those of the last two hold no more than their size, in memory."""


def volume(name: str, folder: Path, claim: dict[str, Any]) -> dict[str, Any]:
    """The volume of a claim, bound to it from the start and usable on every node."""
    identity = {key: claim["metadata"][key] for key in ("namespace", "name", "uid")}
    any_node = {"key": "kubernetes.io/hostname", "operator": "Exists"}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER},
        },
        "spec": {
            "storageClassName": claim["spec"]["storageClassName"],
            "persistentVolumeReclaimPolicy": "Delete",
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **identity},
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [any_node]}]}},
        },
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
