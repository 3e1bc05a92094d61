"""How long tests wait for what is to come: a machine may be busy, or have one core."""

from __future__ import annotations

from typing import Final

PATIENCE: Final = 4.0
"""How many times longer than a quiet machine of two cores needs at most."""


def patient(seconds: float) -> float:
    """A limit for what takes this long on such a machine: it tells that something never comes."""
    return seconds * PATIENCE
