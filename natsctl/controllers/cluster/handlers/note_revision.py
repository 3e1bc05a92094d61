"""Notes on pods, claims and the config Secret what runs or is there; no server notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.handlers.handler import (
    DONE,
    Handler,
    HandlerContext,
    Result,
    silent,
)
from natsctl.controllers.cluster.handlers.writes import annotate
from natsctl.controllers.watch.owned import owned_resource
from natsctl.kube.resources import PODS, SECRETS
from natsctl.model import names
from natsctl.model.departed import departed_text
from natsctl.model.words import listed
from natsctl.plan.actions import (
    AdoptServer,
    NoteClaims,
    NoteDepartures,
    NoteProof,
    ResealServer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


async def _note_revision(action: AdoptServer | ResealServer, context: HandlerContext) -> Result:
    notes = {names.REVISION_ANNOTATION: action.revision}
    await annotate(PODS, action.name, action.uid, notes, context)
    return DONE


async def _note_proof(action: NoteProof, context: HandlerContext) -> Result:
    notes = {names.PROVEN_ANNOTATION: action.content}
    await annotate(SECRETS, action.name, action.uid, notes, context)
    return DONE


async def _note_claims(action: NoteClaims, context: HandlerContext) -> Result:
    notes: dict[str, str | None] = {
        names.CLAIMS_ANNOTATION: action.text,
        names.CLAIMS_SEAL_ANNOTATION: action.seal or None,
    }
    if action.data:
        notes[names.DATA_ANNOTATION] = action.data
    await annotate(owned_resource(action.kind), action.name, action.uid, notes, context)
    return DONE


async def note_departures(action: NoteDepartures, context: HandlerContext) -> Result:
    """Write the note that is in the action, in place of what was noted before."""
    notes = {
        names.DEPARTED_ANNOTATION: departed_text(dict(action.note)),
        names.DEPARTED_VOLUMES_ANNOTATION: departed_text(dict(action.claims)) or None,
    }
    await annotate(SECRETS, action.name, action.uid, notes, context)
    return DONE


def _adopted(done: Sequence[AdoptServer]) -> Iterator[Event]:
    taken = [a.name for a in done if a.taken_over]
    if taken:
        text = f"adopted {listed(taken)} from the Go operator, left unchanged"
        yield Event("TookOverServers", text)


def _resealed(done: Sequence[ResealServer]) -> Iterator[Event]:
    text = (
        f"the operator's Secret was replaced: {listed([a.name for a in done])} keep running "
        "unchanged and get its new user when their sidecars reload them, or at the next restart"
    )
    yield Event("ReplacedKey", text)


ADOPT = Handler(AdoptServer, _note_revision, _adopted)
RESEAL = Handler(ResealServer, _note_revision, _resealed)
PROOF = Handler(NoteProof, _note_proof, silent)
CLAIMS = Handler(NoteClaims, _note_claims, silent)
DEPARTURES = Handler(NoteDepartures, note_departures, silent)
