"""What users are told right before a step: what it takes away, and what somebody decided.

Each notice becomes an event before the step is carried out, not after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.plan.gates.notes import notes
from natsctl.plan.gates.verdict import Block, Purpose, Remark, Why
from natsctl.plan.gates.words import OVERRIDE, asset_text, lasting, some_of, text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from natsctl.model.jetstream import Asset
    from natsctl.plan.gates.case import Case

USED: Final = "OverrideUsed"
"""Reason of the event."""
MOST: Final = 8
"""Streams and consumers that are named; all of them are counted."""
_DOES: Final = {
    Purpose.RESTART: "restarts",
    Purpose.REPLACE: "gets an empty volume",
    Purpose.REMOVE: "leaves",
}
_HOW: Final = {Remark.ONE_COPY: "one replica", Remark.TWO_COPIES: "two replicas"}


@attrs.frozen
class Notice:
    """One event. `about` is the uid of what the step is about, such as a pod."""

    reason: str
    message: str
    about: str
    warning: bool = False


def unavailable(it: Case, server: str, uid: str) -> Iterator[Notice]:
    """What nobody can use while the target, whose pod is `server`, restarts."""
    found = [note for note in notes(it) if note.remark in _HOW]
    streams = {note.asset for note in found}
    texts = []
    for remark, how in _HOW.items():
        there = [note.asset for note in found if note.remark is remark and note.asset]
        if some := _some([one for one in there if not _goes_with(one, streams)]):
            texts.append(f"with {how}: {some}")
    if texts:
        said = f"while {server} restarts, these are not available: {'; '.join(texts)}"
        yield Notice("StreamsUnavailable", said, uid)


def overrides_used(
    let: Iterable[Block], server: str, uid: str, purpose: Purpose = Purpose.RESTART
) -> Iterator[Notice]:
    """What the server's step is done in spite of, by the override that lets it."""
    found = tuple(let)
    used = [why for why in Why if any(block.why is why for block in found)]
    if used:
        texts = "; ".join(f"{_blocks(why, found)} ({OVERRIDE}{why})" for why in used)
        said = f"{server} {_DOES[purpose]} although this would hold it up: {texts}"
        yield Notice(USED, said, uid, warning=True)


def decided_otherwise(override: str, said: str, about: str) -> Notice:
    """What is done only because this override says so."""
    return Notice(USED, f"{said} ({OVERRIDE}{override})", about, warning=True)


def _blocks(why: Why, found: Sequence[Block]) -> str:
    return ", ".join(some_of(text(lasting(block)) for block in found if block.why is why))


def _goes_with(asset: Asset, streams: Collection[Asset | None]) -> bool:
    """Whether it is a consumer whose stream is told already."""
    return bool(asset.consumer) and attrs.evolve(asset, consumer="") in streams


def _some(assets: Sequence[Asset]) -> str:
    """Streams first, by name; the rest as a number."""
    ordered = sorted(assets, key=lambda asset: (bool(asset.consumer), asset))
    shown = ", ".join(map(asset_text, ordered[:MOST]))
    more = len(ordered) - MOST
    return f"{shown} and {more} more" if more > 0 else shown
