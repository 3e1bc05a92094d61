"""Which volumes are lost, and what is wrong with those that are there.

The notes tell what is lost. Where they say nothing, or that there is no volume yet, pods and the
status may tell that somebody deleted them: they are no substitute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model import names
from natsctl.model.foreign import named
from natsctl.model.server_identity import pod_name
from natsctl.plan.claims.data import UNKNOWN, unfit
from natsctl.plan.claims.found import found_in
from natsctl.plan.claims.keys import key_problem_of
from natsctl.plan.claims.note import NEW
from natsctl.plan.claims.server_claims import Trouble
from natsctl.plan.servers.identity import indexes_of
from natsctl.render.revision.revision import stores_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from natsctl.api.types.status import ClusterStatus
    from natsctl.plan.claims.live import LiveClaim
    from natsctl.plan.claims.server_claims import ServerClaim, Volumes
    from natsctl.plan.context import Context
    from natsctl.plan.servers.server import Server

TYPE: Final = "VolumesReady"
"""Of the condition."""
_REASONS: Final = ("VolumeMissing", "VolumeLost")
"""Its reasons that tell of volumes which there were."""
REPLACING: Final = "VolumeReplacing"
"""Reason: natsctl does it, one volume at a time."""


def has_lived(context: Context) -> bool:
    """Whether any server had a volume: a new cluster tells none of this."""
    stamps = (s.pod.metadata.annotation(names.REVISION_ANNOTATION) for s in context.servers)
    before = context.state.status
    told = next((c for c in before.conditions if c.type == TYPE), None)
    had = told is not None and (told.status == "True" or told.reason in _REASONS)
    return had or before.jetstream is not None or any(map(stores_streams, stamps))


def is_unsure(context: Context, volumes: Volumes) -> bool:
    """Whether a server of which no note tells anything may have had a volume.

    A note tells all there was. But that of the Secret went with an earlier NatsCluster, or somebody
    deleted it; and where all claims are gone, nothing says how old it is. Where no note tells of
    any volume, nothing else may tell of one either.
    """
    own = [c for c in volumes.claims if c.live is not None and c.live.is_free]
    memory = volumes.memory
    lacking = memory.written is None or not all(c.is_adopted for c in own)
    is_unnoted = bool(own) and lacking and not memory.is_copied
    if not memory.note:
        return has_lived(context) or is_unnoted
    return not memory.is_copied and (not own or is_unnoted)


def had_one(
    context: Context, volumes: Volumes, servers: Mapping[int, Server]
) -> Callable[[ServerClaim], bool]:
    """Whether a server that has no claim had one, as a note, its pod or the status tells."""
    missing = any(claim.live is None for claim in volumes.claims)
    name, before = context.state.cluster.metadata.name, context.state.status
    told = dict.fromkeys(_told_with_volumes(name, before) if missing else (), True)

    def had_one(claim: ServerClaim) -> bool:
        server, was_told = servers.get(claim.index), told.get(claim.index, False)
        made_for = server.pod.metadata.annotation(names.REVISION_ANNOTATION) if server else None
        return claim.noted is not None or was_told or stores_streams(made_for)

    return had_one


def _told_with_volumes(cluster: str, before: ClusterStatus) -> frozenset[int]:
    """Indexes of servers that had a volume as of this status, which says so of all together."""
    if not any(c.type == TYPE and c.status == "True" for c in before.conditions):
        return frozenset()
    return indexes_of(cluster, (server.name for server in before.servers))


def fault_of(
    context: Context, claim: ServerClaim, server: Server | None, all_: Collection[ServerClaim]
) -> Trouble | None:
    """None if it is all right, or not there because no server has had it."""
    live = claim.live
    if live is None:
        return _missing(context, claim, all_) if claim.lost else None
    if live.is_going:
        return _renewed(claim) if claim.given_up else _deleting(context, claim)
    if (whose := _stranger(context, live)) is not None:
        return whose
    if claim.given_up:
        return _renewed(claim)
    if live.is_lost:
        text = f"{claim.what} lost its volume {named(live.object.spec.volume_name or '')}"
        return Trouble("VolumeLost", f"{text}, with all data: restore the PersistentVolume")
    unfit_ = _misnamed(context, claim, live) or _unfit(context, claim, live)
    return unfit_ or _unbound(claim, live, server)


def _renewed(claim: ServerClaim) -> Trouble:
    return Trouble(REPLACING, f"{claim.what} is being replaced with an empty one")


def _missing(context: Context, claim: ServerClaim, all_: Collection[ServerClaim]) -> Trouble:
    if claim.given_up:
        return _renewed(claim)
    server = pod_name(context.desired.target.name, claim.index)
    if claim.noted is not None and claim.noted.claim != NEW:
        what = f"{claim.what} no longer exists, and {server} lost its data with it"
    elif any(each.live is not None for each in all_):
        what = f"{claim.what} does not exist, although other volumes of {server}'s cluster do"
    else:
        what = f"{claim.what} does not exist, although servers of this cluster had volumes"
    return Trouble("VolumeMissing", what)


def _deleting(context: Context, claim: ServerClaim) -> Trouble:
    server = pod_name(context.desired.target.name, claim.index)
    text = f"{claim.what} is being deleted: once {server} stops, its data is gone"
    return Trouble("VolumeDeleting", f"{text}, so natsctl does not restart it; save the data first")


def _stranger(context: Context, live: LiveClaim) -> Trouble | None:
    """Whoever else controls a claim decides when it goes."""
    owner, meta = live.stranger, context.state.cluster.metadata
    if owner is None:
        return None
    whose = f"{named(owner.kind)} {named(owner.name)}"
    text = f"{live.what} belongs to {whose} and is left alone"
    if owner.kind == names.KIND_CLUSTER and owner.name == meta.name:
        return Trouble("VolumeDeleting", f"{text}: it is deleted with an earlier one of this name")
    return Trouble(
        "NotOurs", f"{text}, but a server needs the name: delete it, or its owner's claim"
    )


def _misnamed(context: Context, claim: ServerClaim, live: LiveClaim) -> Trouble | None:
    """A server with another name than its data is another server to all others."""
    noted, wanted = live.server_name, context.desired.target.server_name(claim.index)
    if noted in (None, wanted):
        return None
    text = (
        f"annotation {names.SERVER_NAME_ANNOTATION} of {claim.what} says that the data is that "
        f"of server {named(noted or 'none')}, not of {wanted}"
    )
    advice = f"restore the claim of {wanted}, or the annotation, if only that was changed"
    return Trouble("VolumeMisnamed", f"{text}: {advice}")


def _unfit(context: Context, claim: ServerClaim, live: LiveClaim) -> Trouble | None:
    """A server does not see data that depends on something else, or cannot read it."""
    if not claim.starts or live.is_taken_as_it_is:
        return None
    if not live.noted_data:
        return _untold(context, claim)
    if live.data is None:
        return Trouble("VolumeDataUnreadable", live.garbled)
    target = context.desired.target
    spec = target.of_server(claim.index).spec
    problem = next(unfit(claim.what, live.data, spec, target.version), None)
    why = str(problem or key_problem_of(context, claim.index, live))
    return Trouble("VolumeDoesNotFit", why) if why else None


def _untold(context: Context, claim: ServerClaim) -> Trouble | None:
    """Servers remove streams that they have and that their meta group does not know."""
    if claim.is_adopted or not context.once(_knows_nothing):
        return None
    meta = context.state.cluster.metadata
    command = f"kubectl annotate pvc {claim.name} --namespace {meta.namespace}"
    text = (
        f"{claim.what} is not of this NatsCluster, and does not say what its data depends on: "
        "set size, version, clusterName, domain and system account to those of the servers that "
        f"stored it, and then accept it as it is: {command} {names.DATA_ANNOTATION}={UNKNOWN}"
    )
    return Trouble("VolumeDataUnknown", text)


def _knows_nothing(context: Context) -> bool:
    """Whether nothing tells what data of this name depends on, neither servers nor any claim."""
    claims = found_in(context).claims.values()
    told = any(claim.is_taken_as_it_is or claim.data is not None for claim in claims)
    return not told and not has_lived(context)


def _unbound(claim: ServerClaim, live: LiveClaim, server: Server | None) -> Trouble | None:
    """Without a pod that waits for it, a claim may wait for its first consumer."""
    waits = server is not None and server.pod_problem is not None and not server.pod.spec.node_name
    if live.is_bound or not waits:
        return None
    text = f"{claim.what} has no volume yet: see kubectl describe pvc {claim.name}"
    return Trouble("VolumeNotBound", text, holds=False)
