"""A cluster of five servers with streams that is to have three, at moments of the way."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec

from natsctl.api.types.status import ClusterStatus
from natsctl.model import names
from natsctl.model.jetstream import JetStreamReport, Meta, Replica
from natsctl.model.jetstream_look import Look
from natsctl.model.objects import PersistentVolumeClaim, Pod
from natsctl.plan.claims.data import data_text, parse_data
from natsctl.plan.gates.verdict import Purpose
from natsctl.plan.overrides import override_value
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.volumes import (
    annotated_claim,
    claim,
    noted,
    noted_data,
    volumes,
    without_budget,
)
from tests.unit.plan.looks import NAMES, Named
from tests.unit.plan.restarts.test_gated import BEGUN, process
from tests.unit.plan.world import NAME, context

FIVE: dict[str, Any] = {"size": 5, "version": "2.12.15", "jetstream": {}}
THREE = FIVE | {"size": 3}
C1, C2, C3, C4, C5 = list(NAMES.values())[:5]
LEFT = Replica(C5, current=False, offline=True, active=30.0)
"""How the meta leader lists a server that is gone."""


@attrs.define
class Shrinking(Named):
    """The toy cluster; `ghosts` are members of the meta group that are no servers, or are away."""

    size: int = 5
    ghosts: list[Replica] = attrs.field(factory=list)
    version: str = "2.12.15"
    hidden: set[str] = attrs.field(factory=set)
    """Servers that the meta leader does not list."""

    def report(self, name: str) -> JetStreamReport:
        """What a server says."""
        said = attrs.evolve(super().report(name), version=self.version)
        if said.meta is None:
            return said
        if name != self.meta_leader:
            known = len(set(self.names) - self.hidden) + len(self.ghosts)
            meta = attrs.evolve(said.meta, size=known)
            return attrs.evolve(said, meta=meta)
        listed = [it for it in said.meta.replicas if it.name not in self.hidden]
        replicas = (*listed, *self.ghosts)
        return attrs.evolve(said, meta=Meta(name, replicas, size=len(replicas) + 1))


def servers(count: int = 5) -> tuple[Pod, ...]:
    """Their pods, which run."""
    return tuple(process(index, FIVE) for index in range(1, count + 1))


def state_of(
    world: Named,
    spec: Any = THREE,
    pods: tuple[Pod, ...] | None = None,
    departed: str = "",
    claims: tuple[int, ...] = (1, 2, 3, 4, 5),
    noted_as: tuple[int, ...] | None = None,
    **changes: Any,
) -> ClusterState:
    """The cluster at a moment at which both looks are fresh.

    `noted_as`: which servers are noted to have had a volume, if not all that have a claim.
    """
    standing = servers(world.size) if pods is None else pods
    looks = []
    for _ in range(2):
        look = world.look()
        told = {p.metadata.uid: look.reports[n] for n, p in zip(world.names, standing, strict=True)}
        looks.append(Look(look.began, told))
    there = [claim(index, spec=FIVE) for index in claims]
    found = without_budget(
        volumes(*there, note=noted(*(noted_as or claims)), pods=standing, spec=spec)
    )
    made = attrs.evolve(found, jetstream=tuple(looks), now=looks[-1].began + 0.5, **changes)
    seen = {uid: attrs.evolve(it, asked=made.now - 0.2) for uid, it in made.observations.items()}
    return with_note(attrs.evolve(made, observations=seen), departed)


def with_note(state: ClusterState, departed: str, claims: str = "") -> ClusterState:
    """The same with a note of who left empty; and with which claims that are to go."""
    secret = state.secrets[NAME]
    notes = {**(secret.metadata.annotations or {}), names.DEPARTED_ANNOTATION: departed}
    notes |= {names.DEPARTED_VOLUMES_ANNOTATION: claims} if claims else {}
    meta = msgspec.structs.replace(secret.metadata, annotations=notes)
    owned = {**state.owned, "Secret": {NAME: msgspec.structs.replace(secret, metadata=meta)}}
    return attrs.evolve(state, owned=owned)


def begun(state: ClusterState) -> ClusterState:
    """The same if nothing was broken when servers began to restart."""
    return attrs.evolve(state, status=ClusterStatus(jetstream=BEGUN))


def overridden(state: ClusterState, *whys: str) -> ClusterState:
    """The same with annotations of the NatsCluster that let c-5 leave in spite of these."""
    (server,) = [it for it in context(state).servers if it.index == 5]
    value = override_value(context(state), server, Purpose.REMOVE)
    annotations = {f"nats.io/override-{why}": value for why in whys}
    meta = msgspec.structs.replace(state.cluster.metadata, annotations=annotations)
    return attrs.evolve(state, cluster=msgspec.structs.replace(state.cluster, metadata=meta))


def changed_claim(index: int, state: ClusterState, **notes: str) -> ClusterState:
    """The same if the claim of this server says something else."""
    claims = dict(state.owned["PersistentVolumeClaim"])
    found = claims[f"js-c-{index}"]
    assert isinstance(found, PersistentVolumeClaim)
    claims[f"js-c-{index}"] = annotated_claim(found, **notes)
    return attrs.evolve(state, owned={**state.owned, "PersistentVolumeClaim": claims})


def with_data_of(index: int, state: ClusterState, **changes: Any) -> ClusterState:
    """The same if what a server stored depends on something else."""
    found = state.owned["PersistentVolumeClaim"][f"js-c-{index}"]
    assert isinstance(found, PersistentVolumeClaim)
    data = parse_data(noted_data(found))
    assert data is not None
    text = data_text(attrs.evolve(data, **changes))
    return changed_claim(index, state, **{names.DATA_ANNOTATION: text})
