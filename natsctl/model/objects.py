"""What natsctl reads of Kubernetes objects: projections, decoded straight from watch lines.

Unknown fields are skipped while decoding, so an object costs its projection and no more.
msgspec structs instead of attrs classes, because only they rename fields (camelCase).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from natsctl.model import names
from natsctl.model.limits import natural
from natsctl.model.struct_types import known_to_threads

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T", bound="Object")


class Wire(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base of every projection: frozen, camelCase on the wire.

    What cannot change cannot come to refer to itself: no search for garbage has to visit it.
    """


class OwnerReference(Wire, frozen=True):
    """`metadata.ownerReferences[]`."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class Meta(Wire, frozen=True):
    """`metadata`, without managedFields; `cut`: not all labels and annotations are here."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None
    cut: bool = False

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that controls this object, if any."""
        return next((o for o in self.owner_references or () if o.controller), None)

    def annotation(self, key: str) -> str | None:
        """One annotation's value."""
        return (self.annotations or {}).get(key)

    def label(self, key: str) -> str | None:
        """One label's value."""
        return (self.labels or {}).get(key)


class Object(Wire, frozen=True):
    """Any object: its metadata."""

    metadata: Meta

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.metadata.namespace, self.metadata.name

    @property
    def version(self) -> int:
        """resourceVersion as a number: later writes have greater ones (KEP-5504)."""
        return natural(self.metadata.resource_version) or 0


class Free(Object, frozen=True):
    """What users write freely: spec and status are whatever the API server holds.

    `unreadable` says why the spec was not read (see `api.limits`): then there is none.
    """

    spec: Any = None
    status: Any = None
    unreadable: str = ""


class Cluster(Free, frozen=True):
    """A NatsCluster as stored."""


class ServiceRole(Free, frozen=True):
    """A NatsServiceRole as stored."""


class Waiting(Wire, frozen=True):
    """`containerStatuses[].state.waiting`."""

    reason: str = ""
    message: str = ""


class Runs(Wire, frozen=True):
    """`containerStatuses[].state.running`: that it is there says it all."""


class Terminated(Wire, frozen=True):
    """`containerStatuses[].state.terminated`."""

    reason: str = ""
    message: str = ""
    exit_code: int = 0


class ContainerState(Wire, frozen=True):
    """`containerStatuses[].state`."""

    waiting: Waiting | None = None
    running: Runs | None = None
    terminated: Terminated | None = None


class ContainerStatus(Wire, frozen=True):
    """`status.containerStatuses[]`."""

    name: str = ""
    restart_count: int = 0
    ready: bool = False
    state: ContainerState | None = None
    last_state: ContainerState | None = None


class PodCondition(Wire, frozen=True):
    """`status.conditions[]`."""

    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None


class PodStatus(Wire, frozen=True):
    """`status` of a pod."""

    phase: str = ""
    reason: str | None = None
    message: str | None = None
    pod_ip: str | None = msgspec.field(name="podIP", default=None)
    conditions: tuple[PodCondition, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None


class FieldRef(Wire, frozen=True):
    """`env[].valueFrom.fieldRef`."""

    field_path: str = ""


class ValueFrom(Wire, frozen=True):
    """`env[].valueFrom`."""

    field_ref: FieldRef | None = None


class Variable(Wire, frozen=True):
    """`containers[].env[]`."""

    name: str = ""
    value: str = ""
    value_from: ValueFrom | None = None


class Container(Wire, frozen=True):
    """`spec.containers[]`."""

    name: str = ""
    args: tuple[str, ...] | None = None
    env: tuple[Variable, ...] | None = None


class PodSpec(Wire, frozen=True):
    """`spec` of a pod."""

    node_name: str | None = None
    containers: tuple[Container, ...] | None = None
    termination_grace_period_seconds: int | None = None


class Pod(Object, frozen=True):
    """A server's pod."""

    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class ServicePort(Wire, frozen=True):
    """`spec.ports[]` of a Service."""

    name: str = ""
    port: int = 0
    target_port: int | str | None = None
    protocol: str = "TCP"


class ServiceSpec(Wire, frozen=True):
    """`spec` of a Service."""

    type: str = "ClusterIP"
    cluster_ip: str | None = msgspec.field(name="clusterIP", default=None)
    selector: dict[str, str] | None = None
    ports: tuple[ServicePort, ...] | None = None
    publish_not_ready_addresses: bool = False


class Service(Object, frozen=True):
    """A cluster's Service."""

    spec: ServiceSpec = ServiceSpec()


class Whole(Object, frozen=True):
    """An object whose spec and data are compared whole, part by part: enough for most kinds."""

    spec: Any = None
    data: Any = None


class NetworkPolicy(Whole, frozen=True):
    """A cluster's NetworkPolicy."""


class PodDisruptionBudget(Whole, frozen=True):
    """How many of a cluster's servers others may evict."""


class Amounts(Wire, frozen=True):
    """`resources.requests` and `status.capacity` of a claim; a quantity of bytes."""

    storage: str = ""


class ClaimResources(Wire, frozen=True):
    """`spec.resources` of a claim."""

    requests: Amounts | None = None


class ClaimSpec(Wire, frozen=True):
    """`spec` of a claim."""

    resources: ClaimResources | None = None
    storage_class_name: str | None = None
    volume_name: str | None = None


class ResourceStatuses(Wire, frozen=True):
    """`status.allocatedResourceStatuses` of a claim: how far its growth has come, if it grows."""

    storage: str = ""


class ClaimStatus(Wire, frozen=True):
    """`status` of a claim."""

    phase: str = ""
    capacity: Amounts | None = None
    allocated_resource_statuses: ResourceStatuses | None = None
    conditions: tuple[PodCondition, ...] | None = None


class PersistentVolumeClaim(Object, frozen=True):
    """The claim of a server's volume. Its data may outlive the NatsCluster."""

    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus = ClaimStatus()

    @property
    def requested(self) -> str:
        """How much it asks for: a quantity, or empty."""
        resources = self.spec.resources
        return resources.requests.storage if resources and resources.requests else ""


class Namespace(Object, frozen=True):
    """A Namespace: of its metadata only name, version and labels are kept."""


class Secret(Object, frozen=True):
    """A cluster's Secret, with its data (base64)."""

    type: str = "Opaque"
    data: dict[str, str] | None = None

    def __repr__(self) -> str:
        """Which it is, without what it holds; `kubectl apply` notes that in an annotation, too."""
        meta, keys = self.metadata, sorted(self.data or {})
        return f"Secret({meta.namespace}/{meta.name}, {meta.resource_version}, keys={keys})"


def controlled(objects: Iterable[T], cluster: Cluster) -> dict[str, T]:
    """By name, those that this very NatsCluster controls."""
    uid = cluster.metadata.uid
    return {
        o.metadata.name: o
        for o in objects
        if o.metadata.controller is not None and o.metadata.controller.uid == uid
    }


def cluster_key(subject: Object) -> tuple[str, str] | None:
    """Namespace and name of the NatsCluster an object belongs to: its owner, else its label.

    That is always one of the object's own namespace: whoever may write labels there has no say
    anywhere else. A role belongs to the cluster of its label alone; without one, to none of a name.
    """
    meta = subject.metadata
    label = meta.label(names.LABEL_CLUSTER) or ""
    if isinstance(subject, ServiceRole):
        return meta.namespace, label
    for owner in meta.owner_references or ():
        if owner.kind == names.KIND_CLUSTER:
            return meta.namespace, owner.name
    return (meta.namespace, label) if label else None


known_to_threads(Wire, Object)
known_to_threads(*Object.__subclasses__(), *Free.__subclasses__(), *Whole.__subclasses__())
