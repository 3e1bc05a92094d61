"""A baseline as the status keeps it, so that the next process knows what was broken before.

Anyone who may write the status may have written it: what is not as natsctl writes it is left out,
and what is left out blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from natsctl.model.jetstream import MAX_NAME, Asset
from natsctl.plan.gates.verdict import MAX_BASELINE, USUAL, Baseline, Block, Why

_FIELDS: Final = ("server", "account", "stream", "consumer")


def written(baseline: Baseline) -> list[dict[str, str]]:
    """Rows in order; names that cannot be shown are left out."""
    ordered = sorted(baseline.blocks, key=lambda block: block.place)
    rows = [_row(block) for block in ordered]
    return [row for row in rows if all(value.isprintable() for value in row.values())]


def read(rows: object) -> Baseline:
    """The baseline in rows that `written` made; never an exception."""
    listed = rows if isinstance(rows, Sequence) and not isinstance(rows, str) else ()
    blocks = (_block(row) for row in listed[:MAX_BASELINE])
    return Baseline(frozenset(block for block in blocks if block is not None))


def _row(block: Block) -> dict[str, str]:
    asset = block.asset or Asset("", "")
    values = (block.server, asset.account, asset.stream, asset.consumer)
    said = {name: value for name, value in zip(_FIELDS, values, strict=True) if value}
    return {"why": str(block.why), **said}


def _block(row: Any) -> Block | None:
    if not isinstance(row, Mapping) or row.get("why") not in tuple(USUAL):
        return None
    values = [row.get(name, "") for name in _FIELDS]
    if not all(isinstance(value, str) and len(value) <= MAX_NAME for value in values):
        return None
    server, account, stream, consumer = values
    asset = Asset(account, stream, consumer) if stream else None
    return Block(Why(row["why"]), server, asset) if asset else None
