"""Schemas of the status of both resources.

Open, and asking for next to nothing: the Go operator's conditions have no `status`.
"""

from typing import Final

from natsctl.api.fields import Json

_STRING: Final[Json] = {"type": "string"}
_INTEGER: Final[Json] = {"type": "integer", "format": "int64"}
_BOOLEAN: Final[Json] = {"type": "boolean"}


def cluster_status_schema() -> Json:
    """The status of a NatsCluster."""
    return _status(
        "What the operator knows of the cluster.",
        {
            "phase": _described(_STRING, "The state of the cluster in one word."),
            "size": _described(_INTEGER, "How many pods there are."),
            "readyReplicas": _described(_INTEGER, "How many servers are ready."),
            "currentVersion": _described(_STRING, "The version that every server runs."),
            "selector": _described(_STRING, "Selects the pods; kubectl scale and HPA use it."),
            "observedGeneration": _described(_INTEGER, "The generation this status is about."),
            "controlPaused": _described(_BOOLEAN, "Whether the operator leaves it alone."),
            "operator": _described(
                _STRING, "The installation that manages it: namespace and name of its lease."
            ),
            "acceptedSpec": _described(
                _STRING, "The last spec that could be acted on: what a wrong one leaves in effect."
            ),
            "conditions": _conditions(),
            "servers": _servers(),
            "certificates": _certificates(),
        },
    )


def role_status_schema() -> Json:
    """The status of a NatsServiceRole."""
    return _status(
        "What the operator made of the role.",
        {
            "observedGeneration": _described(_INTEGER, "The generation this status is about."),
            "conditions": _conditions(),
            "serviceAccounts": _accounts(),
        },
    )


def _status(description: str, properties: Json) -> Json:
    return {
        "type": "object",
        "description": description,
        "x-kubernetes-preserve-unknown-fields": True,
        "properties": properties,
    }


def _conditions() -> Json:
    properties = {
        "type": _STRING,
        "status": _described(_STRING, "True, False or Unknown."),
        "reason": _described(_STRING, "Why, in one word."),
        "message": _described(_STRING, "Why, in a sentence."),
        "lastTransitionTime": _described(_STRING, "When status last changed."),
        "observedGeneration": _INTEGER,
    }
    schema = _map_list("What holds, what does not, and what to do about it.", ["type"], properties)
    schema["items"]["x-kubernetes-preserve-unknown-fields"] = True
    return schema


def _servers() -> Json:
    properties = {
        "name": _described(_STRING, "Name of the pod."),
        "version": _STRING,
        "ready": _BOOLEAN,
        "message": _described(_STRING, "Why it waits, or what is wrong with it."),
    }
    return _map_list("Every server.", ["name"], properties)


def _certificates() -> Json:
    properties = {
        "listener": _described(_STRING, "Whom the certificate is shown to."),
        "secret": _described(_STRING, "Secret that it is in."),
        "notAfter": _described(_STRING, "When it expires."),
    }
    return _map_list("The certificate of every encrypted listener.", ["listener"], properties)


def _accounts() -> Json:
    properties = {
        "namespace": _described(_STRING, "Namespace of the ServiceAccount."),
        "name": _described(_STRING, "Name of the ServiceAccount."),
        "user": _described(_STRING, "Name of its user in the cluster."),
        "secret": _described(_STRING, "Secret with its user name and token."),
    }
    return _map_list("The ServiceAccounts that may connect.", ["namespace", "name"], properties)


def _map_list(description: str, keys: list[str], properties: Json) -> Json:
    return {
        "type": "array",
        "description": description,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": keys,
        "items": {"type": "object", "required": keys, "properties": properties},
    }


def _described(schema: Json, description: str) -> Json:
    return {**schema, "description": description}
