"""Clusters as the planning layer sees them, built in a line or two."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar, overload

import attrs
import msgspec

from natsctl.api.parse import parse_spec
from natsctl.api.problems import Problem
from natsctl.api.release import meant_version
from natsctl.api.types.status import ClusterStatus, parse_status
from natsctl.model import names
from natsctl.model.objects import Cluster, Meta, Object, Pod, Secret
from natsctl.model.observation import Observation
from natsctl.model.slim import slim
from natsctl.plan.actions import Action
from natsctl.plan.context import Context, context_of
from natsctl.plan.engine import plan
from natsctl.plan.rules.rule import Decision
from natsctl.plan.servers.server import run_id, servers_of
from natsctl.plan.state import ClusterState, Desired, Failure, OwnedObject
from natsctl.render.objects.owned_objects import owned_kind, owned_kinds, owned_objects
from natsctl.render.pod.pod import pod as render_pod
from natsctl.render.revision.revision import revision
from natsctl.render.target import Target

NAMESPACE, NAME, UID = "ns", "c", "uid-of-c"
NOW = "2026-01-01T00:00:00Z"
# What tests call the objects that stand, by their kinds.
KINDS = {"services": "Service", "secrets": "Secret", "policies": "NetworkPolicy"}
Spec = Mapping[str, Any]
A = TypeVar("A", bound=Action)


def target(spec: Spec) -> Target:
    return _target(msgspec.json.encode(spec))


@cache
def _target(encoded: bytes) -> Target:
    """Kept, because the simulations look at few specs very often."""
    parsed = parse_spec(msgspec.json.decode(encoded))
    return Target(NAMESPACE, NAME, UID, parsed, meant_version(parsed))


def desired(spec: Spec, advice: str = "") -> Desired:
    return _desired(msgspec.json.encode(spec), advice)


@cache
def _desired(encoded: bytes, advice: str) -> Desired:
    goal = _target(encoded)
    return Desired(
        target=goal,
        objects=tuple(stamped(manifest) for manifest in owned_objects(goal)),
        revision=revision(goal),
        advice=advice,
    )


@cache
def _owned(encoded: bytes) -> dict[str, dict[str, Object]]:
    """What stands if everything is as it should be, by kind and name."""
    owned: dict[str, dict[str, Object]] = {entry.kind: {} for entry in owned_kinds()}
    for each in _desired(encoded, "").objects:
        live = slim(msgspec.convert(each.manifest, owned_kind(each.kind).projection))
        owned[each.kind][each.name] = live
    return owned


def stamped(manifest: dict[str, Any]) -> OwnedObject:
    annotations = manifest["metadata"].get("annotations", {})
    digest = str(hash(msgspec.json.encode(manifest, order="deterministic")))
    meta = manifest["metadata"] | {"annotations": annotations | {names.APPLIED_ANNOTATION: digest}}
    return OwnedObject(manifest | {"metadata": meta}, digest)


def pod(index: int, spec: Spec, *, ready: bool = True, run: int = 0, **status: Any) -> Pod:
    """A pod as the operator would make it, run by a kubelet."""
    manifest = render_pod(target(spec), index)
    manifest["metadata"] |= {"uid": f"pod-{index}-{run}", "resourceVersion": "1"}
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    manifest["status"] = {
        "phase": "Running",
        "podIP": f"10.0.{run}.{index}",
        "conditions": [condition],
        "containerStatuses": [{"name": "nats", "ready": ready, "restartCount": 0}],
    } | status
    return msgspec.convert(manifest, Pod)


def changed(found: Pod, **meta: Any) -> Pod:
    """The same pod with other metadata."""
    return msgspec.structs.replace(found, metadata=msgspec.structs.replace(found.metadata, **meta))


def terminating(found: Pod, since: str = NOW) -> Pod:
    return changed(found, deletion_timestamp=since)


def answers(*pods: Pod, asked: float = 100.0, **changes: Observation) -> dict[str, Observation]:
    """A full mesh: every server holds a route to every other, and runs what its label says."""
    ids = frozenset(p.metadata.uid for p in pods)
    return {
        p.metadata.uid: Observation(
            server_id=p.metadata.uid,
            version=p.metadata.label(names.LABEL_VERSION) or "",
            route_peers=ids - {p.metadata.uid},
            asked=asked,
            run_id=run_id(p),
        )
        for p in pods
    } | changes


def cluster_state(
    spec: Spec,
    pods: tuple[Pod, ...] = (),
    observations: Mapping[str, Observation] | None = None,
    **changes: Any,
) -> ClusterState:
    """A cluster whose Services and Secret are as they should be, at monotonic time 100."""
    goal = desired(spec)
    cluster = Cluster(
        metadata=Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1, resource_version="1"),
        spec=dict(spec),
    )
    owned = {kind: dict(found) for kind, found in _owned(msgspec.json.encode(spec)).items()}
    made = ClusterState(
        cluster=cluster,
        status=ClusterStatus(),
        desired=goal,
        paused=goal.target.spec.paused,
        owned=owned,
        pods=pods,
        observations=answers(*pods) if observations is None else observations,
        now=100.0,
        timestamp=NOW,
        quiet=60.0,
    )
    return evolved(made, **changes)


def evolved(found: ClusterState, **changes: Any) -> ClusterState:
    """The same with changes; `services`, `secrets` and `policies` are what stands of a kind."""
    stands = {KINDS[name]: changes.pop(name) for name in changes.keys() & KINDS.keys()}
    return attrs.evolve(found, owned={**found.owned, **stands}, **changes)


def running(spec: Spec, **changes: Any) -> ClusterState:
    """A cluster that is what its spec says."""
    return cluster_state(spec, tuple(pod(i, spec) for i in range(1, spec["size"] + 1)), **changes)


def invalid(**changes: Any) -> ClusterState:
    """A cluster with a spec nobody can use."""
    problem = Problem("spec.size", "three", "use a number")
    return cluster_state({"size": 1}, desired=None, problems=(problem,), **changes)


def context(state: ClusterState) -> Context:
    """What rules decide from."""
    found = context_of(state, servers_of(state))
    assert found is not None
    return found


def all_of(kind: type[A], actions: Iterable[Action]) -> tuple[A, ...]:
    """These actions, all of which have to be of this kind."""
    given = tuple(actions)
    found = tuple(action for action in given if isinstance(action, kind))
    assert found == given
    return found


@overload
def decided(rule: Callable[[Context], Decision], state: ClusterState) -> tuple[Action, ...]: ...


@overload
def decided(
    rule: Callable[[Context], Decision], state: ClusterState, kind: type[A]
) -> tuple[A, ...]: ...


def decided(
    rule: Callable[[Context], Decision], state: ClusterState, kind: type[Action] | None = None
) -> tuple[Action, ...]:
    """What a rule wants done; all of it has to be of the kind that is given."""
    actions = rule(context(state)).actions
    return actions if kind is None else all_of(kind, actions)


def planned(state: ClusterState) -> list[Action]:
    """What a plan wants done, in its order."""
    return [action for stage in plan(state).stages for action in stage]


def failure(subject: str = "Secret c", reason: str = "NotOurs") -> Failure:
    return Failure(subject, reason, "belongs to somebody")


def previous(**fields: Any) -> ClusterStatus:
    return attrs.evolve(parse_status(None), **fields)


def changed_secret(found: Secret, **meta: Any) -> Secret:
    """The same Secret with other metadata."""
    return msgspec.structs.replace(found, metadata=msgspec.structs.replace(found.metadata, **meta))
