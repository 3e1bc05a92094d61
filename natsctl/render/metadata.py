"""Metadata that the objects of a cluster have in common."""

from collections.abc import Mapping

from natsctl.api.fields import Json
from natsctl.model import names
from natsctl.render.target import Target


def selector(cluster: str) -> dict[str, str]:
    """Labels that select the pods of a cluster, whatever their version."""
    return {names.LABEL_APP: names.APP, names.LABEL_CLUSTER: cluster}


def common_labels(target: Target) -> dict[str, str]:
    """Labels of every object of a cluster."""
    return {
        **selector(target.name),
        names.LABEL_K8S_NAME: names.APP,
        names.LABEL_K8S_INSTANCE: target.name,
        names.LABEL_K8S_MANAGED_BY: names.MANAGED_BY,
    }


def metadata(
    target: Target,
    name: str,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Json:
    """Metadata of an owned object; the common labels win over the given ones."""
    return {
        "name": name,
        "namespace": target.namespace,
        "labels": {**(labels or {}), **common_labels(target)},
        **({"annotations": dict(annotations)} if annotations else {}),
        "ownerReferences": [owner_reference(target)],
    }


def owner_reference(target: Target) -> Json:
    """What makes Kubernetes delete an object together with its NatsCluster."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND_CLUSTER,
        "name": target.name,
        "uid": target.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
