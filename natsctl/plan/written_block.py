"""The JetStream block in the config Secret as it stands: what any server starts with."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import attrs

from natsctl.model import limits
from natsctl.render.config.jetstream import CIPHER, FILE, KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from natsctl.model.objects import Secret

_LONGEST: Final = 64 * 1024


@attrs.frozen
class StreamKey:
    """What servers encrypt with; empty: they do not."""

    key: str = attrs.field(default="", repr=False)
    cipher: str = ""


def block_of(secret: Secret | None) -> Mapping[str, Any]:
    """Empty if the configuration has no store, or is not one that natsctl wrote."""
    data = (secret.data if secret is not None else None) or {}
    if FILE not in data:
        return {}
    try:
        block = limits.load(base64.b64decode(data[FILE], validate=True), _LONGEST)
    except ValueError:
        return {}
    return block if isinstance(block, dict) else {}


def key_in(secret: Secret | None) -> StreamKey:
    """The key that a server would start with."""
    block = block_of(secret)
    match block.get(KEY), block.get(CIPHER):
        case str(key), str(cipher) if key:
            return StreamKey(key, cipher)
    return StreamKey()
