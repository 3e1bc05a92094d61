"""Schemas of the Kubernetes objects that a NatsCluster embeds.

Only what people look up with `kubectl explain` is spelled out; everything else is kept as it
is and left to the API server, which checks the pod made of it.
"""

from typing import Any, Final

_OPEN: Final[dict[str, Any]] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_STRING: Final[dict[str, Any]] = {"type": "string"}
_QUANTITIES: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "x-kubernetes-int-or-string": True,
    },
}

RESOURCES: Final[dict[str, Any]] = {
    **_OPEN,
    "properties": {
        "limits": {**_QUANTITIES, "description": "Maximum amounts that the container may use."},
        "requests": {**_QUANTITIES, "description": "Amounts that are reserved for the container."},
    },
}

TOLERATION: Final[dict[str, Any]] = {
    **_OPEN,
    "properties": {
        "key": {**_STRING, "description": "Key of the taint; empty matches all keys."},
        "operator": {**_STRING, "description": "Exists or Equal."},
        "value": {**_STRING, "description": "Value of the taint, for Equal."},
        "effect": {**_STRING, "description": "NoSchedule, PreferNoSchedule or NoExecute."},
        "tolerationSeconds": {
            "type": "integer",
            "format": "int64",
            "description": "Number of seconds for which NoExecute is tolerated.",
        },
    },
}

ENV_VAR: Final[dict[str, Any]] = {
    **_OPEN,
    "required": ["name"],
    "properties": {
        "name": {**_STRING, "description": "Name of the environment variable."},
        "value": {**_STRING, "description": "Value of the variable."},
        "valueFrom": {**_OPEN, "description": "Source of the value, if value is not set."},
    },
}

VOLUME_MOUNT: Final[dict[str, Any]] = {
    **_OPEN,
    "required": ["mountPath", "name"],
    "properties": {
        "name": {**_STRING, "description": "Name of a volume in template.spec.volumes."},
        "mountPath": {
            **_STRING,
            "description": "Path in the container at which the volume is mounted.",
        },
        "readOnly": {"type": "boolean", "description": "Mount the volume read-only."},
        "subPath": {
            **_STRING,
            "description": "Path in the volume that is mounted, instead of its root.",
        },
    },
}

_SELECTOR: Final[dict[str, Any]] = {
    **_OPEN,
    "properties": {
        "matchLabels": {
            "type": "object",
            "additionalProperties": {**_STRING, "nullable": True},  # dropped else, and told now
            "description": "Labels that they must have.",
        },
        "matchExpressions": {
            "type": "array",
            "maxItems": 256,
            "items": _OPEN,
            "description": "Requirements that their labels must meet.",
        },
    },
}

PEER: Final[dict[str, Any]] = {
    **_OPEN,
    "properties": {
        "podSelector": {
            **_SELECTOR,
            "description": "Pods to select by their labels; {} selects all.",
        },
        "namespaceSelector": {
            **_SELECTOR,
            "description": "Namespaces to select by labels; if unset, that of the cluster.",
        },
        "ipBlock": {
            **_OPEN,
            "description": "Range of addresses, as the servers see them.",
            "properties": {
                "cidr": {**_STRING, "description": "Range in CIDR notation, such as 10.0.0.0/8."},
                "except": {
                    "type": "array",
                    "maxItems": 256,
                    "items": _STRING,
                    "description": "Ranges within cidr to exclude.",
                },
            },
        },
    },
}

VOLUME_CLAIM_TEMPLATE: Final[dict[str, Any]] = {
    **_OPEN,
    "properties": {
        "metadata": {
            **_OPEN,
            "description": "Labels and annotations to add to the PersistentVolumeClaims.",
        },
        "spec": {
            **_OPEN,
            "description": "Spec of the PersistentVolumeClaims. Size and storage class of "
            "fileStore.pvc take precedence.",
        },
    },
}

POD_TEMPLATE: Final[dict[str, Any]] = {
    **_OPEN,
    "properties": {
        "metadata": {
            **_OPEN,
            "description": "Labels and annotations to add to the pods.",
        },
        "spec": {
            **_OPEN,
            "description": "Pod spec. The server container is based on the container named "
            "nats, or else on the first one.",
        },
    },
}
