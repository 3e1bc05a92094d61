"""The time of day in virtual time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""When virtual time begins."""


def moment() -> datetime:
    """The time of day in virtual time."""
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


def stamp() -> str:
    """The same as RFC 3339 text."""
    return moment().strftime("%Y-%m-%dT%H:%M:%SZ")
