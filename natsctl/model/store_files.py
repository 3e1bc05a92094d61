"""Names of the files in the config Secret with which servers of one encryption key start.

While a new key is on its way, servers have different ones: each key has two files of its own, and
the pod of a server says which one it starts with. A suffix tells them apart. It comes of the key,
so that no file is ever given another key. The files of the first key have none.
"""

from __future__ import annotations

import re
from typing import Final

from natsctl.model.names import BOOT_KEY, JETSTREAM_KEY

FIRST: Final = ""
"""The suffix of the files that every NatsCluster begins with."""
PLAIN: Final = "plain"
"""That of servers that do not encrypt any more."""
_SUFFIX: Final = r"(?:-([0-9a-f]{10}|plain))?"
_STORE: Final = re.compile(rf"jetstream{_SUFFIX}\.json", re.ASCII)
_BOOT: Final = re.compile(rf"server{_SUFFIX}\.conf", re.ASCII)


def store_file(suffix: str) -> str:
    """Key of the Secret at which the block of JetStream is."""
    return _with(JETSTREAM_KEY, suffix)


def boot_key(suffix: str) -> str:
    """Key of the Secret at which the file is that such a server starts with."""
    return _with(BOOT_KEY, suffix)


def suffix_of(key: str) -> str | None:
    """The suffix of a key of the Secret at which a block of JetStream is; None: none is there."""
    match = _STORE.fullmatch(key)
    return match[1] or FIRST if match is not None else None


def is_boot_key(key: str) -> bool:
    """Whether servers start with what is at this key of the Secret."""
    return _BOOT.fullmatch(key) is not None


def _with(name: str, suffix: str) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem}-{suffix}.{ending}" if suffix else name
