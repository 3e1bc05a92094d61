"""The entries of a pod's revision that its server's data depends on."""

from collections.abc import Mapping
from typing import Any, Final

from natsctl.api.effects import Cost
from natsctl.api.schema.spec_fields import spec_fields
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.render.revision.pod_inputs import reaching_fields
from natsctl.render.revision.revision import (
    STORE_FILE,
    STREAM_KEY,
    STREAMS,
    entries_of,
    hashed,
    streams_entry,
)

SYSTEM_ACCOUNT: Final = "operatorConfig.systemAccount"
"""What streams there are is stored under its name; without streams it may change."""
CLUSTER_NAME: Final = "clusterName"
ENCRYPTION: Final = f"{STREAMS}.encryption"
ENCRYPTION_FIELDS: Final = tuple(f"{ENCRYPTION}.{name}" for name in ("secret", "key", "cipher"))
"""Set together, or not at all."""
_STORED: Final = (Cost.IMMUTABLE, Cost.REPLACEMENT)
OF_KEYS: Final = frozenset({STREAM_KEY, STORE_FILE, *ENCRYPTION_FIELDS})
"""Entries that differ where servers have different keys."""
DATA_FIELDS: Final = (
    *(path for path, field in spec_fields().items() if field.effect.cost in _STORED),
    SYSTEM_ACCOUNT,
)
_ENTRIES: Final = frozenset({STREAMS, *DATA_FIELDS})


def data_entries(spec: NatsClusterSpec) -> dict[str, str]:
    """Those of pods made for this spec; empty if their servers store no streams."""
    if spec.jetstream is None:
        return {}
    fields = dict(reaching_fields(spec)) | {STREAMS: streams_entry(spec)}
    return {path: hashed(value) for path, value in fields.items() if path in _ENTRIES}


def identity_of(spec: NatsClusterSpec | None) -> dict[str, Any]:
    """Path -> what data depends on, as it is; empty if servers store no streams."""
    if spec is None or spec.jetstream is None:
        return {}
    return {
        STREAMS: streams_entry(spec),
        **{path: spec_fields()[path].value(spec) or None for path in DATA_FIELDS},
        CLUSTER_NAME: spec.cluster_name or None,
    }


def stored_entries(annotation: str | None) -> Mapping[str, str]:
    """Those of a pod's annotation; empty if its server stores no streams."""
    entries = entries_of(annotation)
    if STREAMS not in entries:
        return {}
    return {path: digest for path, digest in entries.items() if path in _ENTRIES}


def stored_key(annotation: str | None) -> str | None:
    """The digest of the key that a pod's server encrypts its streams with; None without any."""
    return entries_of(annotation).get(STREAM_KEY)
