"""Which content of a config Secret was proven: only that is gone back to.

Beside what servers read, the Secret keeps under `previous.*` what was proven before. The annotation
`nats.io/proven` has the digest of what was proven last: of what servers read now, or of what is
kept. While it is neither's, somebody else wrote into the Secret, and nothing is gone back to.

A key that servers have no more, with which somebody could read old volumes, is not kept.

Without the annotation an earlier version of natsctl wrote the Secret, and what it kept counts.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec

from natsctl.model import names
from natsctl.model.slim import kept_data
from natsctl.model.store_files import is_boot_key, suffix_of

if TYPE_CHECKING:
    from natsctl.model.objects import Secret

KEPT: Final = "previous."
"""Begins the keys of what was proven before."""
LIMIT: Final = 1024 * 1024
"""Bytes that a Secret may have (API server validation)."""

Data = Mapping[str, str]


def current_content(data: Data | None) -> dict[str, str]:
    """What is not kept."""
    return {key: text for key, text in (data or {}).items() if not key.startswith(KEPT)}


def previous_content(data: Data | None) -> dict[str, str]:
    """What was there before, by its own keys."""
    entries = (data or {}).items()
    return {key.removeprefix(KEPT): text for key, text in entries if key.startswith(KEPT)}


def digest_of(data: Data) -> str:
    """Of a content, whole or as it is kept; as long as that of an object in `nats.io/applied`."""
    encoded = msgspec.json.encode(kept_data(data), order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:16]


def unnoted_proof(live: Secret) -> str | None:
    """The digest to note once the content of a config Secret is proven; None: nothing is to note.

    It is noted already, or an earlier version of natsctl wrote the Secret.
    """
    mark = live.metadata.annotation(names.PROVEN_ANNOTATION)
    content = digest_of(current_content(live.data))
    return None if mark in (None, content) else content


@attrs.frozen
class ConfigContent:
    """What a config Secret holds from now on; `proven` is its annotation (None: it has none)."""

    data: dict[str, str]
    proven: str | None


def first_content(data: Data) -> ConfigContent:
    """Of a new Secret: the servers are made with it, and there is nothing else to go back to."""
    return ConfigContent(dict(data), digest_of(data))


def next_content(live: Mapping[str, Any], data: Data) -> ConfigContent:
    """New data of a config Secret, and with it what was proven last, to go back to."""
    mark = (live["metadata"].get("annotations") or {}).get(names.PROVEN_ANNOTATION)
    now, before = current_content(live.get("data")), previous_content(live.get("data"))
    if now == data or not now or mark == digest_of(data):
        return _fitting(data, before, mark)
    kept = _without_old_keys(_last_proven(mark, now, before), data)
    return _fitting(data, kept, digest_of(kept) if kept else "")


def _last_proven(mark: str | None, now: Data, before: Data) -> Data:
    """Of what is there what the mark stands for; nothing if that is neither."""
    if mark is None or mark == digest_of(now):
        return now
    return before if mark == digest_of(before) else {}


def _without_old_keys(before: Data, data: Data) -> dict[str, str]:
    """Not the files of an encryption key that the new content lacks: no server starts with them.

    All are kept where both have none in common: that is no change of a key.
    """
    if not any(suffix_of(key) is not None for key in before.keys() & data.keys()):
        return dict(before)
    files = (key for key in before if suffix_of(key) is not None or is_boot_key(key))
    gone = set(files) - data.keys()
    return {key: text for key, text in before.items() if key not in gone}


def _fitting(data: Data, before: Data, mark: str | None) -> ConfigContent:
    """Both, or only the new one if the API server takes no more."""
    whole = {**data, **{KEPT + key: text for key, text in before.items()}}
    if sum(len(base64.b64decode(text)) for text in whole.values()) <= LIMIT:
        return ConfigContent(whole, mark)
    return ConfigContent(dict(data), mark and "")


def rollback_content(live: Mapping[str, Any]) -> dict[str, str] | None:
    """What servers read before the content that one of them refused; None: that stays.

    It stays if it was proven (what it refers to changed), or if nothing else was.
    """
    mark = (live["metadata"].get("annotations") or {}).get(names.PROVEN_ANNOTATION)
    now, before = current_content(live.get("data")), previous_content(live.get("data"))
    if mark is None:
        return before or None
    known = mark != digest_of(now) and mark == digest_of(before)
    return before if known else None
