"""What happened to pods, in order, and what may be concluded from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@attrs.frozen
class Sighting:
    """One watch event; `at` is monotonic seconds, `type` ADDED, MODIFIED or DELETED."""

    at: float
    type: str
    name: str
    uid: str
    serving: bool = False
    """Ready, and not about to leave."""


def sighting(at: float, type_: str, item: dict[str, Any]) -> Sighting:
    """The event, without what nobody asks."""
    meta = item["metadata"]
    conditions = (item.get("status") or {}).get("conditions") or []
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    serving = ready and "deletionTimestamp" not in meta and type_ != "DELETED"
    return Sighting(at, type_, meta["name"], meta["uid"], serving)


def gone(sightings: Iterable[Sighting]) -> list[str]:
    """The names of pods that were deleted, in order."""
    return [s.name for s in sightings if s.type == "DELETED"]


def most_down(sightings: Sequence[Sighting], names: Sequence[str], since: float) -> list[str]:
    """The largest set of these servers that were down at the same time from `since` on.

    A server is down while its pod is missing, leaving or not ready.
    """
    serving: dict[str, bool] = {}
    worst: list[str] = []
    for seen in sightings:
        serving[seen.name] = seen.serving
        down = [name for name in names if not serving.get(name)]
        if seen.at >= since and len(down) > len(worst):
            worst = down
    return worst


def uids(sightings: Iterable[Sighting]) -> dict[str, str]:
    """The pods that exist after all this, by name."""
    found: dict[str, str] = {}
    for seen in sightings:
        if seen.type != "DELETED":
            found[seen.name] = seen.uid
        elif found.get(seen.name) == seen.uid:
            del found[seen.name]
    return found
