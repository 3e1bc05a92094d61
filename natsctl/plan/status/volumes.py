"""Condition VolumesReady: whether every server has its volume, and what is wrong if not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model.foreign import named
from natsctl.model.quantity import bytes_text, parse_bytes
from natsctl.model.words import listed
from natsctl.plan.claims.troubles import volume_troubles
from natsctl.plan.claims.volumes import BOUND, volumes_of
from natsctl.plan.status.conditions import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.claims.volumes import ServerClaim, Volumes
    from natsctl.plan.context import Context


def volumes_ready(context: Context) -> Verdict | None:
    """None for a cluster without volumes."""
    volumes = volumes_of(context)
    if volumes is None:
        return None
    if troubles := volume_troubles(context):
        status = "False" if volumes.known else "Unknown"
        return Verdict(status, troubles[0].reason, listed([t.message for t in troubles]))
    unbound = [c.name for c in volumes.claims if c.live is None or c.live.status.phase != BOUND]
    if unbound:
        return Verdict("False", "VolumesNotBound", f"waiting for volumes: {listed(unbound)}")
    remarks = listed([*_differences(volumes), *_kept(context, volumes)])
    return Verdict("True", "VolumesDiffer" if remarks else "AllVolumesBound", remarks)


def _differences(volumes: Volumes) -> Iterator[str]:
    """What the spec asks for and a claim keeps."""
    for claim in volumes.claims:
        yield from _difference(claim)


def _difference(claim: ServerClaim) -> Iterator[str]:
    assert claim.live is not None
    spec, live = claim.wanted.manifest["spec"], claim.live.spec
    wanted, there = _bytes(spec["resources"]["requests"]["storage"]), _bytes(claim.live.requested)
    if wanted is not None and there is not None and wanted > there:
        yield f"{claim.name} keeps {bytes_text(there)}: natsctl does not grow volumes yet"
    chosen = spec.get("storageClassName", live.storage_class_name)
    if chosen != live.storage_class_name:
        yield f"{claim.name} keeps storage class {named(live.storage_class_name or 'none')}"


def _bytes(quantity: str) -> int | None:
    try:
        return parse_bytes(quantity)
    except ValueError:
        return None


def _kept(context: Context, volumes: Volumes) -> Iterator[str]:
    """Volumes of servers that were removed."""
    policy = context.desired.target.spec.persistent_volume_claim_retention_policy
    left = [claim.metadata.name for claim in volumes.others.values()]
    if left and policy is not None and policy.when_scaled == "Delete":
        yield (
            f"{listed(left)} of removed servers are kept, because natsctl does not delete volumes "
            "yet: delete them yourself if you do not need the data"
        )
