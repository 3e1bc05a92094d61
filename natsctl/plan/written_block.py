"""The JetStream block in the config Secret as it stands: what any server starts with."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from natsctl.model import limits
from natsctl.model.store_files import suffix_of
from natsctl.render.config.jetstream import CIPHER, FILE, KEY

if TYPE_CHECKING:
    from natsctl.model.objects import Secret

_LONGEST: Final = 64 * 1024


@attrs.frozen
class StreamKey:
    """What servers encrypt with; empty: they do not."""

    key: str = attrs.field(default="", repr=False)
    cipher: str = ""


Keys = Mapping[str, StreamKey]
"""By the suffix of the files with it (`natsctl.model.store_files`)."""


def block_of(secret: Secret | None, file: str = FILE) -> Mapping[str, Any]:
    """Empty if the configuration has no store, or is not one that natsctl wrote."""
    data = (secret.data if secret is not None else None) or {}
    if file not in data:
        return {}
    try:
        block = limits.load(base64.b64decode(data[file], validate=True), _LONGEST)
    except ValueError:
        return {}
    return block if isinstance(block, dict) else {}


def any_block_of(secret: Secret | None) -> Mapping[str, Any]:
    """One of the blocks, which differ in nothing but their keys; empty if there is none."""
    return next((block for file in _files(secret) if (block := block_of(secret, file))), {})


def has_block(secret: Secret) -> bool:
    """Whether servers start with JetStream."""
    return bool(_files(secret))


def keys_in(secret: Secret | None) -> Keys:
    """The keys that servers would start with. One that does not encrypt has an empty one."""
    blocks = {suffix: block_of(secret, file) for file, suffix in _files(secret).items()}
    return {suffix: _key_in(block) for suffix, block in blocks.items() if block}


def _files(secret: Secret | None) -> dict[str, str]:
    """By name, the suffix of each that has a block of JetStream."""
    data = (secret.data if secret is not None else None) or {}
    suffixes = ((file, suffix_of(file)) for file in sorted(data))
    return {file: suffix for file, suffix in suffixes if suffix is not None}


def _key_in(block: Mapping[str, Any]) -> StreamKey:
    match block.get(KEY), block.get(CIPHER):
        case str(key), str(cipher) if key:
            return StreamKey(key, cipher)
    return StreamKey()
