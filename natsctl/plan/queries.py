"""What has to be asked of servers before something can be decided, and what they answered."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from natsctl.model.jetstream_look import TOGETHER, Look
from natsctl.model.observation import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable

FOREVER: Final = math.inf
"""Seconds for which an answer counts until something happens that makes it worthless."""
A_MINUTE: Final = 60.0
_CLOCK: Final = 0.001
"""Seconds that are surely some time: a smaller rest, once waited for, may still be left."""
LOOKS, APART = 2, 1.0
"""How many looks at JetStream a decision rests on, and the seconds between them at least."""


@attrs.frozen(kw_only=True)
class Answers:
    """What was answered last to each class of query, kept from pass to pass.

    `now` is monotonic seconds. What one server answered is in a mapping by the uid of its pod, with
    the `run_id` of that. `jetstream` are the latest looks at all servers, the oldest first.
    """

    now: float = 0.0
    observations: Mapping[str, Observation] = attrs.field(factory=dict)
    jetstream: tuple[Look, ...] = ()

    def of_runs(self, runs: Mapping[str, tuple[object, ...]]) -> Answers:
        """Without those of servers that are gone, or that started again."""
        by_server: dict[str, Any] = {
            name: {uid: it for uid, it in known.items() if runs.get(uid) == it.run_id}
            for name, known in attrs.asdict(self, recurse=False).items()
            if isinstance(known, Mapping)
        }
        return attrs.evolve(self, **by_server)


class Query(ABC):
    """One question. Each class has who asks it in `natsctl.controllers.cluster.answerers`.

    `freshness` is for how many seconds an answer counts.
    """

    __slots__ = ()
    freshness: float

    @abstractmethod
    def answered_at(self, answers: Answers) -> float | None:
        """When it was answered last, in monotonic seconds; None: nobody has asked."""

    def due_in(self, answers: Answers) -> float:
        """Seconds until it may be asked; most may at once."""
        return 0.0

    def renewed_in(self, answers: Answers) -> float | None:
        """Seconds after which an answer that counts is asked for again; None: never by itself."""
        return None


@attrs.frozen
class Probe(Query):
    """What the server in the pod with this uid says of itself and of its routes."""

    uid: str
    freshness: float = FOREVER

    def answered_at(self, answers: Answers) -> float | None:
        """When the server was asked last, whether or not it could be."""
        seen = answers.observations.get(self.uid)
        return seen.asked if seen is not None else None


@attrs.frozen
class JetStreamLook(Query):
    """What all servers of the cluster say of JetStream, in two looks that are not far apart.

    `freshness` is the age of the last of them. As long as a rule needs it, it is asked again
    whenever it no longer counts: one look in each freshness, two if that is longer than TOGETHER.
    """

    freshness: float = A_MINUTE

    def answered_at(self, answers: Answers) -> float | None:
        """When the last of the two looks ended."""
        if len(answers.jetstream) < LOOKS:
            return None
        first, last = answers.jetstream[-LOOKS:]
        apart = last.began - first.began > APART - _CLOCK
        return last.ended if apart and last.began - first.ended <= TOGETHER else None

    def due_in(self, answers: Answers) -> float:
        """The second look is not taken before APART seconds have passed."""
        last = max((look.began for look in answers.jetstream), default=-math.inf)
        left = last + APART - answers.now
        return left if left > _CLOCK else 0.0

    def renewed_in(self, answers: Answers) -> float | None:
        """What is left of the freshness."""
        at = self.answered_at(answers)
        return max(_CLOCK, self.freshness - (answers.now - at)) if at is not None else None


def unanswered(queries: Iterable[Query], answers: Answers) -> frozenset[Query]:
    """Those without an answer that still counts."""
    return frozenset(query for query in queries if not _is_answered(query, answers))


def _is_answered(query: Query, answers: Answers) -> bool:
    at = query.answered_at(answers)
    return at is not None and answers.now - at < query.freshness


def askable(queries: Iterable[Query], answers: Answers) -> frozenset[Query]:
    """Those of unanswered queries that may be asked now."""
    return frozenset(query for query in queries if query.due_in(answers) <= 0)


def next_due(queries: Iterable[Query], answers: Answers) -> float | None:
    """Seconds until one of unanswered queries may be asked."""
    return min((query.due_in(answers) for query in queries), default=None)


def renewal(queries: Iterable[Query], answers: Answers) -> float | None:
    """Seconds until one of these queries, which have answers that count, is asked again."""
    times = (query.renewed_in(answers) for query in queries)
    return min((seconds for seconds in times if seconds is not None), default=None)
