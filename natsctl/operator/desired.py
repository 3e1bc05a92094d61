"""From a NatsCluster as stored to what it asks for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from natsctl.api import names
from natsctl.api.parse import parse_spec, unknown_fields
from natsctl.api.problems import InvalidSpec, Problem
from natsctl.api.unsupported import unsafe_without, unsupported_fields
from natsctl.api.validate import validate
from natsctl.api.version import DEFAULT_VERSION, ServerVersion
from natsctl.plan.snapshot import Desired, Standing
from natsctl.render.conf import own_name
from natsctl.render.objects import standing_objects
from natsctl.render.revision import revision, running_named
from natsctl.render.target import Target

if TYPE_CHECKING:
    from natsctl.api.cluster import NatsClusterSpec
    from natsctl.api.status import ClusterStatus
    from natsctl.plan.objects import Cluster, Pod


ADVICE_NAMED = (
    "spec.extraRoutes was added to running servers, which keep their cluster's name: a cluster "
    "with another name refuses the routes. Create the NatsCluster anew to join one"
)


@attrs.frozen
class Understood:
    """A spec, or what is wrong with it."""

    desired: Desired | None
    problems: tuple[Problem, ...] = ()
    paused: bool = False


def understand(cluster: Cluster, before: ClusterStatus, pods: tuple[Pod, ...]) -> Understood:
    """Read a NatsCluster's spec; never raises, whatever is stored there."""
    try:
        spec = parse_spec(cluster.spec)
    except InvalidSpec as error:
        return Understood(None, error.problems)
    version = version_of(spec, before, pods)
    problems = validate(cluster.metadata.name, spec, version)
    if problems:
        return Understood(None, problems, spec.paused)
    named = running_named(pod.metadata.annotation(names.REVISION_ANNOTATION) for pod in pods)
    return Understood(_desired(cluster, spec, version, named), (), spec.paused)


def version_of(
    spec: NatsClusterSpec, before: ClusterStatus, pods: tuple[Pod, ...]
) -> ServerVersion:
    """The wanted version; unset, a cluster keeps the one it has."""
    labels = (pod.metadata.label(names.LABEL_VERSION) for pod in pods)
    known = (spec.version, before.current_version, *labels, DEFAULT_VERSION)
    return next(version for text in known if text and (version := _parsed(text)) is not None)


def _parsed(text: str) -> ServerVersion | None:
    try:
        return ServerVersion.parse(text)
    except ValueError:
        return None


def _desired(
    cluster: Cluster, spec: NatsClusterSpec, version: ServerVersion, named: bool | None
) -> Desired:
    meta = cluster.metadata
    target = Target(meta.namespace, meta.name, meta.uid, spec, version, named)
    return Desired(
        target=target,
        standing=tuple(_standing(manifest) for manifest in standing_objects(target)),
        revision=revision(target),
        not_acted_on=unsupported_fields(spec) + unknown_fields(cluster.spec),
        unsafe=unsafe_without(spec),
        advice=ADVICE_NAMED if spec.extra_routes and own_name(target) else "",
    )


def _standing(manifest: dict[str, Any]) -> Standing:
    """Stamp a manifest with the digest of its own content."""
    encoded = msgspec.json.encode(manifest, order="deterministic")
    digest = hashlib.sha256(encoded).hexdigest()[:16]
    meta = manifest["metadata"]
    stamped = (meta.get("annotations") or {}) | {names.APPLIED_ANNOTATION: digest}
    return Standing(manifest | {"metadata": meta | {"annotations": stamped}}, digest)
