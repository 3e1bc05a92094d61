"""What is wrong with the volume of one server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model import names
from natsctl.model.foreign import named
from natsctl.model.server_identity import pod_name
from natsctl.plan.claims.data import UNKNOWN
from natsctl.plan.claims.found import found_in
from natsctl.plan.claims.keys import key_problem_of
from natsctl.plan.claims.lost import has_lived
from natsctl.plan.claims.note import NEW
from natsctl.plan.claims.server_claims import Trouble
from natsctl.plan.claims.unfit import unfit

if TYPE_CHECKING:
    from collections.abc import Collection

    from natsctl.plan.claims.live import LiveClaim
    from natsctl.plan.claims.server_claims import ServerClaim
    from natsctl.plan.context import Context
    from natsctl.plan.servers import Server

REPLACING: Final = "VolumeReplacing"
"""Reason: natsctl does it, one volume at a time."""


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
