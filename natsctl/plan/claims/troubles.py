"""What a person has to look at in the volumes of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.plan.claims.growth_words import growth_troubles
from natsctl.plan.claims.volumes import Trouble, volumes_of
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from natsctl.plan.context import Context

UNREADABLE = Trouble(
    "VolumesNotRead",
    f"{data_kind().plural} cannot be read, so no volume is made: allow natsctl to get, list, "
    "watch, create and patch them (chart value rbac.persistentVolumeClaims)",
)


def volume_troubles(context: Context) -> tuple[Trouble, ...]:
    """What needs a person's eye; nothing for a cluster without volumes."""
    volumes = volumes_of(context)
    if volumes is None:
        return ()
    if not volumes.known:
        return (UNREADABLE,)
    edited = () if volumes.note is not None else (_edited(context),)
    told = (claim.trouble for claim in volumes.claims if claim.trouble is not None)
    return (*edited, *told, *growth_troubles(context))


def _edited(context: Context) -> Trouble:
    name = context.state.cluster.metadata.name
    text = (
        f"annotation {names.CLAIMS_ANNOTATION} of Secret {name}, which says what volumes there "
        "were, cannot be read: if all volumes are there, remove it, and natsctl writes it again"
    )
    return Trouble("VolumeNoteUnreadable", text)
