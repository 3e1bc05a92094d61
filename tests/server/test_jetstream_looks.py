"""What real servers say of JetStream is read whole, in however many parts it comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from natsctl.model.jetstream import Asset
from natsctl.nats import pages
from natsctl.nats.gate import Gate
from natsctl.nats.jetstream import look
from tests.server import servers
from tests.server.jetstream import ACCOUNT, running

pytestmark = pytest.mark.server

STREAMS = 12


@pytest.mark.parametrize("version", servers.those("2.9.25", "2.10.29", "2.12.15", "2.15.3"))
async def test_all_servers_tell_all_streams_and_consumers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    with running(version, tmp_path, 3) as cluster:
        monkeypatch.setattr("natsctl.model.names.MONITORING_PORT", cluster.ports.monitoring)
        for index in range(STREAMS):
            await cluster.add(f"s{index}", 3, consumers=2)
        whole = await look(Gate(), cluster.places, None, ("ns", "c"))
        monkeypatch.setattr(pages, "PAGE", 4096)
        parts = await look(Gate(), cluster.places, None, ("ns", "c"))
    names = {f"s{index}" for index in range(STREAMS)}
    expected = {Asset(ACCOUNT, it, consumer) for it in names for consumer in ("", "d0", "d1")}
    for said in (*whole.values(), *parts.values()):
        assert (said.problem, said.unknown, said.too_many) == ("", (), "")
        assert set(said.groups) == expected
        assert all(it.replicas == 3 for it in said.groups.values())
        assert said.health.code == 200
        assert said.meta is not None
        assert said.meta.size == 3
    assert {it.name for it in whole.values()} == set(cluster.places)
    leaders = {said.meta.leader for said in whole.values() if said.meta}
    assert len(leaders) == 1
