"""The claim of a server that left empty goes, too, if the spec says so.

Which claim that is, is noted when the server is asked to go: the one that it ran with, by its whole
uid. It is deleted only after all steps of the departure: two looks show that the server is no
member, that nothing counts on it and that nobody is connected to it, and neither the Secret nor the
claim itself tells any more that anything was stored. So whenever a process ends, the claim is there
or the server is known to be a new one when it comes back. Of a server that went in any other way,
no claim is noted, and none is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.departures.note import departed_claims_of
from natsctl.plan.servers.identity import is_among
from natsctl.plan.volume_actions import DeleteClaim

if TYPE_CHECKING:
    from natsctl.plan.claims.live import LiveClaim
    from natsctl.plan.claims.note import Noted
    from natsctl.plan.context import Context
    from natsctl.plan.evidence import Evidence

DELETING: Final = "the volume of {} is being deleted"
REASON: Final = "DeletingVolume"
"""Of events."""


def goes_with_servers(context: Context) -> bool:
    """Whether the spec has claims deleted when their servers leave."""
    policy = context.desired.target.spec.persistent_volume_claim_retention_policy
    return policy is not None and policy.when_scaled == "Delete"


def to_note(context: Context, index: int) -> dict[int, str]:
    """The uid of the claim that is to go with the server of this index, which leaves empty."""
    volumes = volumes_of(context)
    if not goes_with_servers(context) or volumes is None or volumes.note is None:
        return {}
    live, noted = volumes.others.get(index), volumes.note.get(index)
    if live is None or not is_as_noted(live, noted):
        return {}
    return {index: live.uid}


def is_as_noted(claim: LiveClaim, noted: Noted | None) -> bool:
    """Whether it is the volume that the server had, and is to stay."""
    there = not claim.is_going and not claim.is_lost
    return there and noted is not None and noted.is_of(claim.uid)


def unneeded(context: Context, index: int) -> LiveClaim | None:
    """The claim to be deleted of a server that left and is no member; None: none is, or it stays.

    It stays as well if the API server refused that.
    """
    volumes = volumes_of(context)
    live = volumes.others.get(index) if volumes is not None else None
    if volumes is None or live is None or not goes_with_servers(context):
        return None
    noted, has_left = departed_claims_of(context).get(index), is_among(index, volumes.left)
    goes = live.is_free and noted == live.uid and has_left and not live.is_going
    return live if goes and not _is_refused(context, live) else None


def deletion(live: LiveClaim, pod: str, seen: Evidence) -> DeleteClaim:
    """Delete exactly this claim, as it was seen."""
    meta = live.object.metadata
    message = f"{pod} left, and whenScaled is Delete: deleting claim {meta.name}"
    return DeleteClaim(meta.name, meta.uid, meta.resource_version, message, seen, REASON)


def _is_refused(context: Context, live: LiveClaim) -> bool:
    return any(it.subject == live.what for it in context.state.failures)
