"""Kubernetes Events: one for every step, so that `kubectl describe nats` tells the story."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.model import names
from natsctl.model.foreign import plain, word
from natsctl.model.words import listed
from natsctl.plan.actions import (
    Action,
    AdoptServer,
    BindToken,
    CreateServer,
    DeleteObject,
    DeleteServer,
    Ensure,
    ReloadServer,
    RemoveToken,
    ReplaceServer,
    ResealServer,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.objects import Cluster

COMPONENT = "natsctl"
LIMIT = 1024
"""Characters an Event's message may have (API server validation)."""


@attrs.frozen
class Event:
    """What happened: a reason in CamelCase and a sentence."""

    reason: str = attrs.field(converter=word)
    message: str = attrs.field(converter=plain)
    type: str = "Normal"


def events_of(actions: Sequence[Action]) -> tuple[Event, ...]:
    """The events of one stage, several creations in one."""
    found: list[Event] = []
    created = [a.name for a in actions if isinstance(a, CreateServer)]
    if created:
        found.append(Event("CreatedServers", f"created {listed(created)}"))
    adopted = [a.name for a in actions if isinstance(a, AdoptServer) and a.taken_over]
    if adopted:
        text = f"{listed(adopted)}: made by the Go operator, left as they are"
        found.append(Event("TookOverServers", text))
    known = [a.name for a in actions if isinstance(a, ResealServer)]
    if known:
        text = (
            f"the operator's Secret was replaced: {listed(known)} go on as they are, and get "
            "its new user when their side-cars reload them, or with their next start"
        )
        found.append(Event("ReplacedKey", text))
    made = [_object(a) for a in actions if isinstance(a, Ensure) and not a.present]
    if made:
        found.append(Event("CreatedObjects", f"created {listed(made)}"))
    mended = [_object(a) for a in actions if isinstance(a, Ensure) and a.present]
    if mended:
        found.append(Event("UpdatedObjects", f"updated {listed(mended)}"))
    withdrawn = [f"{a.kind} {a.name}" for a in actions if isinstance(a, DeleteObject)]
    if withdrawn:
        text = f"deleted {listed(withdrawn)}: the spec asks for it no more"
        found.append(Event("DeletedObjects", text))
    for action in actions:
        if isinstance(action, DeleteServer):
            found.append(Event(action.reason, action.message))
        elif isinstance(action, ReplaceServer):
            found.append(Event("RestartingServer", action.message))
        elif isinstance(action, ReloadServer):
            found.append(Event("ReloadedServer", action.message))
        elif isinstance(action, BindToken):
            where = f"{action.grant.account.namespace}/{action.name}"
            found.append(Event("BoundToken", f"Secret {where} has a token for {action.grant.user}"))
        elif isinstance(action, RemoveToken):
            where = f"{action.secret.metadata.namespace}/{action.name}"
            found.append(Event("RemovedToken", f"Secret {where}: nobody gets in by it any more"))
    return tuple(found)


_TURNS = {
    "Ready": ("True", "Normal"),
    "Degraded": ("True", "Warning"),
    "SpecAccepted": ("False", "Warning"),
    "ConfigAccepted": ("False", "Warning"),
}


def turning_points(before: ClusterStatus, after: ClusterStatus) -> tuple[Event, ...]:
    """Conditions that turned to what somebody waits for, or should know of."""
    old = {c.type: (c.status, c.reason) for c in before.conditions}
    return tuple(
        Event("Ready" if c.type == "Ready" else c.reason, c.message, _TURNS[c.type][1])
        for c in after.conditions
        if c.type in _TURNS
        and c.status == _TURNS[c.type][0]
        and old.get(c.type) != (c.status, c.reason)
    )


def _object(action: Ensure) -> str:
    return f"{action.standing.kind} {action.standing.name}"


def manifest(cluster: Cluster, event: Event) -> dict[str, Any]:
    """The Event object."""
    meta = cluster.metadata
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{meta.name}.{uuid.uuid4().hex[:16]}",
            "namespace": meta.namespace,
        },
        "involvedObject": {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND_CLUSTER,
            "name": meta.name,
            "namespace": meta.namespace,
            "uid": meta.uid,
            "resourceVersion": meta.resource_version,
        },
        "type": event.type,
        "reason": event.reason,
        "message": event.message[:LIMIT],
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
