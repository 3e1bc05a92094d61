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
        "Observed state of the cluster.",
        {
            "phase": _described(_STRING, "State of the cluster in one word."),
            "size": _described(_INTEGER, "Number of pods."),
            "readyReplicas": _described(_INTEGER, "Number of servers that are ready."),
            "currentVersion": _described(_STRING, "Version that every server runs."),
            "selector": _described(
                _STRING, "Selector of the pods, for kubectl scale and autoscalers."
            ),
            "observedGeneration": _described(
                _INTEGER, "Generation of the spec that this status describes."
            ),
            "controlPaused": _described(_BOOLEAN, "Whether changes to the cluster are stopped."),
            "operator": _described(
                _STRING, "Installation that manages the cluster: namespace and name of its lease."
            ),
            "acceptedSpec": _described(
                _STRING,
                "Last spec that was accepted. It stays in effect while a newer one is invalid.",
            ),
            "conditions": _conditions(),
            "servers": _servers(),
            "certificates": _certificates(),
            "jetstream": _jetstream(),
        },
    )


def role_status_schema() -> Json:
    """The status of a NatsServiceRole."""
    return _status(
        "Observed state of the role.",
        {
            "observedGeneration": _described(
                _INTEGER, "Generation of the spec that this status describes."
            ),
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
        "reason": _described(_STRING, "Reason for the status, in one word."),
        "message": _described(_STRING, "Explanation of the status, in a sentence."),
        "lastTransitionTime": _described(_STRING, "Time when the status last changed."),
        "observedGeneration": _INTEGER,
    }
    schema = _map_list("What is true, what is not, and what to do about it.", ["type"], properties)
    schema["items"]["x-kubernetes-preserve-unknown-fields"] = True
    return schema


def _servers() -> Json:
    properties = {
        "name": _described(_STRING, "Name of the pod."),
        "version": _STRING,
        "ready": _BOOLEAN,
        "message": _described(_STRING, "What the server waits for, or what is wrong with it."),
        "volume": {
            "type": "object",
            "description": "Volume of the server, with JetStream.",
            "properties": {
                "claim": _described(_STRING, "Name of the PersistentVolumeClaim."),
                "size": _described(_STRING, "Size that the claim asks for."),
                "capacity": _described(_STRING, "Size of the volume."),
                "used": _described(
                    _STRING,
                    "Used bytes, updated when they change by 5 %. Empty if unknown: only the "
                    "sidecar of spec.pod.enableConfigReload can tell.",
                ),
                "usedPercent": _described(_INTEGER, "The same in percent; 0 if unknown."),
            },
        },
    }
    return _map_list("State of each server.", ["name"], properties)


def _certificates() -> Json:
    properties = {
        "listener": _described(_STRING, "Listener that presents the certificate."),
        "secret": _described(_STRING, "Secret that contains the certificate."),
        "notAfter": _described(_STRING, "Time when the certificate expires."),
    }
    return _map_list("Certificate of each encrypted listener.", ["listener"], properties)


def _groups() -> Json:
    return {
        "total": _described(_INTEGER, "Number of streams and consumers."),
        "healthy": _described(
            _INTEGER, "Those with a leader, all of their replicas, and copies that are the same."
        ),
        "short": _described(_INTEGER, "Those with fewer replicas than configured."),
        "leaderless": _described(_INTEGER, "Those without a leader."),
    }


def _jetstream() -> Json:
    properties = {
        "quorum": _described(_STRING, "ok, critical (see mustStay), lost or unknown."),
        "mustStay": {
            "type": "array",
            "description": "Servers without which a stream or consumer would lose its quorum.",
            "items": _STRING,
        },
        "metaLeader": _described(_STRING, "Leader of the meta group."),
        "groups": {
            "type": "object",
            "description": "Streams and consumers. Totals are updated when they change by 10 %.",
            "properties": _groups(),
        },
        "blocked": {
            "type": "array",
            "description": "What servers would wait for before a restart.",
            "items": {"type": "object", "required": ["why"], "properties": _blocked()},
        },
        "storage": _map_list("File store of each server.", ["server"], _storage()),
        "brokenBefore": {
            "type": "array",
            "description": "What was broken before servers began to restart. Only while they do.",
            "items": {"type": "object", "required": ["why"], "properties": _broken()},
        },
        "waiting": {
            "type": "object",
            "description": "Server that waits for its restart. Condition Progressing says why.",
            "properties": _waiting(),
        },
        "lent": {
            "type": "object",
            "description": "Reserve that is lent while a file store is at its limit.",
            "properties": _lent(),
        },
    }
    return {
        "type": "object",
        "description": "State of JetStream. Only with spec.jetstream.",
        "properties": properties,
    }


def _blocked() -> Json:
    return {
        "why": _described(_STRING, "Reason in one word, which is also the name of the override."),
        "message": _described(_STRING, "The same in a sentence."),
        "account": _STRING,
        "stream": _STRING,
        "consumer": _STRING,
        "server": _described(_STRING, "Name of the pod."),
        "since": _described(_STRING, "Time since when it is so, as far as natsctl has seen it."),
    }


def _broken() -> Json:
    return {
        "why": _described(_STRING, "Reason in one word."),
        "account": _STRING,
        "stream": _STRING,
        "consumer": _STRING,
        "server": _described(_STRING, "What the server calls itself."),
    }


def _waiting() -> Json:
    return {
        "server": _described(_STRING, "Name of the pod."),
        "since": _described(_STRING, "Time since when it waits."),
        "reported": _described(_INTEGER, "Minutes after which an event last reported it."),
    }


def _lent() -> Json:
    return {
        "limit": _described(_STRING, "Limit of the file store in bytes for the time being."),
        "since": _described(_STRING, "Time when it was raised."),
        "below": _described(
            _STRING, "Time since when no server needs it. It is taken back after ten minutes."
        ),
    }


def _storage() -> Json:
    return {
        "server": _described(_STRING, "Name of the pod."),
        "usedPercent": _described(
            _INTEGER, "Used percentage of the limit, updated when it changes by 5."
        ),
        "limit": _described(_STRING, "Limit of the file store in bytes."),
    }


def _accounts() -> Json:
    properties = {
        "namespace": _described(_STRING, "Namespace of the ServiceAccount."),
        "name": _described(_STRING, "Name of the ServiceAccount."),
        "user": _described(_STRING, "Name of its user in the cluster."),
        "secret": _described(_STRING, "Secret that contains its user name and token."),
    }
    return _map_list("ServiceAccounts that can connect.", ["namespace", "name"], properties)


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
