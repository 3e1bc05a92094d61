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
        "limits": {**_QUANTITIES, "description": "The most a container may use."},
        "requests": {**_QUANTITIES, "description": "What is set aside for a container."},
    },
}

TOLERATION: Final[dict[str, Any]] = {
    **_OPEN,
    "properties": {
        "key": {**_STRING, "description": "Key of the taint; any if there is none."},
        "operator": {**_STRING, "description": "Exists or Equal."},
        "value": {**_STRING, "description": "Value of the taint, for Equal."},
        "effect": {**_STRING, "description": "NoSchedule, PreferNoSchedule or NoExecute."},
        "tolerationSeconds": {
            "type": "integer",
            "format": "int64",
            "description": "How long NoExecute is tolerated.",
        },
    },
}

ENV_VAR: Final[dict[str, Any]] = {
    **_OPEN,
    "required": ["name"],
    "properties": {
        "name": {**_STRING, "description": "Name of the environment variable."},
        "value": {**_STRING, "description": "Its value, where it is a plain one."},
        "valueFrom": {**_OPEN, "description": "Where its value comes from otherwise."},
    },
}

VOLUME_MOUNT: Final[dict[str, Any]] = {
    **_OPEN,
    "required": ["mountPath", "name"],
    "properties": {
        "name": {**_STRING, "description": "Name of a volume of template.spec.volumes."},
        "mountPath": {**_STRING, "description": "Where it appears in the container."},
        "readOnly": {"type": "boolean", "description": "Whether nothing may be written to it."},
        "subPath": {**_STRING, "description": "The part of the volume that is mounted."},
    },
}

_SELECTOR: Final[dict[str, Any]] = {
    **_OPEN,
    "properties": {
        "matchLabels": {
            "type": "object",
            "additionalProperties": {**_STRING, "nullable": True},  # dropped else, and told now
            "description": "Labels that they have.",
        },
        "matchExpressions": {
            "type": "array",
            "maxItems": 256,
            "items": _OPEN,
            "description": "What their labels fulfil otherwise.",
        },
    },
}

PEER: Final[dict[str, Any]] = {
    **_OPEN,
    "properties": {
        "podSelector": {
            **_SELECTOR,
            "description": "Pods with these labels; {} is all of them.",
        },
        "namespaceSelector": {
            **_SELECTOR,
            "description": "Namespaces of these pods; without it, that of the cluster.",
        },
        "ipBlock": {
            **_OPEN,
            "description": "Addresses, as the servers see them.",
            "properties": {
                "cidr": {**_STRING, "description": "A range, such as 10.0.0.0/8."},
                "except": {
                    "type": "array",
                    "maxItems": 256,
                    "items": _STRING,
                    "description": "Ranges in it that are not meant.",
                },
            },
        },
    },
}

POD_TEMPLATE: Final[dict[str, Any]] = {
    **_OPEN,
    "properties": {
        "metadata": {
            **_OPEN,
            "description": "Labels and annotations added to the pods.",
        },
        "spec": {
            **_OPEN,
            "description": "A pod spec; the container named nats, or else the first, "
            "is what the server's container is built upon.",
        },
    },
}
