"""What a server that leaves waits for, as conditions say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.plan.gates.verdict import Why
from natsctl.plan.gates.words import lasting, text, way_out

if TYPE_CHECKING:
    from collections.abc import Collection

    from natsctl.plan.gates.verdict import Verdict


def of_gate(verdict: Verdict, value: str, binding: Collection[Why]) -> tuple[str, ...]:
    """What blocks, the same for as long as the same does, and how to go on in spite of it."""
    texts = dict.fromkeys(text(lasting(block)) for block in verdict.blocks)
    return (*texts, *filter(None, (way_out(verdict, value, binding),)))


def of_shrinking(
    verdict: Verdict, value: str, binding: Collection[Why], servers: int
) -> tuple[str, ...]:
    """The same while the rest has no place for all: who asked for fewer servers can take it back.

    Some may have left already, so it does not say that nothing has changed.
    """
    texts = (
        text(attrs.evolve(b, detail="" if _changes(b.why) else b.detail)) for b in verdict.blocks
    )
    back = f"to keep the servers that are there, set spec.size to {servers}"
    return (*dict.fromkeys(texts), *filter(None, (way_out(verdict, value, binding),)), back)


def _changes(why: Why) -> bool:
    """Whether its detail has numbers that change by themselves."""
    return why is Why.ROOM
