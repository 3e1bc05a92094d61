"""What is found of a cluster's volumes, whatever its spec says: claims, and what is remembered.

What a server stored stays on its volume while it runs without JetStream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from natsctl.plan.claims.live import LiveClaim, claims_of
from natsctl.plan.claims.memory import Memory, memory_of, noted_on
from natsctl.plan.claims.seals import seals_of
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from natsctl.plan.context import Context


@attrs.frozen
class Found:
    """Claims by the server's index, and all notes. Not `known`: the claims could not be read."""

    known: bool
    claims: Mapping[int, LiveClaim]
    memory: Memory


def found_in(context: Context) -> Found:
    """Read once for all that is decided of it."""
    return context.once(_found)


def _found(context: Context) -> Found:
    meta, live = context.state.cluster.metadata, context.state.owned.get(data_kind().kind)
    claims = claims_of(meta, (live or {}).values())
    noted = noted_on(context.state.secrets.get(meta.name))
    seals = seals_of(context.desired.pepper, meta.namespace, meta.name)
    return Found(live is not None, claims, memory_of(meta.uid, noted, claims, seals))


def stored_nothing(context: Context, index: int) -> bool:
    """Whether a server surely never stored anything that counts. Unknown is not nothing."""
    found = found_in(context)
    if not found.known or found.memory.note is None:
        return False
    noted, claim = found.memory.note.get(index), found.claims.get(index)
    if claim is None:
        return noted is None
    is_same = noted is None or noted.is_of(claim.uid)
    return (is_same and claim.is_unbound) or found.memory.is_left(index, claim)


def has_room(context: Context, index: int) -> bool:
    """Whether a server has what its claim asks for, or will once it starts. Unknown is no room."""
    claim = found_in(context).claims.get(index)
    return claim is not None and (claim.grows_at_start or 0 < claim.there >= claim.asked)
