"""Each server's claim of a volume, as the API server has it, and what is wrong with it.

A volume is made empty for a server that never had one, and for no other: a second empty server in
a cluster can cost the others their data, and an empty cluster looks to clients as if nothing had
ever been stored. What a server had is told by the notes on the config Secret and on all claims, by
its pod, by the claims that an earlier NatsCluster of this name left, and by the status. If all of
them were deleted but some, what is not told is not taken for something that never was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model import names
from natsctl.model.foreign import named
from natsctl.model.objects import PersistentVolumeClaim
from natsctl.model.server_identity import claim_name, indexes, pod_name
from natsctl.plan.claims.data import (
    UNKNOWN,
    current_data,
    data_of,
    data_text,
    noted_data,
    read_data,
    unfit,
    wanted_data,
)
from natsctl.plan.claims.keys import awaited_keys, key_problem_of
from natsctl.plan.claims.lived import has_lived, told_with_volumes
from natsctl.plan.claims.memory import READ, Memory, copy_of, is_free, memory_of, noted_on
from natsctl.plan.claims.note import NEW, Note
from natsctl.plan.claims.renewal import is_given_up, renewals_of
from natsctl.plan.claims.seals import seals_of
from natsctl.plan.claims.server_claim import ServerClaim, Trouble, is_restored
from natsctl.plan.pod_runs import surely_ran
from natsctl.plan.server_identity import claims_among, without
from natsctl.plan.servers import lacks_store
from natsctl.render.objects.owned_objects import data_kind
from natsctl.render.revision.revision import stores_streams

if TYPE_CHECKING:
    from natsctl.plan.context import Context
    from natsctl.plan.servers import Server

ALL: Final = "all"
"""Stands for the claims of all servers."""
BOUND, LOST = "Bound", "Lost"
REPLACING: Final = "VolumeReplacing"
"""Reason: natsctl does it, one volume at a time."""
INSTEAD: Final = "is there instead of a lost one and may be empty"
_DIGEST: Final = 10


@attrs.frozen
class Volumes:
    """What is known of the volumes of a cluster.

    `claims` are those of servers from 1 to size, `others` beyond it, by index. Not `known`: they
    could not be read, so nothing is there and nothing is missing. `memory` has all notes. `left`
    are those of `others` on which nothing is stored that counts. `is_unsure`: what no note tells
    may have been there all the same. `is_leaving`: claims go with an earlier NatsCluster.
    """

    known: bool
    memory: Memory
    claims: tuple[ServerClaim, ...] = ()
    others: Mapping[int, PersistentVolumeClaim] = attrs.field(factory=dict)
    left: frozenset[int] = frozenset()
    is_unsure: bool = False
    is_leaving: bool = False

    @property
    def note(self) -> Note | None:
        """What all notes tell together; None: somebody edited that of the Secret."""
        return self.memory.note

    @property
    def written(self) -> Note | None:
        """What that of the Secret tells; None: there is none that can be read."""
        return self.memory.written

    @property
    def token(self) -> str:
        """What a user writes to have lost volumes empty: it speaks of no other loss than this.

        Of one for itself; of several only if nothing is left of what the servers had, for all of
        them, and it stays the same until all are made and noted. Empty: nobody may say that.
        """
        lost = self.lost
        if lost and self.gives_all_up and len(self.claims) > 1:
            told = ",".join(claim.token for claim in self.claims)
            return f"{ALL}={hashlib.sha256(told.encode()).hexdigest()[:_DIGEST]}"
        return lost[0].token if len(lost) == 1 else ""

    @property
    def gives_all_up(self) -> bool:
        """Whether nothing is left of what the servers had, so that no empty volume can harm it.

        Servers beyond size may have some of it: they leave, or are to come back.
        """
        elsewhere = without(self.others, self.left)
        return not elsewhere and all(claim.is_renewed for claim in self.claims)

    @property
    def lost(self) -> tuple[ServerClaim, ...]:
        """Claims that are not there although they were, or may have been."""
        return tuple(claim for claim in self.claims if claim.lost)

    @property
    def is_new(self) -> bool:
        """Whether nothing is there that was noted, so that no volume can take anything away.

        As after all of them were restored from snapshots.
        """
        others = without(self.others, self.left).items()
        noted = any(self.memory.knows(index, it.metadata.uid) for index, it in others)
        return not noted and all(claim.is_renewed for claim in self.claims)

    def is_unproven(self, claim: ServerClaim) -> bool:
        """Whether it may be empty beside others with data, and nobody has noted that yet."""
        return claim.is_remade and not claim.mark and not claim.ran and not self.is_new

    def may_be_noted(self, claim: ServerClaim) -> bool:
        """Whether it is to be noted to be the server's. Once it is, it is one like any other.

        Of those that are all new, none before the last is there, or all but one could be that one.
        """
        if not claim.is_remade:
            return True
        return not self.lost if self.is_new else not self.is_unproven(claim)

    def is_lost_beyond(self, index: int) -> bool:
        """Whether what a server beyond size had is not there, or somebody made another one."""
        noted, live = (self.note or {}).get(index), self.others.get(index)
        if noted is None or live is None:
            return noted is not None
        known = self.memory.knows(index, live.metadata.uid) or is_restored(live)
        return not known and (not self.is_new or bool(self.lost))

    @property
    def would_outvote(self) -> bool:
        """Whether new servers alone would be a majority, where too few are left of the others.

        Servers that never stored anything elect one of theirs then, and what the rest has is gone.
        """
        had = [claim for claim in self.claims if claim.live is not None or claim.lost]
        left = [claim for claim in had if claim.live is not None]
        new = len(self.claims) - len(had)
        return 2 * len(left) <= len(had) and 2 * new > len(self.claims) and bool(had)

    def obstacle(self, claim: ServerClaim) -> str:
        """Why its server cannot start now, or could not come back; empty: it can."""
        returns = not (claim.starts or claim.ran)
        empty = f"{_what(claim)} {INSTEAD}" if claim.replaces and not returns else ""
        return self.unprepared(claim) or empty

    def unprepared(self, claim: ServerClaim) -> str:
        """What has to be done about the claim itself before; empty: it is of use."""
        if claim.held and claim.trouble is not None:
            return claim.trouble.message
        if not self.known:
            unknown = f"it is not known yet whether {_what(claim)} exists"
            return claim.awaits if claim.noted else unknown
        if claim.live is None and self.would_outvote:
            return f"{_what(claim)} is not created while so many volumes are missing"
        if claim.live is None:
            return f"{_what(claim)} is being created"
        if not self.may_be_noted(claim):
            return f"{_what(claim)} {INSTEAD}, and is not noted yet"
        told = self.note is None or (claim.is_noted and claim.is_copied)
        if not told or not (self.note is None or claim.is_described):
            return f"{_what(claim)} is not yet noted on all claims and the Secret"
        return claim.awaits if claim.starts else ""


def obstacles_of(context: Context) -> Callable[[int], str]:
    """What keeps a server, by its index, from starting: nothing, for one without a volume."""
    volumes = volumes_of(context)
    if volumes is None:
        return lambda _: ""
    found = {claim.index: volumes.obstacle(claim) for claim in volumes.claims}
    return lambda index: found.get(index, "")


def volumes_of(context: Context) -> Volumes | None:
    """None for a cluster whose servers have none."""
    return context.once(_volumes_of)


def _volumes_of(context: Context) -> Volumes | None:
    if context.desired.target.spec.jetstream is None:
        return None
    state = context.state
    live = state.owned.get(data_kind().kind)
    secret = state.secrets.get(state.cluster.metadata.name)
    claims = (c for c in (live or {}).values() if isinstance(c, PersistentVolumeClaim))
    found = claims_among(state.cluster.metadata.name, claims)
    meta = state.cluster.metadata
    seals = seals_of(context.desired.pepper, meta.namespace, meta.name)
    memory = memory_of(meta.uid, noted_on(secret), found, seals)
    needed = tuple(_claims(context, found, memory))
    places = {claim.index for claim in needed}
    others = {index: found[index] for index in sorted(found.keys() - places)}
    left = frozenset(index for index, claim in others.items() if memory.is_left(index, claim))
    volumes = Volumes(live is not None, memory, needed, others, left)
    return _troubled(context, volumes, memory) if volumes.known else volumes


def _claims(
    context: Context, live: Mapping[int, PersistentVolumeClaim], memory: Memory
) -> Iterator[ServerClaim]:
    desired = context.desired
    made = {wanted.name: wanted for wanted in desired.objects if wanted.kind == data_kind().kind}
    note, written = memory.note or {}, memory.written or {}
    awaited = awaited_keys(context)
    for index in indexes(context.size):
        wanted = made[claim_name(desired.target.name, index)]
        claim, entry = live.get(index), written.get(index)
        uid = claim.metadata.uid if claim is not None else ""
        yield ServerClaim(
            *(index, wanted, claim, note.get(index)),
            is_noted=bool(uid) and entry is not None and entry.is_of(uid),
            is_known=bool(uid) and memory.knows(index, uid),
            awaits=awaited(index, claim),
        )


def _troubled(context: Context, volumes: Volumes, memory: Memory) -> Volumes:
    """With what is lost, and then with what that means for each."""
    servers = {server.index: server for server in context.servers if not lacks_store(server.pod)}
    unsure = _is_unsure(context, volumes, memory)
    had_one = _had_one(context, volumes, servers)
    described = _describing(context, volumes.claims, servers, volumes.note or {})
    given = renewals_of(context)
    marked = tuple(
        attrs.evolve(
            described(c),
            lost=c.live is None and (unsure or had_one(c)),
            given_up=is_given_up(context, given.get(c.index), c.live, c.noted),
        )
        for c in volumes.claims
    )
    found = attrs.evolve(
        volumes, claims=marked, is_unsure=unsure, is_leaving=_is_leaving(context, volumes)
    )
    told = (attrs.evolve(c, trouble=_trouble(context, c, servers.get(c.index))) for c in marked)
    judged = tuple(
        attrs.evolve(c, trouble=_missing(context, found, c)) if c.lost else c for c in told
    )
    return attrs.evolve(found, claims=tuple(_copied(judged, memory)))


def _describing(
    context: Context,
    claims: tuple[ServerClaim, ...],
    servers: Mapping[int, Server],
    note: Note,
) -> Callable[[ServerClaim], ServerClaim]:
    """What is to be noted of the data on each, and whether its server is to start."""
    wanted = wanted_data(context, note)
    told = read_data(claim.live for claim in claims if claim.live is not None)

    def described(claim: ServerClaim) -> ServerClaim:
        server = servers.get(claim.index)
        noted = told.get(noted_data(claim.live)) if claim.live is not None else None
        data = current_data(wanted(claim.index), context.desired.target, server, noted)
        ran = server is not None and surely_ran(server.pod)
        return attrs.evolve(claim, data=data_text(data), starts=server is None, ran=ran)

    return described


def _is_unsure(context: Context, volumes: Volumes, memory: Memory) -> bool:
    """Whether a server of which no note tells anything may have had a volume.

    A note tells all there was. But that of the Secret went with an earlier NatsCluster, or somebody
    deleted it; and where all claims are gone, nothing says how old it is. Where no note tells of
    any volume, nothing else may tell of one either.
    """
    if not memory.note:
        return has_lived(context) or _is_unnoted(context, volumes, memory)
    uid = context.state.cluster.metadata.uid
    gone = not any(c.live is not None and is_free(c.live, uid) for c in volumes.claims)
    return not memory.is_copied and (gone or _is_unnoted(context, volumes, memory))


def _is_unnoted(context: Context, volumes: Volumes, memory: Memory) -> bool:
    """Whether there are claims of which no note tells that counts for this NatsCluster."""
    uid = context.state.cluster.metadata.uid
    live = [c for c in volumes.claims if c.live is not None and is_free(c.live, uid)]
    lacking = memory.written is None or not all(is_adopted(context, c) for c in live)
    return bool(live) and lacking and not memory.is_copied


def _is_leaving(context: Context, volumes: Volumes) -> bool:
    """Whether claims are to go with an earlier NatsCluster: until then it is not clear what stays.

    Somebody may save one of them at the last moment; beside empty ones it would be outvoted.
    """
    meta = context.state.cluster.metadata
    owners = (claim.live.metadata.controller for claim in volumes.claims if claim.live is not None)
    return any(o and o.kind == names.KIND_CLUSTER and o.uid != meta.uid for o in owners)


def _copied(claims: tuple[ServerClaim, ...], memory: Memory) -> Iterator[ServerClaim]:
    """Whether all claims that can be written tell of each."""
    texts = {copy_of(c.live) for c in claims if c.live is not None and not c.held}
    copies = [memory.copies.get(text, {}) for text in texts] if len(texts) <= READ else [{}]
    for claim in claims:
        uid = claim.live.metadata.uid if claim.live is not None and not claim.held else ""
        entries = [copy.get(claim.index) for copy in copies]
        told = all(entry is not None and entry.is_of(uid) for entry in entries)
        yield attrs.evolve(claim, is_copied=bool(uid) and told)


def is_adopted(context: Context, claim: ServerClaim) -> bool:
    """Whether what is there is noted to be this very NatsCluster's, and not an earlier one's."""
    return claim.live is not None and is_ours(context, claim.live)


def is_ours(context: Context, live: PersistentVolumeClaim) -> bool:
    """The same of any claim."""
    uid = live.metadata.annotation(names.CLUSTER_UID_ANNOTATION)
    return uid == context.state.cluster.metadata.uid


def _had_one(
    context: Context, volumes: Volumes, servers: Mapping[int, Server]
) -> Callable[[ServerClaim], bool]:
    """Whether a server that has no claim had one, as a note, its pod or the status tells."""
    missing = any(claim.live is None for claim in volumes.claims)
    name, before = context.state.cluster.metadata.name, context.state.status
    told = dict.fromkeys(told_with_volumes(name, before) if missing else (), True)

    def had_one(claim: ServerClaim) -> bool:
        server, was_told = servers.get(claim.index), told.get(claim.index, False)
        made_for = server.pod.metadata.annotation(names.REVISION_ANNOTATION) if server else None
        return claim.noted is not None or was_told or stores_streams(made_for)

    return had_one


def _trouble(context: Context, claim: ServerClaim, server: Server | None) -> Trouble | None:
    live = claim.live
    if live is None:
        return None
    if live.metadata.deletion_timestamp is not None:
        return _renewed(claim) if claim.given_up else _deleting(context, claim)
    if (whose := _stranger(context, live)) is not None:
        return whose
    if claim.given_up:
        return _renewed(claim)
    if live.status.phase == LOST:
        text = f"{_what(claim)} lost its volume {named(live.spec.volume_name or '')}"
        return Trouble("VolumeLost", f"{text}, with all data: restore the PersistentVolume")
    unfit = _misnamed(context, claim, live) or _unfit(context, claim, live)
    return unfit or _unbound(claim, live, server)


def _renewed(claim: ServerClaim) -> Trouble:
    return Trouble(REPLACING, f"{_what(claim)} is being replaced with an empty one")


def _missing(context: Context, volumes: Volumes, claim: ServerClaim) -> Trouble:
    if claim.given_up:
        return _renewed(claim)
    server = pod_name(context.desired.target.name, claim.index)
    if claim.noted is not None and claim.noted.claim != NEW:
        what = f"{_what(claim)} no longer exists, and {server} lost its data with it"
    elif any(each.live is not None for each in volumes.claims):
        what = f"{_what(claim)} does not exist, although other volumes of {server}'s cluster do"
    else:
        what = f"{_what(claim)} does not exist, although servers of this cluster had volumes"
    return Trouble("VolumeMissing", what)


def _deleting(context: Context, claim: ServerClaim) -> Trouble:
    server = pod_name(context.desired.target.name, claim.index)
    text = f"{_what(claim)} is being deleted: once {server} stops, its data is gone"
    return Trouble("VolumeDeleting", f"{text}, so natsctl does not restart it; save the data first")


def _stranger(context: Context, live: PersistentVolumeClaim) -> Trouble | None:
    """Whoever else controls a claim decides when it goes."""
    owner, meta = live.metadata.controller, context.state.cluster.metadata
    if owner is None or owner.uid == meta.uid:
        return None
    whose = f"{named(owner.kind)} {named(owner.name)}"
    text = f"{data_kind().kind} {live.metadata.name} belongs to {whose} and is left alone"
    if owner.kind == names.KIND_CLUSTER and owner.name == meta.name:
        return Trouble("VolumeDeleting", f"{text}: it is deleted with an earlier one of this name")
    return Trouble(
        "NotOurs", f"{text}, but a server needs the name: delete it, or its owner's claim"
    )


def _misnamed(context: Context, claim: ServerClaim, live: PersistentVolumeClaim) -> Trouble | None:
    """A server with another name than its data is another server to all others."""
    noted = live.metadata.annotation(names.SERVER_NAME_ANNOTATION)
    wanted = context.desired.target.server_name(claim.index)
    if noted in (None, wanted):
        return None
    text = (
        f"annotation {names.SERVER_NAME_ANNOTATION} of {_what(claim)} says that the data is that "
        f"of server {named(noted or 'none')}, not of {wanted}"
    )
    advice = f"restore the claim of {wanted}, or the annotation, if only that was changed"
    return Trouble("VolumeMisnamed", f"{text}: {advice}")


def _unfit(context: Context, claim: ServerClaim, live: PersistentVolumeClaim) -> Trouble | None:
    """A server does not see data that depends on something else, or cannot read it."""
    if not claim.starts or noted_data(live) == UNKNOWN:
        return None
    if not noted_data(live):
        return _untold(context, claim)
    data, target = data_of(live), context.desired.target
    if data is None:
        text = (
            f"annotation {names.DATA_ANNOTATION} of {_what(claim)}, which says what its data "
            "depends on, cannot be read: restore it, or remove it if the data is of this cluster"
        )
        return Trouble("VolumeDataUnreadable", text)
    spec, what = target.of_server(claim.index).spec, _what(claim)
    problem, own = next(unfit(what, data, spec, target.version), None), is_adopted(context, claim)
    why = str(problem or key_problem_of(context, claim.index, what, data, own=own))
    return Trouble("VolumeDoesNotFit", why) if why else None


def _untold(context: Context, claim: ServerClaim) -> Trouble | None:
    """Servers remove streams that they have and that their meta group does not know."""
    if is_adopted(context, claim) or not context.once(_knows_nothing):
        return None
    meta = context.state.cluster.metadata
    command = f"kubectl annotate pvc {claim.name} --namespace {meta.namespace}"
    text = (
        f"{_what(claim)} is not of this NatsCluster, and does not say what its data depends on: "
        "set size, version, clusterName, domain and system account to those of the servers that "
        f"stored it, and then accept it as it is: {command} {names.DATA_ANNOTATION}={UNKNOWN}"
    )
    return Trouble("VolumeDataUnknown", text)


def _knows_nothing(context: Context) -> bool:
    """Whether nothing tells what data of this name depends on, neither servers nor any claim."""
    claims = context.state.owned.get(data_kind().kind, {}).values()
    found = (c for c in claims if isinstance(c, PersistentVolumeClaim))
    told = any(noted_data(c) == UNKNOWN or data_of(c) is not None for c in found)
    return not told and not has_lived(context)


def _unbound(
    claim: ServerClaim, live: PersistentVolumeClaim, server: Server | None
) -> Trouble | None:
    """Without a pod that waits for it, a claim may wait for its first consumer."""
    waits = server is not None and server.pod_problem is not None and not server.pod.spec.node_name
    if live.status.phase == BOUND or not waits:
        return None
    text = f"{_what(claim)} has no volume yet: see kubectl describe pvc {claim.name}"
    return Trouble("VolumeNotBound", text, holds=False)


def _what(claim: ServerClaim) -> str:
    return f"{claim.wanted.kind} {claim.name}"
