"""What the data of a server depends on."""

from __future__ import annotations

from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.render.revision.data import data_entries


def test_without_streams_it_depends_on_nothing() -> None:
    assert data_entries(NatsClusterSpec(size=3)) == {}
