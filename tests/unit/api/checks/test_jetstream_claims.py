"""No template of claims gives servers data that is not their own."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.api.checks.jetstream_claims import claim_problems
from natsctl.api.parse import parse_spec

PATH = "spec.jetstream.fileStore.volumeClaimTemplate.spec"
SNAPSHOT = {"kind": "VolumeSnapshot", "name": "s"}


def said(template: Any) -> list[str]:
    given = {"fileStore": {"volumeClaimTemplate": template}}
    spec = parse_spec({"size": 3, "jetstream": given})
    assert spec.jetstream is not None
    return [str(problem) for problem in claim_problems(spec.jetstream)]


@pytest.mark.parametrize("field", ["dataSource", "dataSourceRef"])
def test_no_two_servers_begin_with_the_same_data(field: str) -> None:
    assert said({"spec": {field: SNAPSHOT}}) == [
        f"{PATH}.{field}: is {SNAPSHOT!r}, which would put the same data on the volume of each "
        "server; remove it, and restore the PersistentVolumeClaim of one server under its own name"
    ]


def test_no_two_servers_ask_for_the_same_volume() -> None:
    assert said({"spec": {"volumeName": "pv-1"}}) == [
        f"{PATH}.volumeName: is 'pv-1', which would ask for the same volume for each server; "
        "remove it, and set claimRef of each PersistentVolume to the PersistentVolumeClaim of its "
        "server"
    ]


def test_servers_store_files() -> None:
    assert said({"spec": {"volumeMode": "Block"}}) == [
        f"{PATH}.volumeMode: is 'Block', but servers store files; use Filesystem, or omit it"
    ]
    assert said({"spec": {"volumeMode": "Filesystem"}}) == []


@pytest.mark.parametrize(
    "template",
    [
        {},
        {"metadata": {"labels": {"a": "b"}}},
        {"spec": None},
        {"spec": "odd"},
        {"spec": {"dataSource": None, "volumeName": ""}},
        {"spec": {"accessModes": ["ReadWriteOncePod"], "storageClassName": "local"}},
        {"spec": {"selector": {"matchLabels": {"disk": "nvme"}}}},
    ],
)
def test_all_else_may_be_asked_of_volumes(template: Any) -> None:
    """Of those that a selector matches, each claim gets another one."""
    assert said(template) == []
