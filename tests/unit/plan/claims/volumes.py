"""Clusters with volumes as the planning layer sees them."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec

from natsctl.model import names
from natsctl.model.objects import Cluster, Object, PersistentVolumeClaim, Pod
from natsctl.model.server_identity import claim_index, claim_name
from natsctl.model.slim import slim
from natsctl.plan.actions import NoteClaims
from natsctl.plan.claims.data import Data, data_text, fields_of, parse_data
from natsctl.plan.claims.data_to_note import current_data, wanted_data
from natsctl.plan.claims.note import Noted, beginning, copy_text, note_text, parse_note
from natsctl.plan.claims.stored import stored_of
from natsctl.plan.rules.claims import note_claims
from natsctl.plan.servers.server import has_store
from natsctl.plan.state import ClusterState
from natsctl.render.config.jetstream import file_limit
from natsctl.render.objects.owned_objects import budget_kind, data_kind, owned_objects
from tests.unit.plan.world import NAME, UID, cluster_state, context, decided, pod, stamped

SPEC: dict[str, Any] = {"size": 3, "version": "2.14.10", "jetstream": {}}
EARLIER = "7e57ab1e-earlier"
"""The uid of a NatsCluster of the same name that is gone."""


def uid_of(index: int) -> str:
    return f"{index:06}-volume"


def claim(
    index: int,
    *,
    of: str = UID,
    spec: dict[str, Any] | None = None,
    phase: str = "Bound",
    **meta: Any,
) -> PersistentVolumeClaim:
    """As natsctl made it for this or an earlier cluster, with a volume."""
    goal = cluster_state(spec or SPEC).desired
    assert goal is not None
    target = attrs.evolve(goal.target, uid=of)
    made = next(
        o for o in owned_objects(target) if o["metadata"]["name"] == claim_name(NAME, index)
    )
    manifest = dict(stamped(made).manifest)
    manifest["metadata"] = (
        manifest["metadata"] | {"uid": uid_of(index), "resourceVersion": "1"} | meta
    )
    manifest["status"] = {"phase": phase, "capacity": {"storage": "10Gi"}}
    return slim(msgspec.convert(manifest, PersistentVolumeClaim))


def noted(*indexes: int, origin: str = "") -> str:
    """The note of servers that have what `claim` makes."""
    return note_text({index: Noted(beginning(uid_of(index)), origin) for index in indexes})


def with_copy(found: PersistentVolumeClaim, note: str, of: str = UID) -> PersistentVolumeClaim:
    """The claim with a copy of this note, as the NatsCluster `of` wrote it."""
    copy = copy_text(of, parse_note(note) or {})
    return annotated_claim(found, **{names.CLAIMS_ANNOTATION: copy})


def with_data(
    found: PersistentVolumeClaim, spec: dict[str, Any] | None = None, **changes: Any
) -> PersistentVolumeClaim:
    """The claim of a volume on which servers of this spec stored something."""
    goal = cluster_state(spec or SPEC).desired
    assert goal is not None
    spec_, version = goal.target.spec, goal.target.version.text
    assert spec_.jetstream is not None
    limit = file_limit(goal.target, spec_.jetstream)
    data = attrs.evolve(Data(fields_of(spec_), spec_.size, version, limit), **changes)
    return annotated_claim(found, **{names.DATA_ANNOTATION: data_text(data)})


def annotated_claim(found: PersistentVolumeClaim, **notes: str) -> PersistentVolumeClaim:
    texts = {**(found.metadata.annotations or {}), **notes}
    meta = msgspec.structs.replace(found.metadata, annotations=texts)
    return msgspec.structs.replace(found, metadata=meta)


def noted_data(found: PersistentVolumeClaim) -> str:
    return found.metadata.annotation(names.DATA_ANNOTATION) or ""


def has_copy(found: PersistentVolumeClaim) -> bool:
    return found.metadata.annotation(names.CLAIMS_ANNOTATION) is not None


def volumes(
    *claims: PersistentVolumeClaim,
    note: str | None = "none",
    copies: bool = True,
    pods: tuple[Pod, ...] = (),
    spec: dict[str, Any] | None = None,
    known: bool = True,
    accepts: str = "",
) -> ClusterState:
    """A cluster with these claims and this note on its Secret; `accepts`: what may be empty.

    `copies`: each claim has one of the note and tells what its data depends on, unless it tells
    something itself, or nothing is noted.
    """
    if copies and note not in (None, "none"):
        claims = tuple(each if has_copy(each) else with_copy(each, note or "") for each in claims)
        claims = _described(claims, cluster_state(spec or SPEC, pods), note or "")
    found = cluster_state(spec or SPEC, pods)
    assert found.desired is not None
    (secret,) = found.owned["Secret"].values()
    notes = {**(secret.metadata.annotations or {}), names.CLAIMS_ANNOTATION: note}
    meta = msgspec.structs.replace(
        secret.metadata,
        uid="secret",
        annotations={key: text for key, text in notes.items() if text is not None},
    )
    owned: dict[str, dict[str, Object]] = {kind: dict(all_) for kind, all_ in found.owned.items()}
    owned["Secret"] = {NAME: msgspec.structs.replace(secret, metadata=meta)}
    owned[data_kind().kind] = {each.metadata.name: each for each in claims}
    if not known:
        del owned[data_kind().kind]
    stored = stored_of(found.cluster, claims, (note, "") if note else None)
    goal = attrs.evolve(found.desired.target, origins=stored.origins)
    if goal.spec.jetstream is not None:
        grown = stored.grown(goal.spec.jetstream, goal.spec.size)
        goal = attrs.evolve(goal, inputs=attrs.evolve(goal.inputs, volume=grown))
    wanted = tuple(stamped(manifest) for manifest in owned_objects(goal))
    desired = attrs.evolve(found.desired, target=goal, objects=wanted)
    cluster = annotated(found.cluster, accepts)
    return attrs.evolve(found, cluster=cluster, owned=owned, desired=desired)


def after(state: ClusterState) -> ClusterState:
    """The same once its notes are written; the Secret may be another one by now."""
    owned = {kind: dict(found) for kind, found in state.owned.items()}
    for action in decided(note_claims, state):
        assert isinstance(action, NoteClaims)
        live = owned[action.kind][action.name]
        texts = {**(live.metadata.annotations or {}), names.CLAIMS_ANNOTATION: action.text}
        texts[names.CLAIMS_SEAL_ANNOTATION] = action.seal
        texts |= {names.DATA_ANNOTATION: action.data} if action.data else {}
        meta = msgspec.structs.replace(live.metadata, annotations=texts)
        owned[action.kind][action.name] = msgspec.structs.replace(live, metadata=meta)
    return attrs.evolve(state, owned=owned)


def _described(
    claims: tuple[PersistentVolumeClaim, ...], state: ClusterState, note: str
) -> tuple[PersistentVolumeClaim, ...]:
    """Each tells what its data depends on, as its server's pod or the spec says."""
    storing = (server for server in context(state).servers if has_store(server.pod))
    all_servers = {server.index: server for server in storing}
    wanted = wanted_data(context(state), parse_note(note) or {})
    assert state.desired is not None
    goal = state.desired.target

    def described(found: PersistentVolumeClaim) -> PersistentVolumeClaim:
        index = claim_index(NAME, found.metadata.name) or 0
        noted = parse_data(noted_data(found))
        data = current_data(wanted(index), goal, all_servers.get(index), noted)
        return annotated_claim(found, **{names.DATA_ANNOTATION: data_text(data)})

    return tuple(each if noted_data(each) else described(each) for each in claims)


def without_budget(state: ClusterState) -> ClusterState:
    """The same while nothing is known of its PodDisruptionBudget: nothing is done about it."""
    kind = budget_kind().kind
    return attrs.evolve(state, owned={k: own for k, own in state.owned.items() if k != kind})


def annotated(cluster: Cluster, accepts: str) -> Cluster:
    notes = {names.NEW_VOLUME_ANNOTATION: accepts} if accepts else None
    meta = msgspec.structs.replace(cluster.metadata, annotations=notes)
    return msgspec.structs.replace(cluster, metadata=meta)


def servers(*indexes: int, ready: bool = True) -> tuple[Pod, ...]:
    return tuple(pod(index, SPEC, ready=ready) for index in indexes)


def all_claims(**meta: Any) -> tuple[PersistentVolumeClaim, ...]:
    return tuple(claim(index, **meta) for index in (1, 2, 3))
