"""Who belongs to the meta group, as a server tells that knows no leader."""

from __future__ import annotations

import json
from typing import Any

import pytest

from natsctl.model.jetstream import JetStreamReport
from natsctl.model.peers import peer_id
from natsctl.nats.gate import Gate
from natsctl.nats.jetstream import look
from natsctl.nats.monitoring import Place
from natsctl.nats.raft import QUESTION, read
from tests.unit.nats.jetstream_server import Pages, listening, recorded
from tests.unit.nats.tricks import says

ONE, TWO, FOUR = map(peer_id, ("c-1", "c-2", "c-4"))
GROUP: dict[str, Any] = {
    "id": ONE,
    "state": "CANDIDATE",
    "size": 4,
    "quorum_needed": 3,
    "committed": 4,
    "applied": 4,
    "ever_had_leader": False,
    "term": 2,
    "voted_for": ONE,
    "peers": {
        TWO: {"name": "c-2", "known": True, "last_seen": "3.221s"},
        FOUR: {"name": "", "known": True},
    },
}
"""As 2.12.15 told it; c-4 was away before the server started."""


def told(account: str = "$SYS", group: str = "_meta_", **changes: Any) -> bytes:
    return json.dumps({account: {group: GROUP | changes}}).encode()


def pages(version: str = "2.12.15", leader: str = "", body: bytes | None = None) -> Pages:
    """A server that says this of /raftz."""
    bodies = recorded()
    varz, jsz = json.loads(bodies["/varz"]), json.loads(bodies["/jsz"])
    varz["version"], jsz["meta_cluster"]["leader"] = version, leader
    said = {"/varz": json.dumps(varz).encode(), "/jsz": json.dumps(jsz).encode()}
    return Pages(bodies | said | {"/raftz": told() if body is None else body})


async def ask(monkeypatch: pytest.MonkeyPatch, server: Pages) -> JetStreamReport:
    async with listening(server) as port:
        monkeypatch.setattr("natsctl.model.names.MONITORING_PORT", port)
        place = Place("127.0.0.1", "nats-1", "ns")
        said = (await look(Gate(), {"uid": place}, None, ("ns", "c")))["uid"]
    assert said.problem == ""
    return said


async def members(monkeypatch: pytest.MonkeyPatch, server: Pages) -> frozenset[str] | None:
    meta = (await ask(monkeypatch, server)).meta
    assert meta is not None
    return meta.ids


@pytest.mark.parametrize("version", ["2.10.26", "2.15.3"])
async def test_all_members_are_told_by_their_ids(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    server = pages(version)
    assert await members(monkeypatch, server) == frozenset((ONE, TWO, FOUR))
    assert server.asked[-1] == QUESTION == "/raftz?group=_meta_"


@pytest.mark.parametrize("version", ["2.9.25", "2.10.25", "dev"])
async def test_servers_that_may_not_know_the_question_are_not_asked(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    server = pages(version)
    assert await members(monkeypatch, server) is None
    assert QUESTION not in server.asked


async def test_nor_is_one_that_knows_a_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    server = pages(leader="nats-2")
    assert await members(monkeypatch, server) is None
    assert QUESTION not in server.asked


async def test_nor_is_one_that_is_in_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    server = pages()
    jsz = json.loads(server.bodies["/jsz"])
    del jsz["meta_cluster"]
    server.bodies["/jsz"] = json.dumps(jsz).encode()
    assert (await ask(monkeypatch, server)).meta is None
    assert QUESTION not in server.asked


async def test_one_that_does_not_answer_tells_everything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = pages()
    server.tricks["/raftz"] = says(b"HTTP/1.0 404 Not Found\r\n\r\nNo Raft nodes registered")
    assert await members(monkeypatch, server) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"No Raft nodes registered",
        told(group="S-R3F-x"),
        told(id=""),
        told(id="x" * 9),
        told(peers=None),
        told(peers={"a b": {}}),
        told(peers={peer_id(str(n)): {} for n in range(1_025)}),
        b'{"A": {"_meta_": {}}, "B": {"_meta_": {}}}',
        b"[" * 300_000,
    ],
)
def test_what_no_server_says_is_unknown(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(body)


def test_a_group_of_many_members_is_read() -> None:
    peers: dict[str, Any] = {peer_id(str(n)): {} for n in range(998)}
    assert len(read(told("SYSTEM", peers=peers))) == 999
