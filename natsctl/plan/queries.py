"""What has to be asked of servers before something can be decided."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.jetstream_look import TOGETHER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from natsctl.plan.state import ClusterState

FOREVER: Final = math.inf
"""Seconds for which an answer counts until something happens that makes it worthless."""
A_MINUTE: Final = 60.0
_CLOCK: Final = 0.001
"""Seconds that are surely some time: a smaller rest, once waited for, may still be left."""
LOOKS, APART = 2, 1.0
"""How many looks at JetStream a decision rests on, and the seconds between them at least."""


class Query(ABC):
    """One question. Each class has who asks it in `natsctl.controllers.cluster.answerers`.

    `freshness` is for how many seconds an answer counts.
    """

    __slots__ = ()
    freshness: float

    @abstractmethod
    def answered_at(self, state: ClusterState) -> float | None:
        """When it was answered last, in monotonic seconds; None: nobody has asked."""

    def due_in(self, state: ClusterState) -> float:
        """Seconds until it may be asked; most may at once."""
        return 0.0

    def renewed_in(self, state: ClusterState) -> float | None:
        """Seconds after which an answer that counts is asked for again; None: never by itself."""
        return None


@attrs.frozen
class Probe(Query):
    """What the server in the pod with this uid says of itself and of its routes."""

    uid: str
    freshness: float = FOREVER

    def answered_at(self, state: ClusterState) -> float | None:
        """When the server was asked last, whether or not it could be."""
        seen = state.observations.get(self.uid)
        return seen.asked if seen is not None else None


@attrs.frozen
class JetStreamLook(Query):
    """What all servers of the cluster say of JetStream, in two looks that are not far apart.

    `freshness` is the age of the last of them. As long as a rule needs it, it is asked again
    whenever it no longer counts: one look in each freshness, two if that is longer than TOGETHER.
    """

    freshness: float = A_MINUTE

    def answered_at(self, state: ClusterState) -> float | None:
        """When the last of the two looks ended."""
        if len(state.jetstream) < LOOKS:
            return None
        first, last = state.jetstream[-LOOKS:]
        apart = last.began - first.began > APART - _CLOCK
        return last.ended if apart and last.began - first.ended <= TOGETHER else None

    def due_in(self, state: ClusterState) -> float:
        """The second look is not taken before APART seconds have passed."""
        last = max((look.began for look in state.jetstream), default=-math.inf)
        left = last + APART - state.now
        return left if left > _CLOCK else 0.0

    def renewed_in(self, state: ClusterState) -> float | None:
        """What is left of the freshness."""
        at = self.answered_at(state)
        return max(_CLOCK, self.freshness - (state.now - at)) if at is not None else None


def unanswered(queries: Iterable[Query], state: ClusterState) -> frozenset[Query]:
    """Those without an answer that still counts."""
    return frozenset(query for query in queries if not _is_answered(query, state))


def _is_answered(query: Query, state: ClusterState) -> bool:
    at = query.answered_at(state)
    return at is not None and state.now - at < query.freshness


def askable(queries: Iterable[Query], state: ClusterState) -> frozenset[Query]:
    """Those of unanswered queries that may be asked now."""
    return frozenset(query for query in queries if query.due_in(state) <= 0)


def next_due(queries: Iterable[Query], state: ClusterState) -> float | None:
    """Seconds until one of unanswered queries may be asked."""
    return min((query.due_in(state) for query in queries), default=None)


def renewal(queries: Iterable[Query], state: ClusterState) -> float | None:
    """Seconds until one of these queries, which have answers that count, is asked again."""
    times = (query.renewed_in(state) for query in queries)
    return min((seconds for seconds in times if seconds is not None), default=None)
