"""The claim of the volume on which a server stores streams."""

from collections.abc import Mapping
from typing import Any, Final

from natsctl.api.fields import Json
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.jetstream import FileStore, JetStream, volume_size
from natsctl.model import names
from natsctl.model.quantity import bytes_text
from natsctl.model.server_identity import claim_name
from natsctl.render.metadata import metadata
from natsctl.render.target import Target

_ONE_NODE: Final = ("ReadWriteOnce",)


def server_claim(target: Target, index: int) -> Json | None:
    """The claim of the server with this index, from 1, if servers store streams."""
    jetstream = target.spec.jetstream
    if jetstream is None:
        return None
    template = (jetstream.file_store or FileStore()).volume_claim_template or {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(target, index, template.get("metadata") or {}),
        "spec": _spec(jetstream, template.get("spec") or {}, target.inputs.volume),
    }


def goes_with_cluster(spec: NatsClusterSpec) -> bool:
    """Whether Kubernetes deletes claims, and all data, together with the NatsCluster."""
    policy = spec.persistent_volume_claim_retention_policy
    return policy is not None and policy.when_deleted == "Delete"


def _metadata(target: Target, index: int, template: Mapping[str, Any]) -> Json:
    notes = {
        **template.get("annotations", {}),
        names.SERVER_NAME_ANNOTATION: target.server_name(index),
        names.CLUSTER_UID_ANNOTATION: target.uid,
    }
    name = claim_name(target.name, index)
    made = metadata(target, name, template.get("labels", {}), notes)
    if not goes_with_cluster(target.spec):
        del made["ownerReferences"]
    return made


def _spec(jetstream: JetStream, template: Mapping[str, Any], grown: int) -> Json:
    """As the template says; size and class of the spec win.

    `grown`: bytes that volumes have grown to by themselves; 0: they have not.
    """
    pvc = (jetstream.file_store or FileStore()).pvc
    given = template.get("resources") or {}
    size = bytes_text(grown) if grown else volume_size(jetstream)
    requests = {**(given.get("requests") or {}), "storage": size}
    chosen = pvc.storage_class_name if pvc is not None else None
    return {
        "accessModes": list(_ONE_NODE),
        **template,
        "resources": {**given, "requests": requests},
        **({"storageClassName": chosen} if chosen else {}),
    }
