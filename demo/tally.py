"""Count messages and silences."""

from __future__ import annotations

from collections import Counter

import attrs


@attrs.define
class Silence:
    """The longest time (seconds) between two arrivals, and when it ended (monotonic)."""

    longest: float = 0.0
    ended: float = 0.0
    _last: float | None = None

    def arrival(self, now: float) -> None:
        """Something arrived."""
        if self._last is not None and now - self._last > self.longest:
            self.longest, self.ended = now - self._last, now
        self._last = now


@attrs.define
class Tally:
    """All counts. Requests and one-way messages have numbers of their own, from 1."""

    asked: int = 0
    told: int = 0
    acknowledged: set[int] = attrs.field(factory=set)
    served: set[int] = attrs.field(factory=set)
    heard: set[int] = attrs.field(factory=set)
    retried: int = 0
    errors: Counter[str] = attrs.field(factory=Counter)
    replies: Silence = attrs.field(factory=Silence)
    arrivals: Silence = attrs.field(factory=Silence)

    def ask(self) -> int:
        """The number of a new request."""
        self.asked += 1
        return self.asked

    def tell(self) -> int:
        """The number of a new one-way message."""
        self.told += 1
        return self.told

    def replied(self, number: int, tries: int, now: float) -> None:
        """The reply to a request came, after so many tries."""
        self.acknowledged.add(number)
        self.retried += tries > 1
        self.replies.arrival(now)

    def heard_one(self, number: int, now: float) -> None:
        """A one-way message arrived."""
        self.heard.add(number)
        self.arrivals.arrival(now)

    def unanswered(self, error: Exception) -> None:
        """A try failed."""
        self.errors[type(error).__name__] += 1

    @property
    def lost_requests(self) -> int:
        """Requests without a reply, and those with a reply that nobody gave."""
        return self.asked - len(self.acknowledged) + len(self.acknowledged - self.served)

    @property
    def lost_messages(self) -> int:
        """One-way messages that did not arrive."""
        return self.told - len(self.heard)
