"""Which servers have had a volume: noted on the config Secret, where it outlives every claim.

A claim that is missing was never there, or somebody deleted it with all data. Nothing but this note
tells the two apart. It is written after a claim was made and before a server starts with it, so
whatever dies in between, a volume that was used is noted, and one that is noted was there.

The text is `1=0f8fad,2=5c1e77@77aa00bb`: index, the first of the claim's uid, and where the server
has the name of an earlier NatsCluster, what that tells of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from natsctl.model.names import MAX_SIZE

_UNIQUE: Final = 6
_ENTRY: Final = re.compile(r"([1-9][0-9]{0,2})=([-a-z0-9]{1,6})(?:@([-a-z0-9]{1,8}))?", re.ASCII)


@attrs.frozen
class Noted:
    """A volume that a server has had: the first of its claim's uid.

    `origin` is that of the NatsCluster that named the server (`server_identity.origin`); empty:
    this very one.
    """

    claim: str
    origin: str = ""

    def is_of(self, uid: str) -> bool:
        """Whether it is the claim with this uid."""
        return self.claim == beginning(uid)


Note = Mapping[int, Noted]
"""By the server's index."""


def beginning(uid: str) -> str:
    """As much of a claim's uid as is noted."""
    return uid[:_UNIQUE]


def note_text(note: Note) -> str:
    """The annotation."""
    entries = sorted(note.items())
    return ",".join(f"{i}={n.claim}{f'@{n.origin}' if n.origin else ''}" for i, n in entries)


def parse_note(text: str | None) -> dict[int, Noted] | None:
    """What is noted; None if somebody edited it so that nobody can tell."""
    parts = text.split(",") if text else []
    found = [_ENTRY.fullmatch(part) for part in parts[:MAX_SIZE]]
    entries = {int(m[1]): Noted(m[2], m[3] or "") for m in found if m is not None}
    return entries if len(entries) == len(parts) else None
