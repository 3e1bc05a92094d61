"""What is measured is sent once; what is not is tried again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import attrs
import pytest
from aiohttp import web

from benchmarks import bare
from benchmarks.bare import Bare, Refused


@attrs.define
class Server:
    """Answers with these statuses, one after the other; the last one goes on. Counts items."""

    statuses: list[int]
    items: int = 0
    asked: list[tuple[str, str]] = attrs.field(factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path_qs))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == 200 and request.method == "DELETE":
            self.items -= min(self.items, int(request.query["limit"]))
        found = {"items": [{}] * min(self.items, 1), "message": "as told"}
        return web.json_response(found, status=status)


@pytest.fixture
async def client(aiohttp_server: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setattr(bare, "PAUSE", 0.0)
    async with aiohttp.ClientSession() as session:

        async def start(server: Server) -> Bare:
            application = web.Application()
            application.router.add_route("*", "/{path:.*}", server.answer)
            running = await aiohttp_server(application)
            return Bare(session, str(running.make_url("")).rstrip("/"))

        yield start


async def test_what_is_measured_is_sent_once(client: Any) -> None:
    server = Server([504, 200])
    with pytest.raises(Refused, match="504"):
        await (await client(server)).create("/x", {})
    assert len(server.asked) == 1


async def test_what_is_not_measured_is_tried_again(client: Any) -> None:
    server = Server([504, 429, 200])
    await (await client(server)).patient.create("/x", {})
    assert len(server.asked) == 3


async def test_but_not_for_ever_and_not_what_can_never_work(client: Any) -> None:
    server = Server([503])
    with pytest.raises(Refused):
        await (await client(server)).patient.get("/x")
    assert len(server.asked) == bare.TRIES
    refused = Server([403])
    with pytest.raises(Refused):
        await (await client(refused)).patient.get("/x")
    assert len(refused.asked) == 1


async def test_a_creation_whose_answer_was_lost_is_one(client: Any) -> None:
    await (await client(Server([504, 409]))).patient.create("/x", {})
    with pytest.raises(Refused, match="409"):
        await (await client(Server([409]))).patient.create("/x", {})


async def test_a_collection_is_deleted_in_pages(client: Any) -> None:
    server = Server([200, 504, 200], items=2 * bare.PAGE + 1)
    await (await client(server)).patient.clear("/x", gracePeriodSeconds=0)
    assert server.items == 0
    assert [method for method, _ in server.asked].count("DELETE") == 4
    assert {path for _, path in server.asked} == {f"/x?limit={bare.PAGE}"}
