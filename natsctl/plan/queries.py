"""What has to be asked of servers before something can be decided."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from natsctl.plan.state import ClusterState

FOREVER: Final = math.inf
"""Seconds for which an answer counts until something happens that makes it worthless."""


class Query(ABC):
    """One question. Each class has who asks it in `natsctl.controllers.cluster.answerers`.

    `freshness` is for how many seconds an answer counts.
    """

    __slots__ = ()
    freshness: float

    @abstractmethod
    def answered_at(self, state: ClusterState) -> float | None:
        """When it was answered last, in monotonic seconds; None: nobody has asked."""


@attrs.frozen
class Probe(Query):
    """What the server in the pod with this uid says of itself and of its routes."""

    uid: str
    freshness: float = FOREVER

    def answered_at(self, state: ClusterState) -> float | None:
        """When the server was asked last, whether or not it could be."""
        seen = state.observations.get(self.uid)
        return seen.asked if seen is not None else None


def unanswered(queries: Iterable[Query], state: ClusterState) -> frozenset[Query]:
    """Those without an answer that still counts."""
    return frozenset(query for query in queries if not _is_answered(query, state))


def _is_answered(query: Query, state: ClusterState) -> bool:
    at = query.answered_at(state)
    return at is not None and state.now - at < query.freshness
