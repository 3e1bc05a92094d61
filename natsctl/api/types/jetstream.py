"""What a NatsCluster says of JetStream: stores, their limits and their volumes.

The words are those of the official Helm chart, where it has one
(https://github.com/nats-io/k8s/tree/main/helm/charts/nats), else those of nats-server.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs
from attrs import frozen

from natsctl.api import native
from natsctl.api.effects import (
    GROWTH,
    IMMUTABLE,
    NONE,
    PARTS,
    RELOAD,
    REPLACEMENT,
    RESTART,
    VOLUMES,
)
from natsctl.api.fields import described
from natsctl.api.texts import DOMAIN, DURATION, QUANTITY, SECRET_KEY, TAG, object_name
from natsctl.api.types.server_config import INT32_MAX
from natsctl.api.version import ServerVersion

DEFAULT_SIZE: Final = "10Gi"
"""Of a volume; that of the Helm chart."""
META_SIZE: Final = "1Gi"
"""Of a volume that holds no streams: servers keep there who is a member, and what streams exist."""
SHARE: Final = 70
SHARE_BEFORE_2_10: Final = 15
MOST_SHARE: Final = 75
"""Of a volume, in percent: 1.28 times as much still fits (`default_share`)."""
CIPHERS: Final = ("chacha", "aes")
REPLACE: Final = "Replace"
IN_PLACE: Final = "InPlace"
FEWEST_TO_REPLACE: Final = 3
"""Servers of a cluster in which others can fill an empty volume, and streams go on meanwhile."""
RESIZE_POLICIES: Final = (IN_PLACE, REPLACE, "Manual")
RETENTION_POLICIES: Final = ("Retain", "Delete")
_OTHER_KEY: Final = REPLACEMENT.told_by("jetstream.key")
SIZE_FIELD: Final = "spec.jetstream.fileStore.pvc.size"
"""Where a NatsCluster says how large volumes are."""
MOST_FIELD: Final = "spec.jetstream.fileStore.growth.maxSize"
"""And how large they may become by themselves."""
ALWAYS: Final = "always"
"""Of `syncInterval`: after every write."""


def _limit(description: str) -> int | None:
    limit: int | None = described(
        description, default=None, minimum=1, maximum=INT32_MAX, effect=RELOAD.since(2, 15)
    )
    return limit


def _retention(when: str) -> str:
    policy: str = described(
        f"What happens to PersistentVolumeClaims when {when}.",
        default="Retain",
        enum=RETENTION_POLICIES,
        effect=NONE,
    )
    return policy


@frozen
class Pvc:
    """The PersistentVolumeClaim of each server."""

    size: str = described("Size of the volume.", default=DEFAULT_SIZE, text=QUANTITY, effect=GROWTH)
    storage_class_name: str | None = object_name(
        "StorageClass",
        "StorageClass of the volume. Defaults to that of Kubernetes.",
        effect=VOLUMES,
    )


@frozen
class VolumeGrowth:
    """How volumes grow by themselves."""

    max_size: str = described("Size up to which each volume grows.", text=QUANTITY, effect=GROWTH)
    threshold_percent: int = described(
        "How full a store or a volume may be, in percent, before the volumes grow.",
        default=75,
        minimum=50,
        maximum=90,
        effect=GROWTH,
    )
    step_percent: int = described(
        "How much volumes grow in one step, in percent of their size.",
        default=25,
        minimum=10,
        maximum=100,
        effect=NONE,
    )


@frozen
class FileStore:
    """Streams on disk."""

    pvc: Pvc | None = described(
        "The PersistentVolumeClaim of each server.", default=None, effect=PARTS
    )
    volume_claim_template: Mapping[str, Any] | None = described(
        "Template for the PersistentVolumeClaims.",
        default=None,
        native=native.VOLUME_CLAIM_TEMPLATE,
        kind="PersistentVolumeClaimTemplate",
        effect=VOLUMES,
    )
    max_size: str | None = described(
        "Maximum number of bytes that streams use on each server. Defaults to 70 % of the volume, "
        "and to 15 % below 2.10, which needs more space than it counts.",
        default=None,
        text=QUANTITY,
        # Entry of the bytes that come of it, or of the volume's size. Servers take a higher limit
        # up by a reload, and refuse a lower one: then they restart.
        effect=RELOAD.since(2, 12).told_by("jetstream.fileStore.maxSize"),
    )
    resize_policy: str = described(
        "How volumes change: in place; in place, or, where the StorageClass cannot grow or the "
        "encryption changes, by replacing them one at a time with empty ones, which the other "
        "servers fill; or not by the operator.",
        default=IN_PLACE,
        enum=RESIZE_POLICIES,
        effect=NONE,
    )
    growth: VolumeGrowth | None = described(
        "Let volumes grow by themselves, in place, before a store or a disk is full. Not together "
        "with maxSize.",
        default=None,
        effect=PARTS,
    )


@frozen
class MemoryStore:
    """Streams in memory."""

    max_size: str = described(
        "Maximum number of bytes that streams in memory use on each server.",
        text=QUANTITY,
        effect=RELOAD.since(2, 12),
    )


@frozen
class Encryption:
    """Encryption of what servers store."""

    secret: str = object_name(
        "Secret",
        "Secret that contains the key. Keep a copy: without it, the data is lost.",
        default=attrs.NOTHING,
        effect=_OTHER_KEY,
    )
    key: str = described(
        "Key of the Secret at which the encryption key is: 16 to 1024 printable characters.",
        default="key",
        text=SECRET_KEY,
        effect=_OTHER_KEY,
    )
    cipher: str = described(
        "Cipher that data is encrypted with.", default=CIPHERS[0], enum=CIPHERS, effect=REPLACEMENT
    )


@frozen
class Limits:
    """Limits of streams and consumers."""

    max_ack_pending: int | None = _limit(
        "Maximum number of messages that a consumer may leave unacknowledged."
    )
    max_ha_assets: int | None = _limit(
        "Maximum number of replicated streams and consumers per server."
    )
    max_request_batch: int | None = _limit(
        "Maximum number of messages that one request of a consumer may ask for."
    )
    duplicate_window: str | None = described(
        'Maximum time in which a stream detects duplicates, as a Go duration such as "2m".',
        default=None,
        text=DURATION,
        effect=RELOAD.since(2, 15),
    )


@frozen
class JetStream:
    """Streams that the servers store."""

    domain: str | None = described(
        "Name of this JetStream among those that leaf nodes connect to each other.",
        default=None,
        text=DOMAIN,
        effect=IMMUTABLE,
    )
    file_store: FileStore | None = described("Streams on disk.", default=None, effect=PARTS)
    memory_store: MemoryStore | None = described(
        "Streams in memory. If it is the only store, there is none on disk.",
        default=None,
        effect=PARTS,
    )
    encryption: Encryption | None = described(
        "Encryption of what servers store. To add, change or remove it afterwards, set "
        "fileStore.resizePolicy to Replace.",
        default=None,
        effect=PARTS,
    )
    unique_tag: str | None = described(
        "Beginning of a tag of which no two replicas of a stream may have the same, such as "
        '"zone:". The tag has to come from a label in serverTagsFromNode.',
        default=None,
        text=TAG,
        effect=RESTART,
    )
    limits: Limits | None = described(
        "Limits of streams and consumers.", default=None, effect=PARTS
    )
    sync_interval: str | None = described(
        'How often servers sync to disk, as a Go duration such as "2m", or "always". From 2.10 on.',
        default=None,
        text=DURATION,
        effect=RESTART,
    )


@frozen
class PersistentVolumeClaimRetentionPolicy:
    """What happens to PersistentVolumeClaims that are no longer needed."""

    when_deleted: str = _retention("the NatsCluster is deleted")
    when_scaled: str = _retention("their servers are removed")


def stores_files(jetstream: JetStream) -> bool:
    """Whether streams may be on disk: unless there is a store in memory and no other."""
    return jetstream.file_store is not None or jetstream.memory_store is None


def resize_policy(jetstream: JetStream) -> str:
    """What becomes of volumes that are not as the spec wants them."""
    return (jetstream.file_store or FileStore()).resize_policy


def replaces_volumes(jetstream: JetStream | None, size: int) -> bool:
    """Whether volumes may be replaced with empty ones, which the other servers fill.

    What they are encrypted with can change then.
    """
    replaced = jetstream is not None and resize_policy(jetstream) == REPLACE
    return replaced and size >= FEWEST_TO_REPLACE


def default_share(version: ServerVersion) -> int:
    """How much of a volume streams take at most, unless the spec says it: per cent.

    Measured, 8 KB messages in a stream that drops its oldest: the disk has up to 1.28 times what
    servers count, and up to 5.2 times below 2.10. A full disk costs a server its JetStream until it
    restarts, and 2.9 its data.
    """
    return SHARE if version.at_least(2, 10) else SHARE_BEFORE_2_10


def volume_size(jetstream: JetStream) -> str:
    """The size of each server's volume as the spec asks for it: a quantity."""
    if not stores_files(jetstream):
        return META_SIZE
    return ((jetstream.file_store or FileStore()).pvc or Pvc()).size


def volume_growth(jetstream: JetStream) -> VolumeGrowth | None:
    """How volumes grow by themselves; None: they do not."""
    return jetstream.file_store.growth if jetstream.file_store is not None else None


def most_size(jetstream: JetStream) -> str:
    """The largest size of each server's volume that the spec allows: a quantity."""
    growth = volume_growth(jetstream)
    return growth.max_size if growth is not None else volume_size(jetstream)
