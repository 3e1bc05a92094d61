"""Clusters whose spec asks for other volumes than there are."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec

from natsctl.model.objects import (
    Amounts,
    ClaimResources,
    ClaimStatus,
    PersistentVolumeClaim,
    PodCondition,
    ResourceStatuses,
)
from natsctl.plan.growth_refused import GrowthRefused, Words, refused
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.volumes import SPEC, claim, noted, uid_of, volumes
from tests.unit.plan.world import pod

GI = 2**30
CLASS = (
    'persistentvolumeclaims "js-c-1" is forbidden: only dynamically provisioned pvc can be resized '
    "and the storageclass that provisions the pvc must support resize"
)


def spec_of(size: str, **store: Any) -> dict[str, Any]:
    """Three servers with volumes of this size."""
    return SPEC | {"jetstream": {"fileStore": {"pvc": {"size": size}, **store}}}


def sized(
    index: int,
    asked: str = "10Gi",
    there: str | None = "10Gi",
    *,
    condition: str = "",
    words: str = "",
    status: str = "",
    **made: Any,
) -> PersistentVolumeClaim:
    """A claim that asks for so much and has so much."""
    found = claim(index, **made)
    said = (PodCondition(type=condition, status="True", message=words),) if condition else None
    fresh = ClaimStatus(
        phase=found.status.phase,
        capacity=Amounts(there) if there is not None else None,
        allocated_resource_statuses=ResourceStatuses(status) if status else None,
        conditions=said,
    )
    asking = msgspec.structs.replace(found.spec, resources=ClaimResources(Amounts(asked)))
    return msgspec.structs.replace(found, spec=asking, status=fresh)


def wanting(size: str, *claims: PersistentVolumeClaim, **changes: Any) -> ClusterState:
    """Three servers that are well, whose spec asks for this size."""
    indexes = sorted({int(each.metadata.name.rpartition("-")[2]) for each in claims})
    given: dict[str, Any] = {"note": noted(*indexes), "spec": spec_of(size)} | changes
    return volumes(*claims, pods=tuple(pod(index, given["spec"]) for index in (1, 2, 3)), **given)


def refusing(state: ClusterState, size: int, text: str = CLASS, ago: float = 0.0) -> ClusterState:
    """The same after the API server said this to the first claim, so many seconds ago."""
    said = refused(Words(size, "Forbidden", f'"{text}"'), None, state.now - ago)
    growths: dict[str, GrowthRefused] = {uid_of(1): said}
    return attrs.evolve(state, growths=growths)
