"""The jetstream block: where servers store streams, and how much.

It is a file of its own, which server.conf includes: where the store is, only the environment of a
pod tells. A server whose pod has no volume yet refuses to reload such a configuration, and goes on
without JetStream. (Read: nats-server would start JetStream with the reload, wherever it may write.)

The key is in the configuration, and not a reference to the user's Secret: a container that starts
again would take up whatever is there by then.
"""

from collections.abc import Iterator
from typing import Any, Final

from natsctl.api.fields import Json
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.jetstream import (
    MOST_SHARE,
    FileStore,
    JetStream,
    Limits,
    default_share,
    most_size,
    stores_files,
    volume_size,
)
from natsctl.model import names
from natsctl.model.quantity import parse_bytes
from natsctl.model.store_files import store_file
from natsctl.render.target import Target

BLOCK: Final = "jetstream"
FILE: Final = names.JETSTREAM_KEY
"""Key of the Secret, next to server.conf. Those of further keys: `natsctl.model.store_files`."""
FILE_LIMIT, MEMORY_LIMIT = "max_file_store", "max_memory_store"
KEY, CIPHER = "key", "cipher"


def is_standalone(spec: NatsClusterSpec) -> bool:
    """Whether the only server has no cluster, not even one of its own.

    Measured, 2.9.25 to 2.15.3: one that has never gets a leader of its streams.
    """
    return spec.jetstream is not None and spec.size == 1


def jetstream_block(target: Target) -> Json:
    """What all servers have in common; empty without JetStream."""
    jetstream = target.spec.jetstream
    if jetstream is None:
        return {}
    encryption = jetstream.encryption
    given: dict[str, Any] = {
        "domain": jetstream.domain,
        "unique_tag": jetstream.unique_tag,
        "sync_interval": jetstream.sync_interval,
        CIPHER: encryption.cipher if encryption else None,
        KEY: target.inputs.jetstream_key if encryption else None,
        "limits": _limits(jetstream.limits or Limits()),
    }
    return {
        FILE_LIMIT: file_limit(target, jetstream),
        MEMORY_LIMIT: max(wanted_memory_limit(jetstream), target.inputs.kept_memory),
        **{key: value for key, value in given.items() if value},
    }


def jetstream_files(target: Target) -> dict[str, Json]:
    """Key of the Secret -> block, as `boot.advertised_blocks`."""
    block = jetstream_block(target)
    return {store_file(target.inputs.suffix): block} if block else {}


def jetstream_lines(target: Target) -> Iterator[str]:
    """What server.conf says of it."""
    if target.spec.jetstream is not None:
        yield from (
            f"{BLOCK} {{",
            f'include "{store_file(target.inputs.suffix)}"',
            f"store_dir: ${names.STORE_DIR_ENV}",
            "}",
        )


def loaded_jetstream(target: Target) -> Json:
    """The block as a server has it that was started in its pod."""
    block = jetstream_block(target)
    return {BLOCK: {**block, "store_dir": names.STORE_DIR}} if block else {}


def file_limit(target: Target, jetstream: JetStream) -> int:
    """Bytes that streams may take on disk; 0: none may be there."""
    inputs = target.inputs
    share = inputs.share or default_share(target.version)
    wanted = wanted_file_limit(jetstream, share, inputs.capacity)
    return max(wanted, inputs.kept_file, inputs.lent_file)


def wanted_file_limit(jetstream: JetStream, share: int, capacity: int) -> int:
    """The same before it is known what servers store.

    As the spec says, or `share` per cent of the volume: so many that no disk gets full. A volume
    that is smaller than the spec asks for, because it still has to grow, counts as it is.
    """
    if not stores_files(jetstream):
        return 0
    given = (jetstream.file_store or FileStore()).max_size
    if given:
        return min(parse_bytes(given), most_file_limit(jetstream, capacity))
    return volume_bytes(jetstream, capacity) * share // 100


def most_file_limit(jetstream: JetStream, capacity: int) -> int:
    """The highest limit that a spec may set for these volumes."""
    return volume_bytes(jetstream, capacity) * MOST_SHARE // 100


def volume_bytes(jetstream: JetStream, capacity: int) -> int:
    """Bytes of each; what is there counts where the spec asks for more, or for no store on disk.

    And where volumes may have grown to more than the spec asks for.
    """
    if capacity and not stores_files(jetstream):
        return capacity
    return min(parse_bytes(most_size(jetstream)), capacity or parse_bytes(volume_size(jetstream)))


def wanted_memory_limit(jetstream: JetStream) -> int:
    """Bytes that streams may take in memory, before it is known what servers store."""
    return parse_bytes(jetstream.memory_store.max_size) if jetstream.memory_store else 0


def _limits(limits: Limits) -> Json:
    given = {
        "max_ack_pending": limits.max_ack_pending,
        "max_ha_assets": limits.max_ha_assets,
        "max_request_batch": limits.max_request_batch,
        "duplicate_window": limits.duplicate_window,
    }
    return {key: value for key, value in given.items() if value}
