"""One small tree of what can go wrong with a request.

ApiError
|-- Transient     may go away by itself: 429, 5xx, time-out, connection lost
|-- Conflict      somebody was faster: 409; look again and decide anew
|   `-- AlreadyExists
|-- Stale         what the write rests on is no longer so: nothing was sent; look again
`-- Terminal      the same request will never work: 4xx, a field the schema does not know
    `-- NotFound
        `-- NoName  there can be no such object: no request was sent
Fenced            the lease no longer allows writing; the process is about to end
"""

from __future__ import annotations

import msgspec

from natsctl.model.foreign import plain
from natsctl.model.limits import natural
from natsctl.model.struct_types import known_to_threads


class ApiError(Exception):
    """An answer of the API server that is not success; str() is its message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(plain(message))
        self.status = status
        self.reason = reason


class Transient(ApiError):
    """Worth trying again; `retry_after` in seconds where the server named one."""

    def __init__(
        self, status: int, reason: str, message: str, retry_after: float | None = None
    ) -> None:
        super().__init__(status, reason, message)
        self.retry_after = retry_after


class Conflict(ApiError):
    """The object changed, vanished or was replaced since it was read."""


class AlreadyExists(Conflict):
    """An object of that name is there already."""


class Stale(ApiError):
    """What a write rests on is no longer so: it was not sent."""

    def __init__(self, message: str) -> None:
        super().__init__(0, "Outdated", message)


class Terminal(ApiError):
    """Will not work however often it is tried."""


class NotFound(Terminal):
    """No such object, or no such kind."""


class NoName(NotFound):
    """No object can have such a name, so nobody was asked for it."""

    def __init__(self, message: str) -> None:
        super().__init__(404, "InvalidName", message)


class Fenced(Exception):
    """The lease is not ours (any more): the write was not sent."""


class Status(msgspec.Struct, rename="camel"):
    """The API server's Status object; plain-text bodies leave it empty."""

    message: str = ""
    reason: str = ""


LONGEST_WAIT = 60.0
"""Seconds to wait at most because a server says so: nobody may silence the operator for hours."""

# Server-side apply answers 500 for a field the installed schema does not know: never transient.
_SCHEMA_MARK = "field not declared in schema"


def error_of(status: int, body: bytes, retry_after: str | None = None) -> ApiError:
    """The error that an answer with `status` >= 400 means."""
    try:
        parsed = msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, ValueError, RecursionError):
        parsed = Status(message=body.decode(errors="replace").strip()[:500])
    message = parsed.message or f"HTTP {status}"
    if status == 409:
        kind = AlreadyExists if parsed.reason == "AlreadyExists" else Conflict
        return kind(status, parsed.reason, message)
    if status == 404:
        return NotFound(status, parsed.reason, message)
    if status in (408, 429) or (status >= 500 and _SCHEMA_MARK not in message):
        return Transient(status, parsed.reason, message, _seconds(retry_after))
    return Terminal(status, parsed.reason, message)


def _seconds(value: str | None) -> float | None:
    seconds = natural(value) if value is not None else None
    return min(float(seconds), LONGEST_WAIT) if seconds is not None else None


known_to_threads(Status)
