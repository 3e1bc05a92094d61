"""How many examples a property is tried with."""

from __future__ import annotations

from typing import Any

from hypothesis import settings


def examples(same: int, search: int, **more: Any) -> settings:
    """So many in every run, always the same ones; `make fuzz` searches through more, for others.

    What the same examples find, the first of them found long ago: more of them prove little.
    """
    number = same if settings().derandomize else search
    return settings(max_examples=number, deadline=None, **more)
