"""The kinds of objects that a cluster owns as long as it exists, pods aside, in one list.

A new kind is a builder, in a module of its own, and an entry here. What reads, plans, writes and
deletes finds all it needs to know in the entry; RBAC has to let natsctl do it.
"""

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from natsctl.api.fields import Json
from natsctl.model import objects
from natsctl.model.server_identity import indexes
from natsctl.render.objects.claims import server_claim
from natsctl.render.objects.disruption_budget import disruption_budget
from natsctl.render.objects.network_policy import network_policy
from natsctl.render.objects.secret import config_secret
from natsctl.render.objects.services import client_service, management_service_object
from natsctl.render.target import Target


@attrs.frozen
class OwnedKind:
    """Where a kind lives, what is kept of it, how it is made, and how it comes and goes.

    `server_builders` make one for each server; a claim of a volume is one.
    `is_config`: it holds the servers' configuration, without which none starts, and keeps what
    was proven before. `deleted`: one that the spec asks for no more is deleted. `taken_over`: one
    of the name that nobody controls becomes ours. `optional`: without the right to read it,
    nothing waits for it. `late`: it is watched once a cluster needs it. `own_rule`: a rule of its
    own decides when it is made and written. `holds_data`: it may outlive its cluster, and belongs
    to it by its labels; it is never deleted, and its spec is written once.
    """

    kind: str
    api_version: str
    plural: str
    projection: type[objects.Object]
    builders: tuple[Callable[[Target], Json | None], ...] = ()
    server_builders: tuple[Callable[[Target, int], Json | None], ...] = ()
    is_config: bool = False
    deleted: bool = False
    taken_over: bool = False
    optional: bool = False
    late: bool = False
    own_rule: bool = False
    holds_data: bool = False


# In the order in which they are created: a pod needs all of them.
OWNED_KINDS: Final[tuple[OwnedKind, ...]] = (
    OwnedKind(
        "NetworkPolicy",
        "networking.k8s.io/v1",
        "networkpolicies",
        objects.NetworkPolicy,
        (network_policy,),
        deleted=True,
        optional=True,
    ),
    OwnedKind(
        "Service",
        "v1",
        "services",
        objects.Service,
        (client_service, management_service_object),
    ),
    OwnedKind(
        "Secret",
        "v1",
        "secrets",
        objects.Secret,
        (config_secret,),
        is_config=True,
        taken_over=True,
    ),
    OwnedKind(
        "PersistentVolumeClaim",
        "v1",
        "persistentvolumeclaims",
        objects.PersistentVolumeClaim,
        server_builders=(server_claim,),
        optional=True,
        late=True,
        own_rule=True,
        holds_data=True,
    ),
    OwnedKind(
        "PodDisruptionBudget",
        "policy/v1",
        "poddisruptionbudgets",
        objects.PodDisruptionBudget,
        (disruption_budget,),
        deleted=True,
        optional=True,
        late=True,
        own_rule=True,
    ),
)


def owned_kinds() -> tuple[OwnedKind, ...]:
    """All kinds of objects that clusters own, pods aside."""
    return OWNED_KINDS


def owned_kind(kind: str) -> OwnedKind:
    """The entry of a kind."""
    return next(entry for entry in owned_kinds() if entry.kind == kind)


def config_kind() -> OwnedKind:
    """The kind that holds the servers' configuration."""
    return next(entry for entry in owned_kinds() if entry.is_config)


def data_kind() -> OwnedKind:
    """The kind that holds what servers store."""
    return next(entry for entry in owned_kinds() if entry.holds_data)


def budget_kind() -> OwnedKind:
    """The kind that says how many servers others may evict."""
    return owned_kind("PodDisruptionBudget")


def owned_objects(target: Target) -> tuple[Json, ...]:
    """Every object of a cluster except its pods."""
    made = (manifest for entry in owned_kinds() for manifest in _of_kind(entry, target))
    return tuple(manifest for manifest in made if manifest is not None)


def _of_kind(entry: OwnedKind, target: Target) -> Iterator[Json | None]:
    yield from (build(target) for build in entry.builders)
    for build in entry.server_builders:
        yield from (build(target, index) for index in indexes(target.spec.size))
