"""Kubernetes Events: one for every step, so that `kubectl describe nats` tells the story."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from natsctl.model import names
from natsctl.model.foreign import plain, word
from natsctl.model.times import written
from natsctl.plan.gates.remembered import read
from natsctl.plan.gates.words import broken_before

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.api.types.status import ClusterStatus, JetStreamStatus
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


_TURNS = {
    "Ready": ("True", "Normal"),
    "Degraded": ("True", "Warning"),
    "SpecAccepted": ("False", "Warning"),
    "ConfigAccepted": ("False", "Warning"),
    "JetStream": ("False", "Warning"),
}


_WARNINGS: Final = ("StorageFilling", "VolumesAtMaximum")
"""Reasons of conditions that are well, after which they soon are not."""
_WORSE: Final = ("StorageLow", "StorageLent")
"""What such a warning comes too late after."""
_OF_THEIR_OWN: Final = ("StorageLent",)
"""What has an event of its own, because a worse reason may hide it."""


def turning_points(before: ClusterStatus, after: ClusterStatus) -> tuple[Event, ...]:
    """What turned to what somebody waits for, or should know of."""
    lent = _lent(before.jetstream, after.jetstream)
    return (*_conditions(before, after), *lent, *_roll(before.jetstream, after))


def _conditions(before: ClusterStatus, after: ClusterStatus) -> tuple[Event, ...]:
    old = {c.type: (c.status, c.reason) for c in before.conditions}
    turned = tuple(
        Event("Ready" if c.type == "Ready" else c.reason, c.message, _TURNS[c.type][1])
        for c in after.conditions
        if c.type in _TURNS
        and c.status == _TURNS[c.type][0]
        and old.get(c.type) != (c.status, c.reason)
        and c.reason not in _OF_THEIR_OWN
    )
    warned = tuple(
        Event(c.reason, c.message, "Warning")
        for c in after.conditions
        if c.reason in _WARNINGS and old.get(c.type, ("", ""))[1] not in (c.reason, *_WORSE)
    )
    return (*turned, *warned)


def _lent(old: JetStreamStatus | None, new: JetStreamStatus | None) -> Iterator[Event]:
    """A reserve that was lent, or taken back, whatever else the condition says meanwhile."""
    before, now = old.lent if old is not None else None, new.lent if new is not None else None
    if now is not None and (before is None or before.limit != now.limit):
        text = f"the file store reached its limit, which is {now.limit} for the time being"
        yield Event("StorageLent", f"{text}: delete messages, or enlarge the volumes", "Warning")
    if before is not None and now is None:
        yield Event("StorageTakenBack", f"the limit of the file store is no longer {before.limit}")


def _roll(old: JetStreamStatus | None, after: ClusterStatus) -> Iterator[Event]:
    """Servers with streams that began to restart although something was broken, or that wait."""
    new = after.jetstream
    if new is None:
        return
    if new.broken_before and (old is None or old.broken_before is None):
        text = "broken before servers began to restart, and waited for only where it has to be"
        broken = broken_before(read([attrs.asdict(row) for row in new.broken_before]))
        yield Event("BrokenBefore", f"{text}: {broken}", "Warning")
    reported = old.waiting.reported if old is not None and old.waiting is not None else 0
    if new.waiting is not None and new.waiting.reported > reported:
        waits = f"{new.waiting.server} has waited for {new.waiting.reported} minutes"
        told = (c.message for c in after.conditions if c.type == "Progressing")
        yield Event("StillWaiting", f"{waits}: {next(told, '')}", "Warning")


def manifest(cluster: Cluster, event: Event) -> dict[str, Any]:
    """The Event object."""
    meta = cluster.metadata
    now = written(datetime.now(UTC))
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
