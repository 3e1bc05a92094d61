"""Condition VolumesReady: whether every server has its volume, and what is wrong if not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.api.types.status import VolumeStatus
from natsctl.model.foreign import named
from natsctl.model.quantity import bytes_of, bytes_text
from natsctl.model.words import listed
from natsctl.plan.claims.growth import growth_of
from natsctl.plan.claims.growth_words import (
    AT_MAXIMUM,
    by_themselves,
    earlier_key,
    filled,
    kept,
    progress,
    renewal,
)
from natsctl.plan.claims.remedies import volume_troubles
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.departures.note import departed_of
from natsctl.plan.departures.unneeded import goes_with_servers
from natsctl.plan.servers.identity import of_others, without
from natsctl.plan.status.conditions import Verdict
from natsctl.plan.status.filled import with_use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.claims.live import LiveClaim
    from natsctl.plan.claims.server_claims import ServerClaim, Volumes
    from natsctl.plan.context import Context


def volumes_ready(context: Context) -> Verdict | None:
    """None for a cluster without volumes."""
    volumes = volumes_of(context)
    if volumes is None:
        return None
    if troubles := volume_troubles(context):
        status = "False" if volumes.known else "Unknown"
        return Verdict(status, troubles[0].reason, listed([t.message for t in troubles]))
    unbound = [c.name for c in volumes.claims if c.live is None or not c.live.is_bound]
    if unbound:
        return Verdict("False", "VolumesNotBound", f"waiting for volumes: {listed(unbound)}")
    if growing := progress(growth_of(context)):
        return Verdict("True", "VolumesGrowing", listed(growing))
    if replacing := renewal(context):
        return Verdict("True", "VolumesReplacing", listed(replacing))
    differ = (*_differences(context, volumes), *_kept(context, volumes))
    if filling := filled(context):
        return Verdict("True", AT_MAXIMUM, listed([filling, *differ]))
    remarks = listed([*by_themselves(context), *differ])
    return Verdict("True", "VolumesDiffer" if remarks else "AllVolumesBound", remarks)


def _differences(context: Context, volumes: Volumes) -> Iterator[str]:
    """What the spec asks for and a claim keeps."""
    for claim in volumes.claims:
        yield from _size(context, claim)
        yield from _class(claim)
        if why := earlier_key(context, claim):
            yield why


def _size(context: Context, claim: ServerClaim) -> Iterator[str]:
    """A volume of another size that stays so."""
    assert claim.live is not None
    wanted, asked = bytes_of(claim.size), claim.live.asked
    if wanted > asked > 0 and (why := kept(context, claim, asked)):
        yield why
    if asked > wanted:
        yield f"{claim.name} asks for {bytes_text(asked)}, more than the spec, and cannot shrink"


def _class(claim: ServerClaim) -> Iterator[str]:
    assert claim.live is not None
    spec, live = claim.wanted.manifest["spec"], claim.live.object.spec
    chosen = spec.get("storageClassName", live.storage_class_name)
    if chosen != live.storage_class_name:
        yield f"{claim.name} keeps storage class {named(live.storage_class_name or 'none')}"


def _kept(context: Context, volumes: Volumes) -> Iterator[str]:
    """Volumes of servers that were removed, though volumes are to go with their servers."""
    gone = without(volumes.others, departed_of(context))
    others = of_others(gone, context.servers, context.size).values()
    if others and goes_with_servers(context):
        left = listed([claim.name for claim in others])
        yield (
            f"{left} of removed servers are kept: natsctl deletes only the volume of a server that "
            "leaves, proven to be empty, while whenScaled is Delete, and needs chart value "
            "rbac.deletePersistentVolumeClaims for that; delete them yourself if you do not need "
            "the data"
        )


def server_volumes(context: Context) -> dict[int, VolumeStatus]:
    """By index, the volume of each server that has one, whatever is wrong with it."""
    volumes = volumes_of(context)
    claims = volumes.claims if volumes is not None else ()
    there = {claim.index: _volume(claim.live) for claim in claims if claim.live is not None}
    return with_use(context, there)


def _volume(live: LiveClaim) -> VolumeStatus:
    return VolumeStatus(live.name, live.object.requested, live.capacity)
