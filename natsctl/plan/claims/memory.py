"""What is remembered of the volumes that servers have had, wherever it is: one place may be lost.

The config Secret has the note, each claim a copy of it. What any of them tells counts: a Secret
that came back from a backup tells less than the claims, and claims that did, less than the Secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model import names
from natsctl.plan.claims.note import Note, parse_copy, parse_note, together

if TYPE_CHECKING:
    from natsctl.model.objects import PersistentVolumeClaim

READ: Final = 8
"""Copies that differ and are read: usually all say the same, and anybody may edit them."""


@attrs.frozen
class Memory:
    """All notes of a cluster.

    `note` is what they tell together; None: somebody edited that of the Secret. `written` is that
    of the Secret alone; None: there is none to be read. `copies` are those of claims that can be
    read, by their text. `is_copied`: what they tell is all that claims know.
    """

    note: Note | None
    written: Note | None
    copies: Mapping[str, Note] = attrs.field(factory=dict)
    is_copied: bool = False

    def knows(self, index: int, uid: str) -> bool:
        """Whether it is noted anywhere that the server has had the claim with this uid."""
        notes = (self.written or {}, *self.copies.values())
        entries = [note.get(index) for note in notes]
        return any(entry is not None and entry.is_of(uid) for entry in entries)

    def is_left(self, index: int, claim: PersistentVolumeClaim) -> bool:
        """Whether nothing tells of the server, its own copy neither: what is stored counts nowhere.

        A server starts only once the copy on its claim tells of it, and that is taken back only
        when the server is proven to have left empty.
        """
        told = self.copies.get(copy_of(claim))
        entries = [note.get(index) for note in (self.note or {}, told or {})]
        return told is not None and not any(entries)


def memory_of(uid: str, noted: str | None, claims: Mapping[int, PersistentVolumeClaim]) -> Memory:
    """What the Secret's annotation and those of the claims tell; `uid` is the NatsCluster's."""
    own = (copy_of(claim) for claim in claims.values() if is_free(claim, uid))
    texts = dict.fromkeys(text for text in own if text)
    copies = {text: parse_copy(text, uid) for text in islice(texts, READ)}
    read = {text: note for text, note in copies.items() if note is not None}
    written = parse_note(noted) if noted else None
    note = None if noted and written is None else together((written or {}, *read.values()))
    return Memory(note, written, read, is_copied=bool(read) and len(texts) <= READ)


def copy_of(claim: PersistentVolumeClaim) -> str:
    """The copy that a claim has; empty: none."""
    return claim.metadata.annotation(names.CLAIMS_ANNOTATION) or ""


def is_free(claim: PersistentVolumeClaim, uid: str) -> bool:
    """Whether nobody but the NatsCluster with this uid controls a claim.

    What an earlier one controls goes with it, and all that was known of it may go, too.
    """
    owner = claim.metadata.controller
    return owner is None or owner.uid == uid
