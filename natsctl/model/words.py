"""Lists as messages have them."""

from collections.abc import Sequence

LIMIT = 8
"""Servers or problems named in one message; the rest are counted."""


def listed(items: Sequence[str]) -> str:
    """Some of the items as text, the rest as a number."""
    text = "; ".join(items[:LIMIT]) if any(" " in i for i in items) else ", ".join(items[:LIMIT])
    return text if len(items) <= LIMIT else f"{text} and {len(items) - LIMIT} more"
