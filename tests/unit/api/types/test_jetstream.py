"""What specs say of JetStream, and what they mean where they say nothing."""

from typing import Any

import pytest

from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.types.jetstream import (
    DEFAULT_SIZE,
    META_SIZE,
    JetStream,
    stores_files,
    volume_size,
)

MEMORY = {"memoryStore": {"maxSize": "1Gi"}}


def parsed(raw: dict[str, Any]) -> JetStream:
    jetstream = parse_spec({"size": 3, "jetstream": raw}).jetstream
    assert jetstream is not None
    return jetstream


def test_it_is_on_as_soon_as_it_is_there() -> None:
    assert parsed({}) == JetStream()
    assert parse_spec({"size": 3}).jetstream is None


def test_all_of_it() -> None:
    found = parsed(
        {
            "domain": "hub",
            "fileStore": {
                "pvc": {"size": "20Gi", "storageClassName": "fast"},
                "volumeClaimTemplate": {"metadata": {"labels": {"a": "b"}}},
                "maxSize": "7Gi",
                "resizePolicy": "Replace",
            },
            **MEMORY,
            "encryption": {"secret": "js-key", "cipher": "aes"},
            "uniqueTag": "zone:",
            "limits": {"maxHaAssets": 1000, "duplicateWindow": "5m"},
            "syncInterval": "always",
        }
    )
    assert found.domain == "hub"
    assert found.file_store is not None
    assert found.file_store.pvc is not None
    assert found.file_store.pvc.storage_class_name == "fast"
    assert found.encryption is not None
    assert found.encryption.key == "key"
    assert found.limits is not None
    assert found.limits.max_ha_assets == 1000


@pytest.mark.parametrize(
    ("raw", "size", "files"),
    [
        ({}, DEFAULT_SIZE, True),
        ({"fileStore": {}}, DEFAULT_SIZE, True),
        ({"fileStore": {"pvc": {"size": "5Gi"}}, **MEMORY}, "5Gi", True),
        (MEMORY, META_SIZE, False),
    ],
)
def test_each_server_has_a_volume(raw: dict[str, Any], size: str, files: bool) -> None:
    """Without streams on disk, too: servers keep there who is a member, and what streams exist."""
    assert volume_size(parsed(raw)) == size
    assert stores_files(parsed(raw)) is files


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ({"memoryStore": {}}, "spec.jetstream.memoryStore.maxSize: is required"),
        ({"encryption": {}}, "spec.jetstream.encryption.secret: is required"),
        (
            {"fileStore": {"pvc": {"size": "10 GB"}}},
            "spec.jetstream.fileStore.pvc.size: '10 GB' is not a valid quantity of bytes; "
            'use a number and a unit, such as "10Gi"',
        ),
        (
            {"domain": "a.b"},
            "spec.jetstream.domain: 'a.b' is not a valid JetStream domain; use letters, digits, "
            "hyphens and underscores",
        ),
        (
            {"uniqueTag": "zone a"},
            "spec.jetstream.uniqueTag: 'zone a' is not a valid tag of a server; use letters, "
            'digits, hyphens, underscores, dots and colons, as in "zone:a"',
        ),
    ],
)
def test_what_cannot_be_understood(raw: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        parsed(raw)
    assert [str(each) for each in caught.value.problems] == [problem]
