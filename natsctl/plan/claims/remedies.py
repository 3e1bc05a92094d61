"""What a person has to look at in the volumes of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.model import names
from natsctl.model.words import listed
from natsctl.plan.claims.empty import accepted, unstarted, why_not_yet
from natsctl.plan.claims.faults import REPLACING
from natsctl.plan.claims.growth_words import growth_troubles
from natsctl.plan.claims.server_claims import ALL, Trouble
from natsctl.plan.claims.volumes import volumes_of
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.plan.claims.server_claims import ServerClaim, Volumes
    from natsctl.plan.context import Context

UNREADABLE = Trouble(
    "VolumesNotRead",
    f"{data_kind().plural} cannot be read, so no volume is made: allow natsctl to get, list, "
    "watch, create and patch them (chart value rbac.persistentVolumeClaims)",
)

JUDGED = 4
"""Claims of which all groups are judged for what is told: their servers start one after the other.
"""
OTHERS_FIRST = "the servers before it start first"


def volume_troubles(context: Context) -> tuple[Trouble, ...]:
    """What needs a person's eye; nothing for a cluster without volumes."""
    volumes = volumes_of(context)
    if volumes is None:
        return ()
    if not volumes.known:
        return (UNREADABLE,)
    edited = () if volumes.note is not None else (_edited(context),)
    waiting = unstarted(volumes)
    told = (_told(context, volumes, claim, waiting) for claim in volumes.claims)
    found = (trouble for trouble in told if trouble is not None)
    return (*edited, *found, *growth_troubles(context))


def _told(
    context: Context, volumes: Volumes, claim: ServerClaim, waiting: Sequence[ServerClaim]
) -> Trouble | None:
    """What is wrong with one, and what to do about it."""
    if claim.trouble is not None and claim.trouble.reason == REPLACING:
        waits = listed((*_deleted(claim), *why_not_yet(context, claim)))
        text = f"{claim.trouble.message}{': ' if waits else ''}{waits}"
        return attrs.evolve(claim.trouble, message=text)
    if claim.trouble is not None and claim.lost:
        remedy = _remedy(context, volumes, claim)
        return attrs.evolve(claim.trouble, message=f"{claim.trouble.message}: {remedy}")
    if claim.trouble is None and claim.replaces and claim.starts:
        is_judged = claim in waiting[:JUDGED]
        waits = listed(why_not_yet(context, claim) if is_judged else (OTHERS_FIRST,))
        text = f"{volumes.obstacle(claim)}; its server does not start with it yet: {waits}"
        return Trouble("VolumeEmpty", f"{text}; {_restored(context, claim)}") if waits else None
    return claim.trouble


def _deleted(claim: ServerClaim) -> Iterator[str]:
    """That what natsctl deleted is still there: nothing else tells who keeps it."""
    if claim.live is not None and claim.live.is_going:
        meta = claim.live.object.metadata
        yield (
            "the claim was deleted and is still there; if that lasts, look at its finalizers with "
            f"kubectl get pvc {meta.name} --namespace {meta.namespace} --output yaml"
        )


def _remedy(context: Context, volumes: Volumes, claim: ServerClaim) -> str:
    """How to go on after a loss: nobody but the user may say that a volume is to be empty."""
    meta, token = context.state.cluster.metadata, volumes.token
    decided = meta.annotation(names.NEW_VOLUME_ANNOTATION) == token
    there = next((it for it in volumes.claims if it.is_remade), None)
    if volumes.is_new and there is not None and not decided:
        return f"restore it, too: servers start once all are there; {_restored(context, there)}"
    if not token:
        return (
            "restore it (more than one is missing, and empty ones could cost the rest their data)"
        )
    if not volumes.gives_all_up and (waits := listed(why_not_yet(context, claim))):
        given = accepted(context, volumes) is not None
        empty = "the empty volume that you accepted" if given else "an empty volume"
        return f"restore it; {empty} has to wait: {waits}"
    command = f"kubectl annotate natscluster {meta.name} --namespace {meta.namespace} --overwrite"
    what = "empty volumes for all servers" if token.startswith(ALL) else "an empty volume"
    return f"restore it, or accept {what}: {command} {names.NEW_VOLUME_ANNOTATION}={token}"


def _restored(context: Context, claim: ServerClaim) -> str:
    """What nobody but the user may say: one that was restored looks like one that is empty."""
    assert claim.live is not None
    namespace = context.state.cluster.metadata.namespace
    command = f"kubectl annotate pvc {claim.name} --namespace {namespace} --overwrite"
    return (
        f"if {claim.name} has the data, because somebody restored it, say so: {command} "
        f"{claim.live.restored_word}"
    )


def _edited(context: Context) -> Trouble:
    name = context.state.cluster.metadata.name
    text = (
        f"annotation {names.CLAIMS_ANNOTATION} of Secret {name}, which says what volumes there "
        "were, cannot be read: if all volumes are there, remove it, and natsctl writes it again"
    )
    return Trouble("VolumeNoteUnreadable", text)
