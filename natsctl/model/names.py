"""Names that are part of the contract with users: the API group, labels, ports, object names."""

import re
from typing import Final

GROUP: Final = "nats.io"
VERSION: Final = "v1alpha2"
API_VERSION: Final = f"{GROUP}/{VERSION}"

KIND_CLUSTER: Final = "NatsCluster"
KIND_ROLE: Final = "NatsServiceRole"
PLURAL_CLUSTERS: Final = "natsclusters"
PLURAL_ROLES: Final = "natsserviceroles"

LABEL_APP: Final = "app"
APP: Final = "nats"
LABEL_CLUSTER: Final = "nats_cluster"
LABEL_CLUSTER_NAMESPACE: Final = "nats.io/cluster-namespace"
LABEL_VERSION: Final = "nats_version"
LABEL_K8S_NAME: Final = "app.kubernetes.io/name"
LABEL_K8S_INSTANCE: Final = "app.kubernetes.io/instance"
LABEL_K8S_COMPONENT: Final = "app.kubernetes.io/component"
LABEL_K8S_VERSION: Final = "app.kubernetes.io/version"
LABEL_K8S_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "natsctl"

ANNOTATION_VERSION: Final = "nats.version"
REVISION_ANNOTATION: Final = "nats.io/revision"
CONFIG_ANNOTATION: Final = "nats.io/config"
KUBELET_SYNCS_ANNOTATION: Final = "nats.io/nudges"
REFUSED_ANNOTATION: Final = "nats.io/refused"
OPERATOR_ANNOTATION: Final = "nats.io/operator"
PROVEN_ANNOTATION: Final = "nats.io/proven"
DROPPED_ANNOTATION: Final = "nats.io/dropped-fields"
APPLIED_ANNOTATION: Final = "nats.io/applied"
CLAIMS_ANNOTATION: Final = "nats.io/claims"
"""On the config Secret, and as a copy on each volume's claim: who has had a volume, and which."""
CLAIMS_SEAL_ANNOTATION: Final = "nats.io/claims-seal"
"""Next to it: that natsctl wrote it, and which of several is the latest."""
DEPARTED_ANNOTATION: Final = "nats.io/departed"
"""On the config Secret: the servers that held nothing when they left, and their names."""
DEPARTED_VOLUMES_ANNOTATION: Final = "nats.io/departed-volumes"
"""Next to it: the claims that these left with, if they are to be deleted, by their whole uids."""
REPLACING_ANNOTATION: Final = "nats.io/replacing"
"""On the config Secret: the volume that an empty one is to replace, and when its server stopped."""
CLUSTER_UID_ANNOTATION: Final = "nats.io/cluster-uid"
"""On a volume's claim: the NatsCluster that uses it."""
SERVER_NAME_ANNOTATION: Final = "nats.io/server-name"
"""On a volume's claim: what the server called itself whose data it holds."""
DATA_ANNOTATION: Final = "nats.io/data"
"""On a volume's claim: what the data on it depends on."""
KEY_ANNOTATION: Final = "nats.io/encryption-key"
"""On a NatsCluster: which key its user says is that of its data, where nothing else tells."""
NEW_VOLUME_ANNOTATION: Final = "nats.io/new-volume"
"""On a NatsCluster: which lost volume an empty one may replace."""
REPLACES_ANNOTATION: Final = "nats.io/replaces"
"""On a volume's claim, until its server has run: the lost one that it is there instead of."""
RESTORED_ANNOTATION: Final = "nats.io/restored"
"""On a volume's claim, with the beginning of its uid: its user says that the data is on it."""
GROWN_ANNOTATION: Final = "nats.io/grown"
"""On a volume's claim: when natsctl last had it ask for another size."""
SCHEMA_REVISION_ANNOTATION: Final = "nats.io/schema-revision"

BOUND_TOKEN_SUFFIX: Final = "-bound-token"
"""Of a Secret with the token of a ServiceAccount."""

CLIENT_PORT: Final = 4222
CLUSTER_PORT: Final = 6222
MONITORING_PORT: Final = 8222
METRICS_PORT: Final = 7777
VOLUME_PORT: Final = 7778
"""Where the reloader of a server with a store tells how full its volume is."""

CONFIG_KEY: Final = "nats.conf"
BOOT_KEY: Final = "server.conf"
JETSTREAM_KEY: Final = "jetstream.json"
OPERATOR_KEY: Final = "op.jwt"
CONFIG_DIR: Final = "/etc/nats-config"
PID_DIR: Final = "/var/run/nats"
STORE_DIR: Final = "/data"
"""Servers make their folder `jetstream` in it."""
PID_FILE: Final = f"{PID_DIR}/nats.pid"

SERVER_CONTAINER: Final = "nats"
RELOADER: Final = "reloader"
METRICS: Final = "metrics"
BOOTCONFIG: Final = "bootconfig"
SERVER_NAME_ENV: Final = "SERVER_NAME"
STORE_DIR_ENV: Final = "JETSTREAM_DIR"
WATCHED_DIR_ENV: Final = "NATSCTL_STORE_DIR"
"""Of the reloader: the store's folder as the server sees it. Images of others ignore it."""
CONFIG_VOLUME: Final = "nats-config"
PID_VOLUME: Final = "pid"
STORE_VOLUME: Final = "jetstream"

# `<name>-mgmt` is a Service and `<name>-999` a host name: both end at 63 characters.
MAX_CLUSTER_NAME: Final = 58
MAX_SIZE: Final = 999
NAME_PATTERN: Final = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
NAME_HELP: Final = (
    f"use a name of at most {MAX_CLUSTER_NAME} characters that starts with a letter, contains only "
    "lowercase letters, digits and hyphens, and does not end with a hyphen: Services and pods are "
    "named after the cluster"
)

# Names of objects and of namespaces, and values of labels, as the API server checks them.
_WORD: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
OBJECT_PATTERN: Final = rf"{_WORD}(\.{_WORD})*"
OBJECT_MAX: Final = 253
LABEL_PATTERN: Final = _WORD
LABEL_MAX: Final = 63
LABEL_WORD: Final = "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
LABEL_KEY_MAX: Final = OBJECT_MAX + 1 + LABEL_MAX

_OBJECT = re.compile(OBJECT_PATTERN, re.ASCII)
_LABEL = re.compile(LABEL_PATTERN, re.ASCII)
_LABEL_VALUE = re.compile(f"({LABEL_WORD})?", re.ASCII)


def is_object_name(text: str) -> bool:
    """Whether an object can have this name (a DNS subdomain, as most kinds want it)."""
    return len(text) <= OBJECT_MAX and _OBJECT.fullmatch(text) is not None


def is_namespace(text: str) -> bool:
    """Whether a namespace can have this name (a DNS label)."""
    return len(text) <= LABEL_MAX and _LABEL.fullmatch(text) is not None


def is_label_value(text: str) -> bool:
    """Whether a label can have this value."""
    return len(text) <= LABEL_MAX and _LABEL_VALUE.fullmatch(text) is not None


def management_service(cluster: str) -> str:
    """The name of the headless Service that gives every server its DNS name."""
    return f"{cluster}-mgmt"
