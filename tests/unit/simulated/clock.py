"""The time of day in virtual time."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""When virtual time begins."""
_BEHIND: ContextVar[float] = ContextVar("seconds behind the event loop", default=0.0)


def moment() -> datetime:
    """The time of day in virtual time."""
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time() - _BEHIND.get())


def stamp() -> str:
    """The same as RFC 3339 text."""
    return moment().strftime("%Y-%m-%dT%H:%M:%SZ")


def go_back_to(when: datetime) -> None:
    """From now on it is that late in this task, and in those that it starts."""
    _BEHIND.set(_BEHIND.get() + (moment() - when).total_seconds())
