"""Every class of query and who asks it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

from natsctl.controllers.cluster.answerers.jetstream import look
from natsctl.controllers.cluster.answerers.probe import probe
from natsctl.controllers.cluster.cache import ClusterCache
from natsctl.plan.queries import JetStreamLook, Probe, Query
from natsctl.plan.state import ClusterState

if TYPE_CHECKING:
    from collections.abc import Iterable

Answerer = Callable[[Collection[Any], ClusterCache, ClusterState], Coroutine[Any, Any, None]]
"""Asks all queries of one class, and keeps the answers in the cache, where the next look at the
cluster finds them."""

ANSWERERS: Final[Mapping[type[Query], Answerer]] = {Probe: probe, JetStreamLook: look}


async def answer(queries: Iterable[Query], cache: ClusterCache, state: ClusterState) -> None:
    """Have all queries asked, those of different classes at the same time."""
    of_class: dict[type[Query], list[Query]] = defaultdict(list)
    for query in queries:
        of_class[type(query)].append(query)
    asked = [ANSWERERS[kind](those, cache, state) for kind, those in of_class.items()]
    # A group of exceptions would hide from the log and from conditions what went wrong.
    for outcome in await asyncio.gather(*asked, return_exceptions=True):
        if outcome is not None:
            raise outcome
