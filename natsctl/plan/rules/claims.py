"""Every server that may have an empty volume has a claim of one, before its pod is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.model import names
from natsctl.plan.actions import Ensure, NoteClaims
from natsctl.plan.claims.data_to_note import data_of_others
from natsctl.plan.claims.memory import seal_on
from natsctl.plan.claims.note import NEW, Noted, beginning, copy_text, note_text
from natsctl.plan.claims.starting import newcomers
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.departures.members import left_empty, rejoined, returning
from natsctl.plan.rules.owned_objects import differs
from natsctl.plan.rules.rule import Decision
from natsctl.plan.servers.identity import without
from natsctl.render.objects.owned_objects import config_kind, data_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from natsctl.plan.claims.note import Note
    from natsctl.plan.claims.server_claims import ServerClaim, Volumes
    from natsctl.plan.context import Context
    from natsctl.plan.state import OwnedObject


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
    empty = _given_up(context, volumes)
    whole = not any(claim.live is None for claim in volumes.claims)
    note = {} if whole else noted_so_far(context, volumes)
    new = not volumes.would_outvote
    for claim in volumes.claims:
        if claim.live is None:
            if is_clear(volumes) and (claim in empty if claim.lost else new):
                yield Ensure(described(context, volumes, note, claim), present=False)
        elif volumes.is_unproven(claim) and not claim.held:
            yield Ensure(_marked(claim), present=True)
        elif (whole or claim.is_adopted) and _is_to_be_written(context, claim):
            yield Ensure(_written(claim), present=True)


def is_clear(volumes: Volumes) -> bool:
    """Whether it is certain who needs a claim.

    Who has had a volume is noted first, be it nobody; and claims that leave may yet be saved.
    """
    return volumes.written is not None and not volumes.is_leaving


def _marked(claim: ServerClaim) -> OwnedObject:
    """Somebody made it, and may not have restored what was on it; all else stays as it is."""
    meta = claim.wanted.manifest["metadata"]
    told = {**meta, "annotations": {names.REPLACES_ANNOTATION: claim.loss}}
    return attrs.evolve(claim.wanted, manifest={**claim.wanted.manifest, "metadata": told})


def _written(claim: ServerClaim) -> OwnedObject:
    """Once a server has run with a volume, that is there instead of no other."""
    return with_notes(claim.wanted, {names.REPLACES_ANNOTATION: None} if _is_used(claim) else {})


def _is_used(claim: ServerClaim) -> bool:
    """Whether it is no longer to be told what it is there instead of."""
    return bool(claim.instead_of) and (claim.ran or claim.is_restored)


def with_notes(wanted: OwnedObject, notes: Mapping[str, str | None]) -> OwnedObject:
    """With more annotations; None: it is to have none of that name."""
    meta = wanted.manifest["metadata"]
    metadata = {**meta, "annotations": {**meta["annotations"], **notes}}
    return attrs.evolve(wanted, manifest={**wanted.manifest, "metadata": metadata})


def described(context: Context, volumes: Volumes, note: Note, claim: ServerClaim) -> OwnedObject:
    """A new claim says from the start what is noted of all others, and what its data depends on."""
    copy = copy_text(context.state.cluster.metadata.uid, note)
    told = {names.CLAIMS_ANNOTATION: copy, names.DATA_ANNOTATION: claim.data}
    if seal := volumes.memory.seal(copy):
        told[names.CLAIMS_SEAL_ANNOTATION] = seal
    return with_notes(claim.wanted, told)


def _is_to_be_written(context: Context, claim: ServerClaim) -> bool:
    assert claim.live is not None
    if claim.held or not claim.is_noted:
        return False
    if _is_used(claim):
        return True
    uid = context.state.cluster.metadata.uid
    owned = any(owner.uid == uid for owner in claim.live.object.metadata.owner_references or ())
    belongs = "ownerReferences" in claim.wanted.manifest["metadata"]
    return owned != belongs or differs(claim.wanted, claim.live.object)


def _given_up(context: Context, volumes: Volumes) -> tuple[ServerClaim, ...]:
    """Lost claims of which the user wants all empty, where nothing is left that this can harm."""
    given = context.state.cluster.metadata.annotation(names.NEW_VOLUME_ANNOTATION)
    token = volumes.token
    return volumes.lost if token and given == token and volumes.gives_all_up else ()


def note_claims(context: Context) -> Decision:
    """Note on the Secret and on all claims which server has which; none starts before that."""
    state = context.state
    name = state.cluster.metadata.name
    volumes, secret = volumes_of(context), state.secrets.get(name)
    if volumes is None or secret is None or not volumes.known or volumes.note is None:
        return Decision()
    note = noted_so_far(context, volumes)
    if not _given_up(context, volumes):  # else all of them first: together they are accepted
        note |= dict(_found(context, volumes))
    if not note and volumes.is_unsure:
        return Decision()  # that there was none, nobody knows
    seal = volumes.memory.seal(copy_text(state.cluster.metadata.uid, note))
    noted: tuple[NoteClaims, ...] = ()
    if note != volumes.written or seal_on(secret) != seal:
        text, uid = note_text(note), secret.metadata.uid
        noted = (NoteClaims(config_kind().kind, name, uid, text, seal=seal),)
    return Decision((*noted, *_copies(context, volumes, note, seal)))


def noted_so_far(context: Context, volumes: Volumes) -> dict[int, Noted]:
    """What is told, what is there by now aside; no longer of servers proven to have left empty."""
    kept = without(volumes.note or {}, left_empty(context))
    doubts = {claim.index: Noted(NEW) for claim in volumes.claims if claim.lost}
    return doubts | kept


def _copies(context: Context, volumes: Volumes, note: Note, seal: str) -> Iterator[NoteClaims]:
    """One for each claim that tells something else, also of servers that were removed."""
    uid = context.state.cluster.metadata.uid
    back = {index for index, _ in returning(context)}
    text = copy_text(uid, note)
    of_other = data_of_others(context, volumes.others, volumes.note or {}, back)
    needed = [(c.live, c.data) for c in volumes.claims if not c.held]
    others = [(c, of_other(i)) for i, c in volumes.others.items() if c.is_free]
    for live, data in (*needed, *others):
        if live is None or live.is_going:
            continue
        if (live.copy, live.seal, live.noted_data) != (text, seal, data):
            yield NoteClaims(data_kind().kind, live.name, live.uid, text, data, seal)


def _found(context: Context, volumes: Volumes) -> Iterator[tuple[int, Noted]]:
    """What is there, of servers that are to be and of others; not what is about to go.

    Nor what is of servers that must not start yet: nothing was ever stored on it.
    """
    claims = {claim.index: claim for claim in volumes.claims}
    for index, claim in without(claims, newcomers(context)).items():
        if claim.live is not None and not claim.held and volumes.may_be_noted(claim):
            yield index, _noted(context, index, claim.live.uid)
    empty = (volumes.left | left_empty(context)) - rejoined(context)
    others = without(volumes.others, empty)
    for index, live in others.items():
        is_lost = volumes.is_lost_beyond(index)
        if live.is_free and not is_lost:
            yield index, _noted(context, index, live.uid)


def _noted(context: Context, index: int, uid: str) -> Noted:
    return Noted(beginning(uid), context.desired.target.origins.get(index, ""))
