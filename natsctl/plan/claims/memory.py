"""What is remembered of the volumes that servers have had, wherever it is: one place may be lost.

The config Secret has the note, each claim a copy of it. What any of them tells counts: a Secret
that came back from a backup tells less than the claims, and claims that did, less than the Secret.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model import names
from natsctl.model.server_identity import origin
from natsctl.plan.claims.note import Note, Noted, parse_copy, parse_note, together
from natsctl.plan.claims.seals import Seals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from natsctl.model.objects import Secret
    from natsctl.plan.claims.live import LiveClaim

UNSEALED: Final = Seals()
"""Where the operator has no secret."""
READ: Final = 8
"""Copies that differ and are read: usually all say the same, and anybody may edit them."""


@attrs.frozen
class Memory:
    """All notes of a cluster.

    `note` is what they tell together; None: somebody edited that of the Secret. `written` is that
    of the Secret alone; None: there is none to be read. `copies` are those of claims that can be
    read, by their text. `is_copied`: what they tell is all that claims know. `is_sealed`: most are
    known to be natsctl's own, and nothing else is believed. `numbers` are those of such notes, by
    the text of a copy.
    """

    note: Note | None
    written: Note | None
    copies: Mapping[str, Note] = attrs.field(factory=dict)
    is_copied: bool = False
    is_sealed: bool = False
    seals: Seals = UNSEALED
    numbers: Mapping[str, int] = attrs.field(factory=dict)

    def knows(self, index: int, uid: str) -> bool:
        """Whether it is noted anywhere that the server has had the claim with this uid."""
        notes = (self.written or {}, *self.copies.values())
        entries = [note.get(index) for note in notes]
        return any(entry is not None and entry.is_of(uid) for entry in entries)

    def is_left(self, index: int, claim: LiveClaim) -> bool:
        """Whether nothing tells of the server, its own copy neither: what is stored counts nowhere.

        A server starts only once the copy on its claim tells of it, and that is taken back only
        when the server is proven to have left empty.
        """
        told = self.copies.get(claim.copy)
        entries = [note.get(index) for note in (self.note or {}, told or {})]
        return (told is not None or self.is_sealed) and not any(entries)

    def seal(self, text: str) -> str:
        """That of a copy with this text: the latest one stays what it is."""
        latest = max(self.numbers.values(), default=0)
        same = latest > 0 and self.numbers.get(text) == latest
        return self.seals.seal(latest if same else latest + 1, text)


Place = tuple[str, str]
"""The text of a copy, and its seal."""


def memory_of(
    uid: str,
    noted: Place | None,
    claims: Mapping[int, LiveClaim],
    seals: Seals = UNSEALED,
) -> Memory:
    """What the Secret and the claims tell that nobody else controls; `uid` is the NatsCluster's.

    `noted` is the Secret's annotation and its seal, if there is any.
    """
    own = [(claim.copy, claim.seal) for claim in claims.values() if claim.is_free]
    secret = [(f"{origin(uid)}:{noted[0]}", noted[1])] if noted else []
    places = Counter([*secret, *(place for place in own if place[0])])
    found = ((place, seals.number(*place)) for place in places)
    proven = {place: number for place, number in found if number}
    is_sealed = 2 * sum(places[place] for place in proven) > places.total()
    numbers = {text: proven[text, seal] for text, seal in sorted(proven, key=proven.__getitem__)}
    made = _together(uid, noted, [text for text, _ in own if text], numbers, is_sealed=is_sealed)
    return attrs.evolve(made, is_sealed=is_sealed, seals=seals, numbers=numbers)


def _together(
    uid: str,
    noted: Place | None,
    copies: Iterable[str],
    numbers: Mapping[str, int],
    *,
    is_sealed: bool,
) -> Memory:
    """What counts: all that can be read, or what is sealed, the latest first."""

    def rank(text: str) -> int:
        return numbers.get(text, 0) if is_sealed else 1

    texts = sorted((t for t in dict.fromkeys(copies) if rank(t)), key=rank, reverse=True)
    parsed = {text: parse_copy(text, uid) for text in texts[:READ]}
    read = {text: note for text, note in parsed.items() if note is not None}
    of_secret = rank(f"{origin(uid)}:{noted[0]}") if noted else 0
    written = parse_note(noted[0]) if noted and of_secret else None
    if noted and written is None and not is_sealed:
        return Memory(None, None, read, is_copied=bool(read) and len(texts) <= READ)
    ranked = [(of_secret, written or {}), *((rank(text), note) for text, note in read.items())]
    note = dict[int, Noted]()
    for number in sorted({number for number, _ in ranked}, reverse=True):
        note = together([each for rank_, each in ranked if rank_ == number]) | note
    return Memory(note, written, read, is_copied=bool(read) and len(texts) <= READ)


def noted_on(secret: Secret | None) -> Place | None:
    """What is noted on the config Secret."""
    text = secret.metadata.annotation(names.CLAIMS_ANNOTATION) if secret is not None else None
    return (text, seal_on(secret)) if secret is not None and text else None


def seal_on(secret: Secret) -> str:
    """The seal of that; empty: none."""
    return secret.metadata.annotation(names.CLAIMS_SEAL_ANNOTATION) or ""
