"""When a Secret's content changed, as its managed fields tell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from natsctl.plan.reload.secrets import content_changed

Json = dict[str, Any]
DATA: Json = {"f:data": {"f:nats.conf": {}}}
LABELS: Json = {"f:metadata": {"f:labels": {}}}


@pytest.mark.parametrize(
    ("entries", "minute"),
    [
        (None, None),
        ([], None),
        ([{"time": "2030-01-01T12:01:00Z", "fieldsV1": DATA}], 1),
        ([{"time": "2030-01-01T12:01:00", "fieldsV1": DATA}], 1),
        ([{"time": f"2030-01-01T12:0{m}:00Z", "fieldsV1": DATA} for m in (2, 3, 1)], 3),
        (
            [
                {"time": "2030-01-01T12:01:00Z", "fieldsV1": DATA},
                {"time": "2030-01-01T12:02:00Z", "fieldsV1": LABELS},
                {"time": "2030-01-01T12:03:00Z"},
            ],
            1,
        ),
        ([{"fieldsV1": DATA}, {"time": "soon", "fieldsV1": DATA}], None),
    ],
    ids=["none", "empty", "one", "without-a-zone", "the-last", "of-the-data-only", "unreadable"],
)
def test_the_last_write_of_the_data_counts(entries: Any, minute: int | None) -> None:
    moment = None if minute is None else datetime(2030, 1, 1, 12, minute, tzinfo=UTC)
    assert content_changed({"metadata": {"managedFields": entries}}) == moment
