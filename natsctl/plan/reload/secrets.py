"""What a reload takes from Secrets, and what it writes into the one with the configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from natsctl.model import names
from natsctl.model.times import moment
from natsctl.plan.proof import current_content, rollback_content

if TYPE_CHECKING:
    from collections.abc import Mapping


def withdrawal(live: Mapping[str, Any], refusal: str) -> dict[str, Any]:
    """Merge patch that notes why a config Secret was refused, and puts back what was proven."""
    meta, before = live["metadata"], rollback_content(live)
    patch: dict[str, Any] = {
        "metadata": {
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
            "annotations": {names.REFUSED_ANNOTATION: refusal},
        }
    }
    if before is not None:
        gone = dict.fromkeys(current_content(live.get("data")).keys() - before.keys())
        patch["data"] = before | gone
    return patch


def content_changed(live: Mapping[str, Any]) -> datetime | None:
    """When a Secret's content was last written, by the API server's clock."""
    entries = live["metadata"].get("managedFields") or []
    times = [moment(entry.get("time"), UTC) for entry in entries if _of_data(entry)]
    return max((at for at in times if at), default=None)


def _of_data(entry: Mapping[str, Any]) -> bool:
    return "f:data" in (entry.get("fieldsV1") or {})
