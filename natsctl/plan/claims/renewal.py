"""Which volume is to be replaced with an empty one, and whether a server comes back with its own.

One that is too small, and whose class cannot grow, is next; then one that is not encrypted as the
spec says. Until the old claim is deleted, its server comes back as soon as it may be needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.api.types.jetstream import replaces_volumes
from natsctl.model.quantity import bytes_of
from natsctl.plan.claims.growth import growth_of, sizes_of
from natsctl.plan.claims.keys import awaited_key
from natsctl.plan.claims.renewal_note import renewals_of, seconds_since
from natsctl.plan.servers.identity import wanted, without
from natsctl.plan.servers.server import kubelet_ready

if TYPE_CHECKING:
    from collections.abc import Iterable

    from natsctl.model.jetstream import Group
    from natsctl.plan.claims.growth import Size
    from natsctl.plan.claims.server_claims import ServerClaim
    from natsctl.plan.context import Context
    from natsctl.plan.servers.server import Server

PATIENCE: Final = 120.0
"""Seconds after which a server that stopped comes back, if the others still need what it has."""


def due_of(context: Context) -> Size | None:
    """None if there is none."""
    return too_small(context) or other_key(context)


def too_small(context: Context) -> Size | None:
    """None while there is none, or as long as nobody knows that it cannot grow in its place.

    The API server said that just now: a new process asks once more, and so does natsctl when the
    class may have changed.
    """
    growth = growth_of(context)
    if growth.next is None or growth.refused is None or not growth.refused.words.is_of_class:
        return None
    return growth.next if replaces(context) else None


def other_key(context: Context) -> Size | None:
    """The next whose server has an earlier key."""
    return next(iter(with_earlier_keys(context)), None) if replaces(context) else None


def with_earlier_keys(context: Context) -> tuple[Size, ...]:
    """All of them that are there and all right."""
    if not context.desired.target.earlier:
        return ()
    return tuple(it for it in sizes_of(context) if has_earlier_key(context, it.index))


def comes_back(context: Context, claim: ServerClaim) -> bool:
    """Whether a server that stopped for an empty volume comes back with the one that it has."""
    if claim.live is None or claim.live.is_going:
        return False
    given = renewals_of(context)[claim.index]
    server = {server.index: server for server in context.servers}.get(claim.index)
    return (
        seconds_since(given, context.state.timestamp) > PATIENCE
        or not _is_wanted(context, claim)
        or _another_is_away(context, claim.index)
        or (server is not None and not _leaves_nothing(context, server))
    )


def _is_wanted(context: Context, claim: ServerClaim) -> bool:
    """Whether the spec asks for another volume in the place of this one: larger, or encrypted in
    another way."""
    is_small = claim.live is not None and claim.live.room < bytes_of(claim.size)
    return replaces(context) and (is_small or has_earlier_key(context, claim.index))


def has_earlier_key(context: Context, index: int) -> bool:
    """Whether the volume of a server is not encrypted as the spec says now."""
    earlier = context.desired.target.earlier_of(index)
    return earlier is not None


def awaits_key(context: Context, index: int) -> str:
    """Why the volume of a server may not go for another key yet; empty: it may, as far as that."""
    return awaited_key(context) if has_earlier_key(context, index) else ""


def replaces(context: Context) -> bool:
    """Whether volumes that cannot grow are to be replaced, and can be."""
    return replaces_volumes(context.desired.target.spec.jetstream, context.size)


def _another_is_away(context: Context, index: int) -> bool:
    """Whether not all others run: the one that stopped may have the copy that is needed then."""
    servers = {it.index: it for it in wanted(context.servers, context.size)}
    others = without(servers, {index}).values()
    well = (kubelet_ready(it.pod) and not it.terminating for it in others)
    return len(others) < context.size - 1 or not all(well)


def _leaves_nothing(context: Context, server: Server) -> bool:
    """Whether it shuts down, and did not say last that something is on it alone."""
    looks = context.state.jetstream[-1:]
    said = (look.reports.get(server.pod.metadata.uid) for look in looks)
    told = (it for it in said if it is not None)
    return server.terminating and not any(alone_in(it.groups.values()) for it in told)


def alone_in(groups: Iterable[Group]) -> bool:
    """Whether a server that tells these has a stream that nobody else has."""
    return any(not it.asset.consumer and not it.raft.replicas for it in groups)
