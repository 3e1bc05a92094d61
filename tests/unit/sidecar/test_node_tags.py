"""The file that a server with tags of its node starts with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from natsctl.sidecar.node_tags import Tagged, TagSettings, start_text, tagged

ZONE = "topology.kubernetes.io/zone"
SETTINGS = TagSettings(
    (ZONE,), Path("/etc/nats-config/advertise/server.conf"), Path("/etc/nats-config/server.conf")
)


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        ({"labels": {ZONE: "eu-a", "rack": "7"}}, Tagged(("zone:eu-a", "rack:7"))),
        ({"labels": {"rack": "7"}}, Tagged(("rack:7",), (ZONE,))),
        ({"labels": {}}, Tagged((), (ZONE, "rack"))),
        ({"labels": None}, Tagged((), (ZONE, "rack"))),
        ({}, Tagged((), (ZONE, "rack"))),
        (None, Tagged((), (ZONE, "rack"))),
    ],
)
def test_labels_become_tags_or_are_missing(metadata: Any, found: Tagged) -> None:
    assert tagged({"metadata": metadata}, [ZONE, "rack"]) == found


def test_it_adds_to_what_all_servers_have() -> None:
    """Not `server_tags`, of which the one in the file would replace that of all servers."""
    assert start_text(SETTINGS, ["zone:eu-a", "rack:7"]) == (
        'include "../server.conf"\nSERVER_TAGS: ["zone:eu-a", "rack:7"]\n'
    )


def test_without_a_tag_it_is_the_configuration_of_all() -> None:
    assert start_text(SETTINGS, []) == 'include "../server.conf"\n'
