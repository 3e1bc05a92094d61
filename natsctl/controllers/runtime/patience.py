"""What failed, and for how long already: what may pass is tried again, what lasts is told.

A lost connection, a restarted API server or a full queue are over in seconds, and telling them
would alarm people for nothing. While somebody leads, the API server has answered within the last
ten seconds: what still fails after half a minute is a matter of this very request.

What is told is constant while the cause is the same, so that nothing is written again and again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.kube.errors import ApiError, Conflict, Stale, Terminal
from natsctl.model.foreign import quoted
from natsctl.plan.state import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

LASTS: Final = 30.0
"""Seconds after which a failed request is told."""
UNANSWERED: Final = 60.0
"""The same, if nobody answered: this may still be the way to the API server."""
CONTENDED: Final = 120.0
"""The same, if others were faster, or have to end first: a pod may take its time to go."""
CUT: Final = 200.0
"""The same of passes that were cut: two of them."""

TOLD: Final = 600.0
"""Seconds for which the words stay, though others have come for the same thing."""

_REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]{0,98}[A-Za-z0-9_])?", re.ASCII)
_BY_STATUS = {429: "TooManyRequests", 503: "ServiceUnavailable", 504: "Timeout"}
_CHANGING = re.compile(r"[0-9a-fA-F]*[0-9][0-9a-fA-F]*")
"""Ports, times, counters and ids in somebody's words."""


@attrs.define
class Patience:
    """Since when each thing fails, by what it is about; forgets what worked in the meantime."""

    _since: dict[str, float] = attrs.field(factory=dict)
    _reported: dict[str, tuple[float, Failure]] = attrs.field(factory=dict)
    _noted: set[str] = attrs.field(factory=set)

    def begin(self) -> None:
        """Another attempt at everything begins: what failed before it and does not again, works."""
        self._since = {s: at for s, at in self._since.items() if s in self._noted}
        self._reported = {s: report for s, report in self._reported.items() if s in self._noted}
        self._noted = set()

    def note(self, subject: str, error: Exception, began: float, now: float) -> Failure | None:
        """Something failed that was begun at a moment; what to tell of it, if that lasts."""
        self._noted.add(subject)
        if now - self._since.setdefault(subject, began) < _lasting(error):
            return self._earlier(subject, now)
        earlier = None if isinstance(error, Terminal) else self._earlier(subject, now)
        failure = earlier or failure_of(subject, error)
        self._reported[subject] = self._reported[subject] if earlier else (now, failure)
        return failure

    def _earlier(self, subject: str, now: float) -> Failure | None:
        """What was told of it not long ago: what answers now this, now that, is told once."""
        at, failure = self._reported.get(subject, (0.0, None))
        return failure if now - at < TOLD else None


def _lasting(error: Exception) -> float:
    match error:
        case Conflict() | Stale():
            return CONTENDED
        case Terminal():
            return 0.0
        case ApiError(status=0):
            return UNANSWERED
        case TimeoutError():
            return CUT
    return LASTS


def failure_of(subject: str, error: Exception) -> Failure:
    """What failed, as a condition tells it."""
    match error:
        case Conflict():
            return Failure(subject, reason_of(error), f"cannot be written: {quoted(str(error))}")
        case Stale():
            return Failure(subject, error.reason, f"not done yet: {error}")
        case ApiError(status=0):
            return Failure(subject, "NoAnswer", "the API server does not answer, or not in time")
        case ApiError():
            text = f"the API server answers {error.status}: {quoted(str(error))}"
            return Failure(subject, reason_of(error), text)
        case TimeoutError():
            return Failure(subject, "TimedOut", "the API server is too slow to answer all requests")
    text = f"natsctl hit a bug ({type(error).__name__}): see its log"
    return Failure(subject, "Bug", text)


def reason_of(error: ApiError) -> str:
    """The API server's own word, if it can be the reason of a condition: webhooks choose it too."""
    if _REASON.fullmatch(error.reason):
        return error.reason
    fallback = "InternalError" if error.status >= 500 else "Refused"
    return _BY_STATUS.get(error.status, fallback)


def keep_words(fresh: Iterable[Failure], before: Iterable[Failure]) -> tuple[Failure, ...]:
    """Failures in the words in which they were told, where only numbers in them differ."""
    earlier = {_essence(failure): failure for failure in before}
    return tuple(earlier.get(_essence(failure), failure) for failure in fresh)


def _essence(failure: Failure) -> tuple[str, str, str]:
    return failure.subject, failure.reason, _CHANGING.sub("#", failure.message)
