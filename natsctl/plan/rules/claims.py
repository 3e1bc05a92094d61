"""Every server that may have an empty volume has a claim of one, before its pod is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.plan.actions import Ensure, NoteClaims
from natsctl.plan.claims.note import Noted, beginning
from natsctl.plan.claims.volumes import is_adopted, volumes_of
from natsctl.plan.rules.owned_objects import differs
from natsctl.plan.rules.rule import Decision
from natsctl.plan.server_identity import standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.model.objects import PersistentVolumeClaim
    from natsctl.plan.claims.volumes import ServerClaim, Volumes
    from natsctl.plan.context import Context


def ensure_claims(context: Context) -> Decision:
    """One action for each claim that is to be made, or whose labels or annotations differ.

    Claims of an earlier NatsCluster stay as they are while one is missing: they tell that it was
    there.
    """
    volumes = volumes_of(context)
    if volumes is None or not volumes.known or volumes.note is None:
        return Decision()
    return Decision(tuple(_ensured(context, volumes)))


def _ensured(context: Context, volumes: Volumes) -> Iterator[Ensure]:
    empty = _empty_volumes(context, volumes)
    whole = not any(claim.live is None for claim in volumes.claims)
    for claim in volumes.claims:
        if claim.live is None:
            if not claim.lost or claim in empty:
                yield Ensure(claim.wanted, present=False)
        elif (whole or is_adopted(context, claim)) and _is_to_be_written(context, claim):
            yield Ensure(claim.wanted, present=True)


def _is_to_be_written(context: Context, claim: ServerClaim) -> bool:
    assert claim.live is not None
    held = claim.trouble is not None and claim.trouble.holds
    if held or not claim.is_noted:
        return False
    uid = context.state.cluster.metadata.uid
    owned = any(owner.uid == uid for owner in claim.live.metadata.owner_references or ())
    belongs = "ownerReferences" in claim.wanted.manifest["metadata"]
    return owned != belongs or differs(claim.wanted, claim.live)


def _empty_volumes(context: Context, volumes: Volumes) -> tuple[ServerClaim, ...]:
    """Lost claims that the user wants empty: all of them, or one while all other servers are well.

    A second empty server beside one that has data can win an election against it.
    """
    given = context.state.cluster.metadata.annotation(names.NEW_VOLUME_ANNOTATION)
    lost, token = volumes.lost, volumes.token
    if not token or given != token:
        return ()
    if all(claim.is_renewed for claim in volumes.claims):
        return lost
    ready = {server.index for server in context.servers if server.ready}
    others = {claim.index for claim in volumes.claims if not claim.lost}
    return lost if others <= ready else ()


def note_claims(context: Context) -> Decision:
    """Note on the config Secret which server has which claim; no server starts before that."""
    state = context.state
    name = state.cluster.metadata.name
    volumes, secret = volumes_of(context), state.secrets.get(name)
    if volumes is None or secret is None or not volumes.known or volumes.note is None:
        return Decision()
    there = standing(context.servers, context.size)
    note = {index: volumes.note[index] for index in volumes.note.keys() & there}
    if not _empty_volumes(context, volumes):  # else all of them first: together they are accepted
        note |= dict(_found(context, volumes))
    if note == volumes.note:
        return Decision()
    return Decision((NoteClaims(name, secret.metadata.uid, tuple(sorted(note.items()))),))


def _found(context: Context, volumes: Volumes) -> Iterator[tuple[int, Noted]]:
    """What is there, of servers that are to be and of others; not what is about to go."""
    for claim in volumes.claims:
        held = claim.trouble is not None and claim.trouble.holds
        if claim.live is not None and not held:
            yield claim.index, _noted(context, claim.index, claim.live)
    for index, live in volumes.others.items():
        yield index, _noted(context, index, live)


def _noted(context: Context, index: int, live: PersistentVolumeClaim) -> Noted:
    origins = context.desired.target.origins
    return Noted(beginning(live.metadata.uid), origins.get(index, ""))
