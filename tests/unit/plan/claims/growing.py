"""Clusters whose spec asks for other volumes than there are."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec

from natsctl.model.jetstream import Usage, Volume
from natsctl.model.jetstream_look import Look
from natsctl.model.objects import (
    Amounts,
    ClaimResources,
    ClaimStatus,
    PersistentVolumeClaim,
    PodCondition,
    ResourceStatuses,
)
from natsctl.model.server_identity import server_name
from natsctl.plan.gates.quorum import Quorum, State
from natsctl.plan.gates.seen import Seen
from natsctl.plan.gates.summary import Summary
from natsctl.plan.growth_refused import GrowthRefused, Words, refused
from natsctl.plan.servers.server import runs_of
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.volumes import SPEC, claim, noted, uid_of, volumes
from tests.unit.plan.world import NAME, UID, pod

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


def growing_to(most: str = "100Gi", size: str = "10Gi", **growth: int) -> dict[str, Any]:
    """Three servers whose volumes grow by themselves."""
    return spec_of(size, growth={"maxSize": most, **growth})


def by_itself(*claims: PersistentVolumeClaim, **changes: Any) -> ClusterState:
    """The same cluster with these claims, which nobody has asked how full they are."""
    return wanting("10Gi", *claims, **{"spec": growing_to()} | changes)


def filled(
    state: ClusterState,
    used: int = 0,
    limit: int = 7 * GI,
    disk: Volume | None = None,
    *,
    ago: float = 1.0,
    server: str = "c-2",
) -> ClusterState:
    """The same after looks at which one server told this: bytes of its store, and of its disk."""
    names = {server_name(NAME, UID, index): f"c-{index}" for index in range(1, 5)}
    full = next(name for name, pod_name in names.items() if pod_name == server)
    files = {next(iter(names)): Usage(0, limit), full: Usage(used, limit)}
    summary = Summary(file=files, volumes={full: disk} if disk is not None else {})
    at = state.now - ago
    looks = tuple(Look(began, {}, runs_of(state.pods)) for began in (at - 2, at))
    told = Seen(at=at, quorum=Quorum(State.OK), summary=summary, pods=names)
    return attrs.evolve(state, seen=told, jetstream=looks)
