"""The seal of a note of volumes: proof that natsctl wrote it, and which of several is the latest.

Anybody may write on claims. A note that somebody edited must not have natsctl write to all others,
nor make it believe anything, as long as most notes are known to be natsctl's own.

The text is `17.0f8fad5bd9cb469fa16570867728950e`: a number that is higher for each other note, and
a keyed digest of it, the note, and the NatsCluster's namespace and name: claims outlive it, and the
next one of that name is to know what natsctl wrote for it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

import attrs

_PURPOSE: Final = b"natsctl notes of volumes"
_SEAL: Final = re.compile(r"([1-9][0-9]{0,8})\.([0-9a-f]{32})", re.ASCII)
_DIGITS: Final = 32


@attrs.frozen
class Seals:
    """Those of one NatsCluster; without a key nothing can be sealed, and nothing is."""

    key: bytes = attrs.field(default=b"", repr=False)
    place: str = ""

    def seal(self, number: int, text: str) -> str:
        """The annotation beside a note with this text."""
        return f"{number}.{self._digest(number, text)}" if self.key else ""

    def number(self, text: str, seal: str) -> int:
        """That of a note that natsctl wrote; 0: it did not, or with another key."""
        found = _SEAL.fullmatch(seal) if self.key else None
        if found is None or not hmac.compare_digest(found[2], self._digest(int(found[1]), text)):
            return 0
        return int(found[1])

    def _digest(self, number: int, text: str) -> str:
        sealed = f"{self.place}\n{number}\n{text}".encode(errors="replace")
        return hmac.new(self.key, sealed, hashlib.sha256).hexdigest()[:_DIGITS]


def seals_of(pepper: bytes, namespace: str, cluster: str) -> Seals:
    """By the operator's secret; empty where it has none."""
    key = hmac.new(pepper, _PURPOSE, hashlib.sha256).digest() if pepper else b""
    return Seals(key, f"{namespace}/{cluster}")
