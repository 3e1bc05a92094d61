"""The CustomResourceDefinitions that the operator needs."""

from typing import Any, Final

import yaml

from natsctl.api.fields import Json
from natsctl.api.schema.revision import SCHEMA_REVISION
from natsctl.api.schema.status import cluster_status_schema, role_status_schema
from natsctl.api.schema.structural import object_schema
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.service_role import NatsServiceRoleSpec
from natsctl.model import names
from natsctl.model.names import MAX_CLUSTER_NAME, NAME_HELP, NAME_PATTERN

_STRING: Final[Json] = {"type": "string"}


def crds() -> tuple[Json, ...]:
    """Both definitions, NatsCluster first."""
    return _cluster_crd(), _role_crd()


def crds_yaml() -> str:
    """Both definitions as YAML documents; the same text every time."""
    documents = (yaml.dump(crd, Dumper=_Plain, sort_keys=False, width=100) for crd in crds())
    return "---\n".join(documents)


def _cluster_crd() -> Json:
    version = {
        "name": names.VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _cluster_schema()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.size",
                "statusReplicasPath": ".status.size",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [
            _column("Size", "integer", ".spec.size"),
            _column("Ready", "integer", ".status.readyReplicas"),
            _column("Version", "string", ".status.currentVersion"),
            _column("Status", "string", ".status.phase"),
            _column("Age", "date", ".metadata.creationTimestamp"),
        ],
    }
    return _definition(names.KIND_CLUSTER, names.PLURAL_CLUSTERS, ["nats"], version)


def _role_crd() -> Json:
    version = {
        "name": names.VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _role_schema()},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            _column("Cluster", "string", f".metadata.labels.{names.LABEL_CLUSTER}"),
            _column("Age", "date", ".metadata.creationTimestamp"),
        ],
    }
    return _definition(names.KIND_ROLE, names.PLURAL_ROLES, [], version)


def _definition(kind: str, plural: str, short: list[str], version: Json) -> Json:
    singular = kind.lower()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{names.GROUP}",
            "annotations": {names.SCHEMA_REVISION_ANNOTATION: str(SCHEMA_REVISION)},
        },
        "spec": {
            "group": names.GROUP,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": singular,
                **({"shortNames": short} if short else {}),
            },
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def _cluster_schema() -> Json:
    schema = _root_schema(
        "A cluster of NATS servers.",
        {"spec": object_schema(NatsClusterSpec), "status": cluster_status_schema()},
    )
    rule = (
        f"self.metadata.name.size() <= {MAX_CLUSTER_NAME} "
        f"&& self.metadata.name.matches('{NAME_PATTERN}')"
    )
    return {**schema, "x-kubernetes-validations": [{"rule": rule, "message": NAME_HELP}]}


def _role_schema() -> Json:
    return _root_schema(
        "Permissions of a ServiceAccount in a NATS cluster.",
        {"spec": object_schema(NatsServiceRoleSpec), "status": role_status_schema()},
    )


def _root_schema(description: str, properties: Json) -> Json:
    return {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": _STRING,
            "kind": _STRING,
            "metadata": {"type": "object"},
            **properties,
        },
    }


def _column(name: str, kind: str, path: str) -> Json:
    return {"name": name, "type": kind, "jsonPath": path}


class _Plain(yaml.SafeDumper):
    """YAML without anchors: the same schema may appear in several places."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
