"""How numbers that grow by themselves are told: in steps, or the status would be written always."""

from __future__ import annotations

from typing import Final

STEP: Final = 5
"""Percent by which storage has to change to be told."""
MARKS: Final = (80, 90)
"""Percent that are told at once."""


def tells(before: int, now: int) -> bool:
    """Whether it changed enough: a mark counts upwards, so that one around it is told once."""
    crossed = any(before < mark <= now for mark in MARKS)
    return crossed or abs(now - before) >= STEP
