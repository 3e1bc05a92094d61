"""RFC 3339 text and times: the one place where either becomes the other.

Nothing here reads a clock. What others may have written is read by `moment`, which never raises.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

LONG_AGO: Final = "1970-01-01T00:00:00Z"


def moment(text: str | None, assumed: tzinfo | None = None) -> datetime | None:
    """A time that anybody may have written; None if it is none.

    One without a zone is none either, unless a zone is assumed.
    """
    try:
        parsed = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if parsed.tzinfo is None and assumed is not None:
        return parsed.replace(tzinfo=assumed)
    return parsed if parsed.tzinfo is not None else None


def known(text: str) -> datetime:
    """A time that is known to be one: natsctl wrote it, or looked at it before; else ValueError."""
    return datetime.fromisoformat(text)


def written(at: datetime, timespec: str = "seconds") -> str:
    """The text of a time in UTC, such as 2026-01-02T03:04:05Z; `timespec` as isoformat has it."""
    return at.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def precise(at: datetime) -> str:
    """The text of a time with milliseconds and its zone's offset."""
    return at.isoformat(timespec="milliseconds")


def written_seconds(seconds: float) -> str:
    """The text of seconds since 1970; a moment that no calendar has is long ago."""
    try:
        return written(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return LONG_AGO
