"""What an answerer is: it asks all queries of one class."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from typing import Any, Generic, TypeVar

import attrs

from natsctl.controllers.cluster.cache import ClusterCache
from natsctl.plan.queries import Query
from natsctl.plan.state import ClusterState

Q = TypeVar("Q", bound=Query)


@attrs.frozen
class Answerer(Generic[Q]):
    """`ask` keeps the answers in the cache, where the next look at the cluster finds them."""

    query: type[Q]
    ask: Callable[[Collection[Q], ClusterCache, ClusterState], Coroutine[Any, Any, None]]
