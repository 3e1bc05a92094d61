"""JetStream as rules need it: whether servers store, who they are, and what they said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.departed import departed_in
from natsctl.model.names import DEPARTED_ANNOTATION, MAX_SIZE
from natsctl.model.server_identity import indexes, server_name_of
from natsctl.plan.context import context_of
from natsctl.plan.gates.case import Case, case
from natsctl.plan.gates.look import Look, by_name
from natsctl.plan.gates.remembered import read
from natsctl.plan.gates.seen import Seen, seen
from natsctl.plan.gates.unnamed import with_names
from natsctl.plan.queries import JetStreamLook, Probe
from natsctl.plan.servers.identity import missing
from natsctl.plan.servers.server import has_store, servers_of
from natsctl.plan.upgrade_path import is_running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.context import Context
    from natsctl.plan.gates.verdict import Baseline
    from natsctl.plan.queries import Query
    from natsctl.plan.servers.server import Server
    from natsctl.plan.state import ClusterState

FIRST, LAST = 4.0, 10.0
"""Seconds for which two looks count that a step rests on: at first, and once nothing changes."""
UNNAMED: Final = ""
"""The name of a server whose pod does not tell it: no report is ever its own."""


def stores(context: Context) -> bool:
    """Whether any server that is there may store streams: its pod was made for that."""
    return context.once(_stores)


def expected(context: Context) -> frozenset[str]:
    """The names of all servers that there should be, and of those that are still there."""
    return context.once(_expected)


def name_of(server: Server) -> str:
    """What a server calls itself."""
    return server_name_of(server.pod) or UNNAMED


def is_away(server: Server) -> bool:
    """Whether nothing of it runs that could be a member of any group."""
    return not is_running(server.pod)


def queries_of(context: Context) -> frozenset[Query]:
    """What a step rests on: fresh looks, and fresh answers of all servers."""
    freshness = min(max(context.state.quiet / 4, FIRST), LAST)
    probes = (Probe(server.pod.metadata.uid, freshness) for server in context.servers)
    return frozenset((JetStreamLook(freshness), *probes))


def looks_of(context: Context) -> tuple[Look, Look] | None:
    """The two latest looks, by names of servers; None if there are not two."""
    return context.once(_looks)


def case_of(context: Context) -> Case | None:
    """The same, sorted out once for all rules, while nobody is to go."""
    return context.once(_case)


def remembered(state: ClusterState) -> Baseline | None:
    """What was broken before the procedure began that goes on; None: none has begun."""
    told = state.status.jetstream
    if told is None or told.broken_before is None:
        return None
    return read([attrs.asdict(row) for row in told.broken_before])


def _stores(context: Context) -> bool:
    return any(has_store(server.pod) for server in context.servers)


def _expected(context: Context) -> frozenset[str]:
    target = context.desired.target
    absent = missing(target.name, context.servers, context.size)
    coming = (target.server_name(index) for index, _ in absent)
    return frozenset((*map(name_of, context.servers), *coming))


def _looks(context: Context) -> tuple[Look, Look] | None:
    if not context.state.jetstream:
        return None
    names = {server.pod.metadata.uid: name_of(server) for server in context.servers}
    looks = by_name(context.state.jetstream, names)
    return with_names(looks, lambda: _possible_names(context)) if looks is not None else None


def _possible_names(context: Context) -> Iterator[str]:
    """Of servers that are there, are to be, may have left, or may be away."""
    target, secret = context.desired.target, context.state.secrets.get(context.desired.target.name)
    note = secret.metadata.annotation(DEPARTED_ANNOTATION) if secret is not None else None
    yield from map(target.server_name, indexes(MAX_SIZE))
    yield from departed_in(note or "").values()
    yield from expected(context)


def _case(context: Context) -> Case | None:
    looks = looks_of(context)
    return case("", expected(context), looks) if looks is not None else None


def seen_in(state: ClusterState) -> Seen | None:
    """What the latest looks show; None without two that belong together, or if nothing tells whom
    to expect."""
    if JetStreamLook().answered_at(state) is None:
        return None
    context = context_of(state, servers_of(state))
    looks = looks_of(context) if context is not None else None
    if context is None or looks is None:
        return None
    return seen(expected(context), looks, {name_of(s): s.name for s in context.servers})
