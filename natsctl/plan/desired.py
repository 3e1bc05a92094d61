"""From a NatsCluster as stored to what it asks for."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec

from natsctl.api.checks.doors import contradictions, remarks
from natsctl.api.checks.examine import Examined, examine
from natsctl.api.checks.remarks import remarks as surprises
from natsctl.api.checks.validate import validate
from natsctl.api.problems import Problem
from natsctl.api.release import meant_version
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.jetstream import default_share
from natsctl.api.types.network import NetworkPolicy
from natsctl.api.version import ServerVersion, is_tag
from natsctl.model import names
from natsctl.model.foreign import named
from natsctl.plan.adoption.go_operator import is_taken_over
from natsctl.plan.claims.stored import Stored
from natsctl.plan.held import is_paused
from natsctl.plan.inputs.resolve import resolve
from natsctl.plan.servers.identity import kept_names
from natsctl.plan.servers.releases import learned, reports_of, tag_of
from natsctl.plan.servers.server import has_reloader
from natsctl.plan.state import Desired, OwnedObject
from natsctl.plan.status.accepted_spec import accepted_spec, accepted_with_streams
from natsctl.plan.stored.data import unsupported_changes
from natsctl.plan.stored.identity import identity_problems
from natsctl.plan.stored.key import keyed
from natsctl.plan.stored.limits import advice as limits_kept
from natsctl.plan.stored.limits import kept_limits, limit_problems, share_of
from natsctl.plan.stored.no_streams import removal_problems
from natsctl.plan.stored.sizes import size_problems
from natsctl.plan.stored.volumes import volume_problems
from natsctl.plan.stores.lending import lent_limit
from natsctl.plan.upgrade_path import obstacle
from natsctl.render.config.gateways import gateway_name
from natsctl.render.config.routes import cluster_name
from natsctl.render.config.system_account import (
    OLD_ACCOUNT,
    SYSTEM_ACCOUNT,
    lacks_system,
    may_have_jetstream,
)
from natsctl.render.objects.owned_objects import data_kind, owned_objects
from natsctl.render.revision.data import OF_KEYS
from natsctl.render.revision.effects import NON_ROLLING, reloadable
from natsctl.render.revision.revision import (
    LEAVES,
    changed_fields,
    leaves_open,
    revision,
    running_joined,
    running_named,
    stamp_of,
)
from natsctl.render.revision.system_stamp import system_stamp
from natsctl.render.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.objects import Cluster, Pod
    from natsctl.model.observation import Observation
    from natsctl.plan.references import References
    from natsctl.render.inputs import ConfigInputs, Images


ADVICE_NAMED = (
    "running servers keep their cluster name, {}, regardless of what spec.extraRoutes and "
    "spec.clusterName say now: a cluster with a different name rejects routes. To join one, scale "
    "this cluster to 0 and back, or recreate it"
)


ADVICE_GUESSED = (
    "the tag {} does not identify a release of nats-server: until a server reports its version, "
    "the newest is assumed; set spec.serverVersion to specify it"
)


ADVICE_LEAVES = (
    "running servers accept leaf nodes without a login, as nats-server before 2.12 does; this ends "
    "with the next restart, which you can trigger by adding a variable to spec.pod.natsEnv. After "
    "that, leaf nodes need a user and a password in their URL"
)


NAMELESS = "none of its own"


ADVICE_CLOSED = (
    "the networkPolicy of NatsCluster {} does not allow routes from this cluster; add this cluster "
    "to its extraRoutes, or the servers of this cluster to its networkPolicy.routesFrom"
)


TOKEN_BESIDE_BOTH = (
    "a token together with gateways and leaf nodes: nats-server then requires a system account, "
    "which it cannot have with a token; replace the token with users"
)


VOLUMES_NOT_READ = (
    f"{data_kind().plural} have not been read: the limit of the store depends on their size"
)
NOTHING: Final = Stored()
"""Of a cluster without volumes."""


ALPHA: Final = (
    "is an alpha feature, not for data that matters; remove it, or start the operator with "
    "--feature-gates JetStream=true (chart value featureGates.jetStream)"
)


@attrs.frozen
class ParsedSpec:
    """A spec and the version it means, or what is wrong with it (then `version` is None).

    `unreached` says why the version is another one than the spec's, if it is.
    `remarks` are of what is likely meant otherwise: a misspelt field, a volume that is not there.
    `share` is how much of a volume streams take by default (`ConfigInputs`). `pending`: the last
    spec counts until the status has the next one, which is good.
    """

    spec: NatsClusterSpec | None
    version: ServerVersion | None = None
    problems: tuple[Problem, ...] = ()
    unreached: str = ""
    remarks: tuple[Problem, ...] = ()
    share: int = 0
    pending: bool = False
    examined: Examined | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def objections(self) -> tuple[Problem, ...]:
        """Why the spec cannot be acted on, and what else to fix with it; or nothing."""
        return (*self.problems, *self.remarks) if self.problems else ()

    @property
    def paused(self) -> bool:
        """Whether the spec says to change nothing."""
        return self.spec is not None and self.spec.paused


def parse_cluster(
    cluster: Cluster,
    before: ClusterStatus,
    pods: tuple[Pod, ...],
    seen: Mapping[str, Observation] | None = None,
    known: ParsedSpec | None = None,
    stored: Stored | None = None,
    *,
    jetstream: bool = True,
) -> ParsedSpec:
    """Read a NatsCluster's spec; never raises, whatever is stored there.

    While it is no good, the last one that was counts, so that servers that end come back;
    `problems` has what is wrong all the same. `known` is what came of the same generation of the
    spec before, when servers ran something else. `stored` is what the claims of volumes tell: of
    the last spec they are not asked, since a volume that somebody grew is no reason to let a server
    that ended stay away. `jetstream`: the installation has the feature gate of that name.
    """
    read = partial(_read, jetstream=jetstream)
    examined = known.examined if known else None
    current = read(cluster, cluster.spec, before, pods, seen, examined, stored)
    paused = is_paused(cluster.spec)
    pending = _switches_off(current, before)
    good = current.version is not None and not pending
    if good or (paused and accepted_with_streams(before) is None):
        return current
    last = read(cluster, accepted_spec(before), before, pods, seen)
    if last.spec is None or last.version is None:
        return current
    if paused:  # of streams, somebody has to know which server others may evict
        last = attrs.evolve(last, spec=attrs.evolve(last.spec, paused=True))
    return attrs.evolve(
        last,
        problems=current.problems,
        remarks=current.remarks,
        pending=pending,
        examined=current.examined,
    )


def _switches_off(current: ParsedSpec, before: ClusterStatus) -> bool:
    """Whether this is the moment in which streams are proven to be none.

    Nothing is done for it before the status tells that: a process that dies in between would have
    the next one give JetStream back to all servers.
    """
    spec = current.spec
    off = current.version is not None and spec is not None and spec.jetstream is None
    return off and accepted_with_streams(before) is not None


def _read(
    cluster: Cluster,
    raw: object,
    before: ClusterStatus,
    pods: tuple[Pod, ...],
    seen: Mapping[str, Observation] | None,
    known: Examined | None = None,
    stored: Stored | None = None,
    *,
    jetstream: bool = True,
) -> ParsedSpec:
    if cluster.unreadable and raw is cluster.spec:
        return ParsedSpec(None, None, (Problem("spec", "", cluster.unreadable),))
    wanted = partial(version_of, before=before, pods=pods, seen=seen)
    name, running = cluster.metadata.name, bool(before.current_version or pods)
    examined = examine(name, raw, wanted, running=running, known=known)
    spec, parsed = examined.spec, partial(ParsedSpec, remarks=examined.remarks, examined=examined)
    problems = examined.problems or (() if jetstream else tuple(_alpha(spec)))
    if spec is None or problems:
        return parsed(spec, None, problems)
    version = wanted(spec)
    there, reports = stored or NOTHING, reports_of(pods, before, seen or {})
    lost = (
        identity_problems(spec, before, pods)
        if spec.jetstream is not None
        else removal_problems(name, before, pods, there.held)
    )
    changed = lost or tuple(unsupported_changes(spec, before, pods))
    share = share_of(version, reports)
    refused = changed or volume_problems(name, spec, version, pods, there, share.wanted)
    refused = refused or size_problems(spec, before, there)
    if refused := refused or limit_problems(spec, version, share, before, there):
        return parsed(spec, None, refused)
    blocker = obstacle(spec, version, before, pods, seen or {})
    if blocker is None:
        return parsed(spec, version, share=share.wanted)
    if "@" in spec.server_image or validate(name, spec, blocker.staying, running=running):
        # The image is the new one whatever its tag, or the rest is for the new version only.
        problem = Problem("spec.version", version.text, blocker.message)
        return parsed(spec, None, (problem,))
    share = share_of(blocker.staying, reports)
    return parsed(spec, blocker.staying, unreached=blocker.message, share=share.wanted)


def _alpha(spec: NatsClusterSpec | None) -> Iterator[Problem]:
    if spec is not None and spec.jetstream is not None:
        yield Problem("spec.jetstream", "", ALPHA)


def version_of(
    spec: NatsClusterSpec,
    before: ClusterStatus,
    pods: tuple[Pod, ...],
    seen: Mapping[str, Observation] | None = None,
) -> ServerVersion:
    """The wanted version; unset, a cluster keeps the one it has."""
    tags = (before.current_version, *map(tag_of, pods))
    kept = next(filter(is_tag, tags), "")
    return learned(meant_version(spec, kept), reports_of(pods, before, seen or {}))


def desired_of(
    cluster: Cluster,
    parsed: ParsedSpec,
    pods: tuple[Pod, ...],
    references: References,
    images: Images,
    *,
    platform_assigned_ids: bool = False,
    stored: Stored = NOTHING,
) -> Desired | None:
    """What a NatsCluster asks for, given everything it refers to; None if its spec is no good."""
    spec, version = parsed.spec, parsed.version
    if spec is None or version is None:
        return None
    meta = cluster.metadata
    resolved = resolve(meta.namespace, meta.name, spec, references)
    stamps = [pod.metadata.annotation(names.REVISION_ANNOTATION) for pod in pods]
    target = Target(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        spec=spec,
        version=version,
        named=running_named(stamps),
        kept=kept_names(meta.name, pods),
        joined=running_joined(stamps) if pods else references.joined,
        inputs=_limited(resolved.inputs, parsed, version, stored),
        images=images,
        platform_assigned_ids=platform_assigned_ids,
        origins=stored.origins,
    )
    target, why = keyed(target, pods, stored, references)
    if not references.signs:
        target = _as_known(target, pods)
    target, made = _as_running(target, pods)
    missing = (*resolved.missing, *_missing(target, stored), *((why,) if why else ()))
    return Desired(
        target=target,
        objects=tuple(_owned(manifest) for manifest in owned_objects(target)),
        revision=made,
        remarks=parsed.remarks,
        advice="; ".join(_advice(target, references)),
        unreached=parsed.unreached,
        pending=parsed.pending,
        resolved=attrs.evolve(resolved, missing=missing),
        pepper=references.pepper if references.signs else b"",
    )


def _missing(target: Target, stored: Stored) -> Iterator[str]:
    """What the configuration waits for, besides what it refers to and its keys."""
    if target.spec.jetstream is not None and not stored.known:
        yield VOLUMES_NOT_READ
    if target.spec.jetstream is None and not (stored.held.is_begun or stored.held.may_go):
        yield str(stored.held.problem)
    if lacks_system(target):
        yield TOKEN_BESIDE_BOTH


def _limited(
    inputs: ConfigInputs, parsed: ParsedSpec, version: ServerVersion, stored: Stored
) -> ConfigInputs:
    """With what the limits of the stores come of."""
    spec = parsed.spec
    if spec is None or spec.jetstream is None:
        return inputs
    share, capacity = parsed.share or default_share(version), stored.capacity(spec.size)
    levels = stored.levels_at(spec.size)
    file, memory = kept_limits(spec.jetstream, share, capacity, levels)
    lent = lent_limit(spec.jetstream, version, share, capacity, levels)
    return attrs.evolve(
        inputs,
        volume=stored.grown(spec.jetstream, spec.size),
        capacity=capacity,
        share=share,
        kept_file=0 if lent else file,
        kept_memory=memory,
        lent_file=lent,
    )


def _advice(target: Target, references: References) -> Iterator[str]:
    """What is worth knowing of the spec, the version, of doors, and of routes to other clusters."""
    spec, version = target.spec, target.version
    yield from map(str, surprises(spec))
    if version.guessed:
        yield ADVICE_GUESSED.format(version)
    yield from (f"{p.path} {p.message}" for p in contradictions(spec, version))
    if target.open_leaves:
        yield ADVICE_LEAVES
    yield from remarks(spec, version)
    yield from limits_kept(target.inputs.kept_file, target.inputs.kept_memory)
    if (kept := _unwanted_name(target, references)) is not None:
        yield ADVICE_NAMED.format(kept if kept == NAMELESS else named(kept))
    for name, other in references.neighbours.items():
        policy = other.network_policy or NetworkPolicy(enabled=False)
        known = {extra.cluster for extra in other.extra_routes}
        if policy.enabled and not policy.routes_from and target.name not in known:
            yield ADVICE_CLOSED.format(name)


def _unwanted_name(target: Target, references: References) -> str | None:
    """The name of running servers, if the spec asks for another one now."""
    spec, name = target.spec, cluster_name(target)
    if gateway_name(spec) or name == references.joined:
        return None
    if spec.cluster_name:
        return name or NAMELESS
    return name if spec.extra_routes else None


def _as_known(target: Target, pods: tuple[Pod, ...]) -> Target:
    """Without a secret of the operator's, servers keep the user that they know."""
    user = max((stamp_of(_stamp(pod)).user for pod in pods), default="")
    return attrs.evolve(target, inputs=attrs.evolve(target.inputs, system=user))


def _as_running(target: Target, pods: tuple[Pod, ...]) -> tuple[Target, Mapping[str, str]]:
    """What cannot be reloaded comes with the next restart; no server is restarted for it. And the
    revision of that: making one takes a while.

    That is another name of the system account (nats-server: reload.go), all that servers of the Go
    operator lack, and what keeps out leaf nodes without a login. A roll that began goes through:
    then some servers have it.
    """
    accounts = {stamp_of(_stamp(pod)).account for pod in pods}
    taken_over = any(map(is_taken_over, pods))
    if taken_over and not target.named:
        target = attrs.evolve(target, named=None)
    if not pods:
        return target, revision(target)
    streams = may_have_jetstream(target.spec)
    running = target
    if OLD_ACCOUNT in accounts and (streams or SYSTEM_ACCOUNT not in accounts):
        running = attrs.evolve(target, inputs=attrs.evolve(target.inputs, account=OLD_ACCOUNT))
    made = revision(running)
    changed = _rolling(running, made, pods)
    if LEAVES in made and changed <= {LEAVES} and leaves_open(map(_stamp, pods)):
        running, changed = attrs.evolve(running, open_leaves=True), frozenset()
        made = revision(running)
    if changed and not streams and running is not target:
        return target, revision(target)
    if changed or not taken_over or accounts != {""} or target.named:
        return running, made
    found = attrs.evolve(running, named=False, inputs=attrs.evolve(running.inputs, system=""))
    return found, revision(found)


def _stamp(pod: Pod) -> str | None:
    return pod.metadata.annotation(names.REVISION_ANNOTATION)


def _rolling(target: Target, wanted: Mapping[str, str], pods: tuple[Pod, ...]) -> frozenset[str]:
    """What changed that servers are restarted for.

    One without a sidecar that knows another user can be asked by nobody.
    """
    user, rolling = system_stamp(target), set()
    former, label = target.inputs.former, names.LABEL_VERSION
    keys = OF_KEYS if target.earlier else frozenset()  # they come with other volumes
    said = {(_stamp(pod), pod.metadata.label(label), has_reloader(pod)) for pod in pods}
    for stamp, tag, signals in said:
        can_reload = signals or stamp_of(stamp).same_user(user)
        changed = set(changed_fields(stamp, wanted, tag, former)) - keys
        rolling |= {
            path
            for path in changed
            if path not in NON_ROLLING and not (can_reload and reloadable(path, target.version))
        }
    return frozenset(rolling)


def _owned(manifest: dict[str, Any]) -> OwnedObject:
    """Stamp a manifest with the digest of its own content."""
    encoded = msgspec.json.encode(manifest, order="deterministic")
    digest = hashlib.sha256(encoded).hexdigest()[:16]
    meta = manifest["metadata"]
    stamped = (meta.get("annotations") or {}) | {names.APPLIED_ANNOTATION: digest}
    return OwnedObject(manifest | {"metadata": meta | {"annotations": stamped}}, digest)
