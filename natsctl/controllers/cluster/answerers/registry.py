"""Every class of query and who asks it, from all modules of this package."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from natsctl.controllers.cluster import answerers
from natsctl.controllers.cluster.answerers.answerer import Answerer
from natsctl.controllers.cluster.discovery import defined_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from natsctl.controllers.cluster.cache import ClusterCache
    from natsctl.plan.queries import Query
    from natsctl.plan.state import ClusterState

ANSWERERS: Final[Mapping[type[Query], Answerer[Any]]] = {
    answerer.query: answerer for answerer in defined_in(answerers, Answerer)
}


async def answer(queries: Iterable[Query], cache: ClusterCache, state: ClusterState) -> None:
    """Have all queries asked, those of different classes at the same time."""
    of_class: dict[type[Query], list[Query]] = defaultdict(list)
    for query in queries:
        of_class[type(query)].append(query)
    asked = [ANSWERERS[kind].ask(those, cache, state) for kind, those in of_class.items()]
    # A group of exceptions would hide from the log and from conditions what went wrong.
    for outcome in await asyncio.gather(*asked, return_exceptions=True):
        if outcome is not None:
            raise outcome
