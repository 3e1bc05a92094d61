"""Each server's claim of a volume, as the API server has it, and what is wrong with it.

A volume is made empty for a server that never had one, and for no other: a second empty server in
a cluster can cost the others their data, and an empty cluster looks to clients as if nothing had
ever been stored. What a server had is told by the notes on the config Secret and on all claims, by
its pod, by the claims that an earlier NatsCluster of this name left, and by the status. If all of
them were deleted but some, what is not told is not taken for something that never was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.model import names
from natsctl.model.server_identity import claim_name, indexes
from natsctl.plan.claims.data import data_text
from natsctl.plan.claims.data_to_note import current_data, wanted_data
from natsctl.plan.claims.faults import fault_of, had_one, is_unsure
from natsctl.plan.claims.found import found_in
from natsctl.plan.claims.keys import awaited_keys
from natsctl.plan.claims.memory import READ
from natsctl.plan.claims.renewal_note import is_given_up, renewals_of
from natsctl.plan.claims.server_claims import ServerClaim, Volumes
from natsctl.plan.servers.identity import without
from natsctl.plan.servers.pod_runs import surely_ran
from natsctl.plan.servers.server import lacks_store
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from natsctl.plan.claims.found import Found
    from natsctl.plan.claims.memory import Memory
    from natsctl.plan.context import Context
    from natsctl.plan.servers.server import Server


def volumes_of(context: Context) -> Volumes | None:
    """None for a cluster whose servers have none."""
    return context.once(_volumes_of)


def _volumes_of(context: Context) -> Volumes | None:
    if context.desired.target.spec.jetstream is None:
        return None
    found = found_in(context)
    servers = {server.index: server for server in context.servers if not lacks_store(server.pod)}
    claims = tuple(_claims(context, found, servers))
    others = without(found.claims, {claim.index for claim in claims})
    left = frozenset(i for i, claim in others.items() if found.memory.is_left(i, claim))
    volumes = Volumes(found.known, found.memory, claims, dict(sorted(others.items())), left)
    return _judged(context, volumes, servers) if found.known else volumes


def _claims(context: Context, found: Found, servers: Mapping[int, Server]) -> Iterator[ServerClaim]:
    """What is needed, what is there, and what is noted of both."""
    desired, memory = context.desired, found.memory
    made = {wanted.name: wanted for wanted in desired.objects if wanted.kind == data_kind().kind}
    note, written, given = memory.note or {}, memory.written or {}, renewals_of(context)
    awaited, data = awaited_keys(context), wanted_data(context, note)
    for index in indexes(context.size):
        live, server, entry = found.claims.get(index), servers.get(index), written.get(index)
        told = live.data if live is not None else None
        yield ServerClaim(
            index,
            made[claim_name(desired.target.name, index)],
            live,
            note.get(index),
            is_noted=live is not None and entry is not None and entry.is_of(live.uid),
            is_known=live is not None and memory.knows(index, live.uid),
            data=data_text(current_data(data(index), desired.target, server, told)),
            starts=server is None,
            ran=server is not None and surely_ran(server.pod),
            given_up=is_given_up(given.get(index), live, note.get(index)),
            awaits=awaited(index, live),
        )


def _judged(context: Context, volumes: Volumes, servers: Mapping[int, Server]) -> Volumes:
    """With what is lost, and then with what that means for each."""
    unsure, had = is_unsure(context, volumes), had_one(context, volumes, servers)
    lost = [c.live is None and (unsure or had(c)) for c in volumes.claims]
    marked = tuple(attrs.evolve(c, lost=it) for c, it in zip(volumes.claims, lost, strict=True))
    faults = (fault_of(context, c, servers.get(c.index), marked) for c in marked)
    told = tuple(attrs.evolve(c, trouble=it) for c, it in zip(marked, faults, strict=True))
    claims = tuple(_copied(told, volumes.memory))
    return attrs.evolve(
        volumes, claims=claims, is_unsure=unsure, is_leaving=any(map(_is_leaving, claims))
    )


def _is_leaving(claim: ServerClaim) -> bool:
    """Whether it is to go with an earlier NatsCluster: until then it is not clear what stays.

    Somebody may save one of them at the last moment; beside empty ones it would be outvoted.
    """
    owner = claim.live.stranger if claim.live is not None else None
    return owner is not None and owner.kind == names.KIND_CLUSTER


def _copied(claims: tuple[ServerClaim, ...], memory: Memory) -> Iterator[ServerClaim]:
    """Whether all claims that can be written tell of each."""
    texts = {c.live.copy for c in claims if c.live is not None and not c.held}
    copies = [memory.copies.get(text, {}) for text in texts] if len(texts) <= READ else [{}]
    for claim in claims:
        uid = claim.live.uid if claim.live is not None and not claim.held else ""
        entries = [copy.get(claim.index) for copy in copies]
        told = all(entry is not None and entry.is_of(uid) for entry in entries)
        yield attrs.evolve(claim, is_copied=bool(uid) and told)
