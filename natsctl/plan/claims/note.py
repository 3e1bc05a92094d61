"""Which servers have had a volume: noted on the config Secret, and copied to each claim.

A claim that is missing was never there, or somebody deleted it with all data. Nothing but these
notes tells the two apart. They are written after a claim was made and before a server starts with
it, so whatever dies in between, a volume that was used is noted, and one that is noted was there.

The text is `1=0f8fad,2=5c1e77@77aa00bb`: index, the first of the claim's uid, and where the server
has the name of an earlier NatsCluster, what that tells of it. `none` says that no server has had a
volume: no note at all does not say that, since anybody may delete it. A server of which nobody
knows what it had is noted, too: `3=new`. A copy begins with what names of servers tell of the
NatsCluster that wrote it (`77aa00bb:1=0f8fad`): claims outlive it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from natsctl.model.names import MAX_SIZE
from natsctl.model.server_identity import is_origin, origin

NEW: Final = "new"
"""Stands for the claim of a server of which nobody knows what it had."""
NONE: Final = "none"
"""The note while no server has had a volume."""
_UNIQUE: Final = 6
_ENTRY: Final = re.compile(r"([1-9][0-9]{0,2})=([-a-z0-9]{1,6})(?:@([-a-z0-9]{1,8}))?", re.ASCII)


@attrs.frozen
class Noted:
    """A volume that a server has had: the first of its claim's uid, or `NEW`.

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
    found = ",".join(f"{i}={n.claim}{f'@{n.origin}' if n.origin else ''}" for i, n in entries)
    return found or NONE


def parse_note(text: str) -> dict[int, Noted] | None:
    """What is noted; None if somebody edited it so that nobody can tell."""
    if text == NONE:
        return {}
    parts = text.split(",", MAX_SIZE)
    found = [_ENTRY.fullmatch(part) for part in parts]
    entries = {int(m[1]): Noted(m[2], m[3] or "") for m in found if m is not None}
    return entries if len(entries) == len(parts) else None


def copy_text(uid: str, note: Note) -> str:
    """The annotation of a claim; `uid` is the NatsCluster's."""
    return f"{origin(uid)}:{note_text(note)}"


def parse_copy(text: str, uid: str) -> dict[int, Noted] | None:
    """What a copy tells the NatsCluster with this uid; None if somebody edited it."""
    author, _, told = text.partition(":")
    note = parse_note(told) if is_origin(author) else None
    if note is None or author == origin(uid):
        return note
    named = {index: entry.origin or author for index, entry in note.items()}
    own = {index: "" if name == origin(uid) else name for index, name in named.items()}
    return {index: attrs.evolve(entry, origin=own[index]) for index, entry in note.items()}


def together(notes: Sequence[Note]) -> dict[int, Noted]:
    """What several notes tell: a server had a volume if any of them says so.

    Of names the first counts. Where they differ in the claim, one of them is of an earlier loss,
    and nobody knows which: what stands for all of them is the claim of none, so that nothing which
    a user once said of any of them means this loss.
    """
    entries: dict[int, list[Noted]] = {}
    for note in notes:
        for index, entry in note.items():
            entries.setdefault(index, []).append(entry)
    return {index: attrs.evolve(told[0], claim=_claim(told)) for index, told in entries.items()}


def _claim(told: Sequence[Noted]) -> str:
    claims = sorted({entry.claim for entry in told})
    return claims[0] if len(claims) == 1 else beginning(_digest(claims))


def _digest(claims: Sequence[str]) -> str:
    return hashlib.sha256(",".join(claims).encode()).hexdigest()
