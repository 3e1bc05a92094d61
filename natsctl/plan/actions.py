"""What a plan can ask for. Executing one is the business of `natsctl.controllers`."""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs

from natsctl.api.types.status import RoleStatus
from natsctl.model.jetstream import Asset
from natsctl.model.objects import Secret, ServiceRole
from natsctl.plan.evidence import Evidence
from natsctl.plan.notices import Notice
from natsctl.plan.queries import Query
from natsctl.plan.service_accounts.grants import Grant
from natsctl.plan.state import OwnedObject
from natsctl.render.objects.owned_objects import budget_kind

REPLACING_ENDED = "ReplacingEnded"
"""Reason: nothing runs in a pod any more."""
MOST_STEP_DOWNS = 3
"""Times that a server is asked to hand over the meta group. Then it goes all the same: lame duck
mode hands over, too, and the others elect a leader without it."""


class Action(ABC):
    """One step. Each class has its handler in `natsctl.controllers.cluster.handlers`."""

    __slots__ = ()

    @property
    @abstractmethod
    def subject(self) -> str:
        """What the step is about, as a failure of it is told: the kind and name of an object."""

    @property
    def required(self) -> bool:
        """Whether nothing that follows can work without it."""
        return False

    @property
    def shields(self) -> bool:
        """Whether servers that others need may be touched only once it is done."""
        return False

    @property
    def evidence(self) -> Evidence | None:
        """What has to be so still when it is sent; None: it takes nothing from anybody."""
        return None

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What users are told before it is carried out."""
        return ()

    @property
    def restart(self) -> str:
        """Why it takes a server down to start it again, as metrics count it; empty: it does not."""
        return ""

    @property
    def asked_server(self) -> str:
        """The uid of the pod whose server has to answer to it; empty: it asks none.

        Once it is done, what that server reported before is no longer true.
        """
        return ""


class PodAction(Action):
    """A step about one server's pod."""

    __slots__ = ()
    name: str

    @property
    def subject(self) -> str:
        """The pod."""
        return f"pod {self.name}"


@attrs.frozen
class Ensure(Action):
    """Make an owned object what it should be. `present`: it exists and is ours.

    `evidence`: where it is an empty volume instead of a lost one.
    """

    wanted: OwnedObject
    present: bool
    evidence: Evidence | None = attrs.field(default=None, eq=False)
    notices: tuple[Notice, ...] = attrs.field(default=(), eq=False)

    @property
    def subject(self) -> str:
        """The object."""
        return f"{self.wanted.kind} {self.wanted.name}"

    @property
    def required(self) -> bool:
        """No server starts without the config Secret."""
        return self.wanted.is_config

    @property
    def shields(self) -> bool:
        """While natsctl stops a server, nobody else may evict another one."""
        return self.wanted.kind == budget_kind().kind


@attrs.frozen
class DeleteObject(Action):
    """Delete an object that the spec asks for no more."""

    kind: str
    name: str
    uid: str

    @property
    def subject(self) -> str:
        """The object."""
        return f"{self.kind} {self.name}"


@attrs.frozen
class CreateServer(PodAction):
    """Create the pod of one server. `previous_config`: with an earlier one than the spec's.

    `evidence`: where it starts with an empty volume instead of a lost one.
    """

    index: int
    name: str
    previous_config: bool = False
    evidence: Evidence | None = attrs.field(default=None, eq=False)
    notices: tuple[Notice, ...] = attrs.field(default=(), eq=False)


@attrs.frozen
class AdoptServer(PodAction):
    """Note on a pod which revision it runs: the Go operator made it, or an earlier natsctl."""

    name: str
    uid: str
    revision: str
    taken_over: bool = True


@attrs.frozen
class ResealServer(PodAction):
    """Note on a pod that what it runs is known by another secret of the operator's."""

    name: str
    uid: str
    revision: str


@attrs.frozen
class DeleteServer(PodAction):
    """Delete a pod; its preStop hook is the lame duck. `grace` 0: nothing runs in it any more.

    `evidence`: where its server could store streams, and never ran.
    """

    name: str
    uid: str
    reason: str
    message: str
    grace: int | None = None
    evidence: Evidence | None = attrs.field(default=None, eq=False)

    @property
    def restart(self) -> str:
        """A pod that ended makes room for its successor; one beyond size has none."""
        return "ended" if self.reason == REPLACING_ENDED else ""


@attrs.frozen
class StepDown(PodAction):
    """Have the server that leads the meta group hand over to another one before it stops.

    `preferred` is the server that is to lead, if the release knows such a wish.
    """

    name: str
    uid: str
    preferred: str = ""

    @property
    def asked_server(self) -> str:
        """The one that leads: whoever is asked, it answers."""
        return self.uid


@attrs.frozen
class ReplaceServer(PodAction):
    """Delete a pod so that it comes back as the spec says, once its successor is acceptable.

    `changes` are the paths of what it does not run yet. `evidence`: where servers store streams.
    """

    index: int
    name: str
    uid: str
    message: str
    changes: tuple[str, ...] = ()
    evidence: Evidence | None = attrs.field(default=None, eq=False)
    notices: tuple[Notice, ...] = attrs.field(default=(), eq=False)

    @property
    def restart(self) -> str:
        """Another version, or any other change."""
        return "version" if "version" in self.changes else "spec"


@attrs.frozen
class ReloadServer(PodAction):
    """Have a running server take up the configuration it finds in its pod.

    `config` names the configuration, `formerly` in forms of earlier versions; `digest` is what
    the server reports once it has it (None: it reports none). `expiries` are the ends of new
    certificates, by listener, and `secrets` the Secrets that hold them. `asks`: the operator asks
    for the reload itself, no sidecar does.
    """

    name: str
    uid: str
    address: str
    server_id: str
    config: str
    revision: str
    digest: str | None
    expiries: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]
    asks: bool
    message: str
    formerly: tuple[str, ...] = ()

    @property
    def asked_server(self) -> str:
        """The one that reloads: it is asked what it runs."""
        return self.uid


@attrs.frozen
class NoteProof(Action):
    """Note on the config Secret that servers run its content, which has this digest."""

    name: str
    uid: str
    content: str

    @property
    def subject(self) -> str:
        """The Secret."""
        return f"Secret {self.name}"


@attrs.frozen
class NoteClaims(Action):
    """Note on the config Secret or on a claim which servers have had a volume.

    `data`: and on a claim what its data depends on. `seal`: that of the text, if there is any.
    """

    kind: str
    name: str
    uid: str
    text: str
    data: str = ""
    seal: str = ""

    @property
    def subject(self) -> str:
        """The object."""
        return f"{self.kind} {self.name}"


@attrs.frozen
class GrowClaim(Action):
    """Have a claim ask for another size, if it is still the one that was seen.

    `size` is the quantity, `wanted` the same in bytes. `at` is the moment, in RFC 3339.
    """

    name: str
    uid: str
    resource_version: str
    size: str
    wanted: int
    message: str
    at: str

    @property
    def subject(self) -> str:
        """The claim."""
        return f"PersistentVolumeClaim {self.name}"


@attrs.frozen
class NoteDepartures(Action):
    """Note on the config Secret which servers hold nothing when they leave: index and name.

    `claims` are those of them that are to be deleted then: index and uid.
    """

    name: str
    uid: str
    note: tuple[tuple[int, str], ...]
    claims: tuple[tuple[int, str], ...] = ()

    @property
    def subject(self) -> str:
        """The Secret."""
        return f"Secret {self.name}"


@attrs.frozen
class EvacuateServer(PodAction):
    """Have everything move away from a server, which calls itself `server`."""

    name: str
    uid: str
    server: str
    message: str
    evidence: Evidence | None = attrs.field(default=None, eq=False)
    notices: tuple[Notice, ...] = attrs.field(default=(), eq=False)

    @property
    def asked_server(self) -> str:
        """The one that is left, though any of the cluster answers."""
        return self.uid


@attrs.frozen
class MoveStreams(PodAction):
    """The same below 2.15: these streams move, with their consumers, and no others yet.

    `reason` is that of the event.
    """

    name: str
    uid: str
    server: str
    streams: tuple[Asset, ...]
    message: str
    evidence: Evidence | None = attrs.field(default=None, eq=False)
    reason: str = "ScalingDown"
    notices: tuple[Notice, ...] = attrs.field(default=(), eq=False)

    @property
    def asked_server(self) -> str:
        """The one that is left, though any of the cluster answers."""
        return self.uid


@attrs.frozen
class RemoveServer(PodAction):
    """Delete the pod of a server that leaves for good, if it still holds nothing.

    `note` is written right after that, which is then known.
    """

    index: int
    name: str
    uid: str
    message: str
    note: NoteDepartures
    evidence: Evidence | None = attrs.field(default=None, eq=False)
    notices: tuple[Notice, ...] = attrs.field(default=(), eq=False)

    @property
    def asked_server(self) -> str:
        """It is asked what it holds."""
        return self.uid


@attrs.frozen
class RemoveMember(PodAction):
    """Take a server that left out of the meta group; `leader` is the pod of who leads that."""

    name: str
    server: str
    leader: str
    message: str
    evidence: Evidence | None = attrs.field(default=None, eq=False)

    @property
    def asked_server(self) -> str:
        """The leader, which answers."""
        return self.leader


@attrs.frozen
class BindToken(Action):
    """Give a ServiceAccount a token in its Secret, or a new one before the old one ends."""

    grant: Grant

    @property
    def subject(self) -> str:
        """The Secret, which may be in another namespace."""
        return f"Secret {'/'.join(self.key)}"

    @property
    def key(self) -> tuple[str, str]:
        """Where the Secret is."""
        return self.grant.key

    @property
    def name(self) -> str:
        """The Secret's name."""
        return self.grant.secret


@attrs.frozen
class RemoveToken(Action):
    """Delete a bound-token Secret whose role or ServiceAccount is gone."""

    secret: Secret

    @property
    def subject(self) -> str:
        """The Secret, which may be in another namespace."""
        return f"Secret {'/'.join(self.key)}"

    @property
    def key(self) -> tuple[str, str]:
        """Where the Secret is."""
        return self.secret.key

    @property
    def name(self) -> str:
        """The Secret's name."""
        return self.secret.metadata.name


@attrs.frozen
class UpdateRoleStatus(Action):
    """Write the status of a NatsServiceRole."""

    role: ServiceRole
    status: RoleStatus

    @property
    def subject(self) -> str:
        """The role."""
        return f"NatsServiceRole {self.name}"

    @property
    def name(self) -> str:
        """The role's name."""
        return self.role.metadata.name


@attrs.frozen
class Plan:
    """What to do now.

    `stages` run one after the other, the actions within one at the same time. `queries` are to be
    answered before anything else is decided. `again` is in seconds.
    """

    stages: tuple[tuple[Action, ...], ...] = ()
    queries: frozenset[Query] = frozenset()
    again: float | None = None
