"""What an API server in memory checks, and adds to what it keeps."""

from __future__ import annotations

import base64
from typing import Any

from tests.unit.simulated.clock import stamp
from tests.unit.simulated.patches import fields_of
from tests.unit.simulated.requests import Request, refusal

Json = dict[str, Any]


def validate(asked: Request) -> None:
    """The numbers of a Lease (coordination/validation)."""
    spec = asked.body.get("spec") or {}
    count, seconds = spec.get("leaseTransitions", 0), spec.get("leaseDurationSeconds", 1)
    if asked.kind == "Lease" and not (0 <= count < 2**31 and 0 < seconds < 2**31):
        raise refusal(422, "Invalid", "spec: must be numbers of 32 bits, and not negative")


def check(live: Json, meta: Json) -> None:
    """Optimistic concurrency: the object that was seen, in the version that was seen."""
    for key in ("uid", "resourceVersion"):
        if meta.get(key) and meta[key] != live["metadata"][key]:
            raise refusal(409, "Conflict", f"{key} is {live['metadata'][key]}, not {meta[key]}")


def strip(item: Json) -> Json:
    """Without what only the API server writes; texts of a Secret become data."""
    meta = {k: v for k, v in item["metadata"].items() if k not in ("uid", "resourceVersion")}
    result = {**item, "metadata": meta}
    texts = result.pop("stringData", None)
    if texts:
        coded = {k: base64.b64encode(v.encode()).decode() for k, v in texts.items()}
        result["data"] = {**(item.get("data") or {}), **coded}
    return result


def managed(manager: str, operation: str, item: Json) -> Json:
    """An entry of managedFields: who wrote all of this now, and how."""
    content = {k: v for k, v in item.items() if k not in ("apiVersion", "kind", "metadata")}
    meta = item.get("metadata") or {}
    named = {k: v for k, v in meta.items() if k in ("labels", "annotations", "ownerReferences")}
    fields = fields_of({**content, "metadata": named} if named else content)
    return {"manager": manager, "operation": operation, "time": stamp(), "fieldsV1": fields}


def dated(entries: list[Json], told: Json) -> list[Json]:
    """Entries of which those with data were written now."""
    if any("f:data" in entry["fieldsV1"] for entry in entries):
        now = {"time": told["time"]}
        return [e | now if "f:data" in e["fieldsV1"] else e for e in entries]
    return [*entries, told]


def specs(item: Json) -> Json:
    """What counts for the generation."""
    return {k: v for k, v in item.items() if k not in ("metadata", "status")}


def same(one: Json, other: Json) -> bool:
    """Whether only managedFields differ."""

    def essence(item: Json) -> Json:
        meta = {k: v for k, v in item["metadata"].items() if k != "managedFields"}
        return {**item, "metadata": meta}

    return essence(one) == essence(other)
