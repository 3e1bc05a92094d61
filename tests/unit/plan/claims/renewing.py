"""Clusters of which a volume is too small and cannot grow, at moments of its replacement."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec

from natsctl.model import names
from natsctl.model.objects import PersistentVolumeClaim, Pod
from natsctl.model.server_identity import claim_index
from natsctl.plan.gates.verdict import Purpose
from natsctl.plan.growth_refused import Words, refused
from natsctl.plan.overrides import override_value
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.growing import CLASS, GI, sized, spec_of
from tests.unit.plan.claims.volumes import noted, volumes, without_budget
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import NAMES, Named, looked
from tests.unit.plan.restarts.test_gated import process
from tests.unit.plan.world import NAME, NOW, context

SPEC: dict[str, Any] = spec_of("20Gi", resizePolicy="Replace")
ONE, TWO, THREE = (NAMES[f"nats-{index}"] for index in (1, 2, 3))
STOPPED, BACK = f"2=000002@{NOW}", f"2=000002!{NOW}"
DONE = sized(1, "20Gi", "20Gi", spec=SPEC)


def full(**states: State) -> Named:
    """Three servers, the first of which leads the meta group; all have a stream."""
    made = Named(states={NAMES[name.replace("_", "-")]: it for name, it in states.items()})
    made.stream("ORDERS", members=made.names)
    return made


def away() -> Named:
    """The same while the second server is away."""
    return full(nats_2=State.DOWN)


def pods(*indexes: int, spec: Any = SPEC) -> tuple[Pod, ...]:
    return tuple(process(index, spec) for index in indexes)


def claims(*indexes: int) -> tuple[PersistentVolumeClaim, ...]:
    """Those of 10Gi, but that of the first server, which was replaced."""
    return tuple(DONE if index == 1 else sized(index, spec=SPEC) for index in indexes)


def state_of(
    world: Named | None = None,
    standing: tuple[Pod, ...] | None = None,
    there: tuple[PersistentVolumeClaim, ...] | None = None,
    *,
    given: str = "",
    spec: Any = SPEC,
    said: str = CLASS,
    note: str | None = None,
    **changes: Any,
) -> ClusterState:
    """The cluster at a moment at which both looks are fresh; `given` is noted of a replacement."""
    found = claims(1, 2, 3) if there is None else there
    running = pods(1, 2, 3) if standing is None else standing
    made = volumes(*found, note=note or noted(1, 2, 3), pods=running, spec=spec)
    made = looked(with_renewal(without_budget(made), given), world or full())
    answer = refused(Words(20 * GI, "Forbidden", said), None, made.now)
    uids = [it.metadata.uid for it in found if claim_index(NAME, it.metadata.name) != 1]
    return attrs.evolve(attrs.evolve(made, growths=dict.fromkeys(uids, answer)), **changes)


def stopped(world: Named | None = None, **changes: Any) -> ClusterState:
    """The second server held nothing alone, and has stopped."""
    given = {"given": STOPPED, "standing": pods(1, 3)} | changes
    return state_of(world or away(), **given)


def with_renewal(state: ClusterState, text: str) -> ClusterState:
    """The same with this note on the config Secret."""
    secret = state.secrets[NAME]
    notes = {**(secret.metadata.annotations or {}), names.REPLACING_ANNOTATION: text}
    meta = msgspec.structs.replace(secret.metadata, annotations=notes)
    owned = {**state.owned, "Secret": {NAME: msgspec.structs.replace(secret, metadata=meta)}}
    return attrs.evolve(state, owned=owned)


def with_claim(state: ClusterState, found: PersistentVolumeClaim | None) -> ClusterState:
    """The same with another claim of the second server; None: with none."""
    all_ = {k: it for k, it in state.owned["PersistentVolumeClaim"].items() if k != "js-c-2"}
    changed = all_ if found is None else {**all_, "js-c-2": found}
    return attrs.evolve(state, owned={**state.owned, "PersistentVolumeClaim": changed})


def claim_of(state: ClusterState) -> PersistentVolumeClaim:
    """That of the second server."""
    found = state.owned["PersistentVolumeClaim"]["js-c-2"]
    assert isinstance(found, PersistentVolumeClaim)
    return found


def overridden(state: ClusterState, *whys: str, index: int = 2) -> ClusterState:
    """The same if somebody lets this server go in spite of these."""
    (server,) = [it for it in context(state).servers if it.index == index]
    value = override_value(context(state), server, Purpose.REPLACE)
    annotations = {f"nats.io/override-{why}": value for why in whys}
    meta = msgspec.structs.replace(state.cluster.metadata, annotations=annotations)
    return attrs.evolve(state, cluster=msgspec.structs.replace(state.cluster, metadata=meta))
