"""What the operator's user asks of JetStream, on real servers, with the permissions it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from natsctl.model.outcome import Done, Refused, Unknown, Unreachable
from natsctl.nats.jetstream_requests import (
    cancel_move,
    evacuate,
    move_stream,
    remove_server,
    step_down,
)
from tests.server import servers
from tests.server.jetstream import ACCOUNT, Cluster, running, until

pytestmark = pytest.mark.server

VERSIONS = servers.those("2.9.25", "2.12.15", "2.15.3")
NO_PEERS, NOT_A_MEMBER, NOT_THERE, NO_STREAM, NOT_MOVING = 10005, 10044, 10040, 10059, 10129


def since(version: str, *release: int) -> bool:
    return tuple(int(part) for part in version.split(".")[:2]) >= release


@pytest.mark.parametrize("version", VERSIONS)
async def test_requests_of_procedures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """One cluster for all of them: it is what takes time."""
    with running(version, tmp_path, 4) as cluster:
        monkeypatch.setattr("natsctl.model.names.CLIENT_PORT", cluster.ports.clients)
        await cluster.add("one", 1)
        await cluster.add("three", 3)
        await hand_over(cluster, version)
        await move(cluster)
        await empty(cluster, version)
        await remove(cluster)


async def hand_over(cluster: Cluster, version: str) -> None:
    api, before = cluster.api(), cluster.leader()
    assert await step_down(api) == Done()
    assert await until(lambda: cluster.leader() not in ("", before))
    before = cluster.leader()
    other = next(it.name for it in cluster.servers if it.name != before)
    asked = await step_down(api, other)
    if since(version, 2, 11):
        assert asked == Done()
        assert await until(lambda: cluster.leader() == other)
    else:
        assert isinstance(asked, Refused)
        assert asked.code == NO_PEERS
    api.session.close()


async def move(cluster: Cluster) -> None:
    api = cluster.api()
    for stream in ("one", "three"):
        before = (await cluster.members(stream))[0]

        async def moved(stream: str = stream, before: str = before) -> bool:
            return before not in (await cluster.members(stream) or (before,))

        assert await move_stream(api, ACCOUNT, stream, before) == Done()
        assert await until(moved)
    where = await cluster.members("three")
    spare = next(it.name for it in cluster.servers if it.name not in where)
    for asked, code in (
        (move_stream(api, ACCOUNT, "three", spare), NOT_THERE),
        (move_stream(api, ACCOUNT, "three", "c-9"), NOT_A_MEMBER),
        (move_stream(api, ACCOUNT, "none", "c-1"), NO_STREAM),
        (cancel_move(api, ACCOUNT, "none"), NO_STREAM),
    ):
        refused = await asked
        assert isinstance(refused, Refused)
        assert refused.code == code
    outcome = await cancel_move(api, ACCOUNT, "three")
    assert outcome == Done() or (isinstance(outcome, Refused) and outcome.code == NOT_MOVING)
    api.session.close()


async def empty(cluster: Cluster, version: str) -> None:
    api = cluster.api()
    if not since(version, 2, 15):
        assert isinstance(await evacuate(api, "c-1"), Unreachable | Unknown)
        return
    refused = await evacuate(api, "c-9")
    assert isinstance(refused, Refused)
    assert refused.code == NOT_A_MEMBER
    leaves = (await cluster.members("three"))[0]

    async def left() -> bool:
        return leaves not in (await cluster.members("three") or (leaves,))

    assert await evacuate(api, leaves) == Done()
    assert await until(left)
    api.session.close()


async def remove(cluster: Cluster) -> None:
    through = cluster.leader()
    api = cluster.api(through)
    unknown = await remove_server(api, "c-9")
    assert isinstance(unknown, Refused)
    assert unknown.code == NOT_A_MEMBER
    first, *others = [it for it in cluster.servers if it.name != through]
    first.stop()
    assert await remove_server(api, first.name) == Done()

    def meta() -> Any:
        return cluster.server(through).ask("/jsz")["meta_cluster"]

    assert await until(lambda: meta()["cluster_size"] == 3)
    for server in others:
        server.stop()
    assert await until(lambda: meta().get("leader", "") == "")
    assert isinstance(await step_down(api), Unknown), "nobody answers, nobody knows"
    api.session.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_nothing_else_may_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    with running(version, tmp_path, 3) as cluster:
        monkeypatch.setattr("natsctl.model.names.CLIENT_PORT", cluster.ports.clients)
        api = cluster.api()
        for subject in (
            "STREAM.LIST",
            "STREAM.DELETE.s",
            "STREAM.PURGE.s",
            f"ACCOUNT.PURGE.{ACCOUNT}",
            "META.RESCUE",
            "STREAM.PEER.REMOVE.s",
        ):
            outcome = await api.ask(subject, {}, "any")
            assert isinstance(outcome, Refused)
            assert outcome.words.startswith("Permissions Violation")
        api.session.close()
