"""What lists and watches show of the objects of an API server in memory."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec

from tests.unit.simulated.patches import selects
from tests.unit.simulated.requests import Request, Where

Json = dict[str, Any]


@attrs.frozen
class Change:
    """One write that changed something: the object before and after it, if there was one."""

    version: int
    where: Where
    before: Json | None
    after: Json | None


@attrs.frozen
class Window:
    """What a list or a watch shows of the objects."""

    asked: Request
    partial: bool

    def has(self, where: Where, item: Json | None) -> bool:
        """Whether an object is in it."""
        kind, namespace, name = where
        params = self.asked.params
        field = params.get("fieldSelector", "").removeprefix("metadata.name=")
        return (
            item is not None
            and kind == self.asked.kind
            and self.asked.namespace in ("", namespace)
            and field in ("", name)
            and selects(params.get("labelSelector", ""), item["metadata"].get("labels") or {})
        )

    def shown(self, item: Json) -> Json:
        """As much of it as was asked for."""
        return {"metadata": item["metadata"]} if self.partial else item

    def event(self, change: Change) -> bytes | None:
        """What it tells of a change: an object may come into the window, or leave it."""
        before, after = (self.has(change.where, o) for o in (change.before, change.after))
        if after and change.after is not None:
            return line("MODIFIED" if before else "ADDED", self.shown(change.after))
        if not before or change.before is None:
            return None
        meta = {**change.before["metadata"], "resourceVersion": str(change.version)}
        return line("DELETED", self.shown({**change.before, "metadata": meta}))


def line(kind: str, item: Json) -> bytes:
    """An event of a watch."""
    return msgspec.json.encode({"type": kind, "object": item}) + b"\n"


def bookmark(version: int, *, initial_end: bool = False) -> bytes:
    """How far a watch has told; maybe also that what there was before is complete."""
    meta: Json = {"resourceVersion": str(version)}
    if initial_end:
        meta["annotations"] = {"k8s.io/initial-events-end": "true"}
    return line("BOOKMARK", {"metadata": meta})
