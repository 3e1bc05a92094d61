"""Which classes a registry has to know."""

from __future__ import annotations

import importlib
from typing import Any

import attrs


def classes_below(base: type[Any]) -> set[type[Any]]:
    """All of natsctl's that are derived from a base and hold something, wherever they stand."""
    below = {c for c in base.__subclasses__() if _is_own(c)}
    return {c for c in below if attrs.has(c)}.union(*map(classes_below, below))


def _is_own(c: type[Any]) -> bool:
    """Of a class with slots, attrs leaves the one that it was made from behind for a while."""
    own = c.__module__.startswith("natsctl.")
    return own and getattr(importlib.import_module(c.__module__), c.__name__, None) is c
