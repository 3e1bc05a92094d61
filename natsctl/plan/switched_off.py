"""Servers lose JetStream one after the other, while nobody holds a stream.

The spec says so for good once the status does (`accepted_spec`). A stream may be created after that
all the same: then the next server waits until it is deleted, or JetStream is put back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.foreign import named
from natsctl.plan.evidence import Evidence, evidence_of
from natsctl.plan.gates.words import SOME
from natsctl.plan.held import STREAMS, is_overridden, override_of, shown, streams_told, way_out
from natsctl.plan.jetstream import is_away, looks_of, name_of, queries_of
from natsctl.plan.notices import Notice, decided_otherwise
from natsctl.plan.queries import Query, unanswered
from natsctl.plan.servers.server import lacks_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.context import Context
    from natsctl.plan.gates.look import Look
    from natsctl.plan.servers.server import Server

LOOKING: Final = "all servers are asked whether they hold a stream"


@attrs.frozen
class Leave:
    """Whether a server may lose JetStream now: what it waits for, if it may not.

    `notices` are told first if somebody decided that it may.
    """

    waiting: tuple[str, ...] = ()
    queries: frozenset[Query] = frozenset()
    evidence: Evidence | None = None
    notices: tuple[Notice, ...] = ()


def is_switched_off(context: Context) -> bool:
    """Whether servers are to run without JetStream."""
    return context.desired.target.spec.jetstream is None


def leave_of(context: Context) -> Leave:
    """The same for all servers: which of them is the next makes no difference."""
    pods = [server.pod for server in context.servers]
    if is_overridden(context.state.cluster):
        return Leave(evidence=evidence_of(pods), notices=(_decided(context),))
    queries, looks = queries_of(context), looks_of(context)
    if looks is None or unanswered(queries, context.state):
        return Leave((LOOKING,), queries)
    storing = [s for s in context.servers if not lacks_store(s.pod) and not is_away(s)]
    silent = tuple(dict.fromkeys(t for look in looks for t in _silent(storing, look)))
    streams = streams_told(looks)
    waiting = silent[:SOME]
    if streams.count:
        found = f"there are streams again: {shown(streams.names, streams.count)}"
        waiting = (f"{found}; delete them, or put spec.jetstream back", *waiting)
    if waiting:
        waiting = (*waiting, way_out(override_of(context.state.cluster)))
    return Leave(waiting, queries, evidence_of(pods, looks[-1].began))


def _decided(context: Context) -> Notice:
    streams = streams_told(looks_of(context) or ())
    held = shown(streams.names, streams.count) or "what natsctl does not know"
    said = f"servers lose JetStream in spite of what they hold: {held}"
    return decided_otherwise(STREAMS, said, context.state.cluster.metadata.uid)


def _silent(storing: list[Server], look: Look) -> Iterator[str]:
    """Servers of which nobody knows what they hold; one whose JetStream is off takes nothing away
    that anybody can use."""
    for server in storing:
        said = look.reports.get(name_of(server))
        if said is None or said.problem or said.name != name_of(server):
            yield f"{server.name} does not say what it holds"
        elif said.unknown or said.too_many or said.health.starting:
            yield f"{named(server.name)} does not say all that it holds"
