"""What is made of the answers of a monitoring port, and of those that do not come."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
import pytest
import trustme
from aiohttp import web

from natsctl.plan.snapshot import Observation
from natsctl.servers.monitoring import Monitor
from natsctl.servers.system import context

VARZ = {"server_id": "me", "version": "2.12.15", "connections": 3}


@attrs.define
class Server:
    """A monitoring port whose answers a test chooses; "mute" takes requests and says nothing."""

    varz: Any = attrs.field(factory=lambda: dict(VARZ))
    routez: Any = attrs.field(factory=lambda: {"num_routes": 0})
    asked_at_once: int = 0
    _asking: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        self._asking += 1
        self.asked_at_once = max(self.asked_at_once, self._asking)
        await asyncio.sleep(0.01)
        self._asking -= 1
        answer = getattr(self, request.path.strip("/"))
        if answer == "mute":
            await asyncio.Event().wait()
        if isinstance(answer, int):
            return web.Response(status=answer)
        if isinstance(answer, bytes):
            return web.Response(body=answer)
        return web.json_response(answer)


@asynccontextmanager
async def listening(
    monkeypatch: pytest.MonkeyPatch, identity: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    found = Server()
    app = web.Application()
    app.router.add_get("/{path}", found.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=identity).start()
    monkeypatch.setattr("natsctl.api.names.MONITORING_PORT", runner.addresses[0][1])
    yield found
    await runner.cleanup()


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    async with listening(monkeypatch) as found:
        yield found


@asynccontextmanager
async def monitor(gate: int = 32) -> AsyncIterator[Monitor]:
    async with aiohttp.ClientSession() as session:
        yield Monitor(session, asyncio.Semaphore(gate))


async def ask(address: str = "127.0.0.1") -> Observation:
    async with monitor() as found:
        return (await found.ask({"uid": address}))["uid"]


async def test_a_server_tells_who_it_is_and_whom_it_knows(server: Server) -> None:
    server.routez = {"routes": [{"remote_id": "a"}, {"remote_id": "b", "rid": 7}]}
    assert await ask() == Observation("me", "2.12.15", frozenset("ab"))


async def test_several_routes_to_one_peer_are_one_peer(server: Server) -> None:
    """Since 2.10 every peer has a pool of them."""
    server.routez = {"routes": [{"remote_id": "a"}] * 4}
    assert (await ask()).peers == frozenset("a")


@pytest.mark.parametrize("routez", [{}, {"routes": None}, {"routes": []}])
async def test_a_server_alone_has_no_peers(server: Server, routez: Any) -> None:
    server.routez = routez
    assert await ask() == Observation("me", "2.12.15")


async def test_a_server_tells_since_when_it_runs_and_for_how_many_clients(server: Server) -> None:
    server.varz = {**VARZ, "start": "2026-01-02T03:04:05.678901234Z"}
    found = await ask()
    assert (found.started, found.connections) == ("2026-01-02T03:04:05.678901234Z", 3)


async def test_a_server_tells_what_configuration_it_has_loaded_and_when(server: Server) -> None:
    loaded = {"config_digest": "sha256:0a", "config_load_time": "2026-01-02T03:04:05.678901234Z"}
    server.varz = {**VARZ, **loaded}
    assert await ask() == Observation("me", "2.12.15", **loaded)


async def test_a_server_tells_when_its_certificates_end(server: Server) -> None:
    blocks = {"": "clients", "cluster": "routes", "gateway": "gateways", "leaf": "leafnodes"}
    blocks["websocket"] = "websocket"
    ends = {block: {"tls_cert_not_after": f"end of {block}"} for block in blocks}
    server.varz = {**VARZ, **ends, **ends[""], "mqtt": {"tls_cert_not_after": "unused"}}
    assert (await ask()).not_after == {blocks[b]: f"end of {b}" for b in blocks}


async def test_listeners_without_a_certificate_have_no_end(server: Server) -> None:
    server.varz = {**VARZ, "cluster": {"tls_cert_not_after": "2030-01-01T00:00:00Z"}, "leaf": {}}
    assert (await ask()).not_after == {"routes": "2030-01-01T00:00:00Z"}


async def test_how_many_clients_there_are_is_no_news(server: Server) -> None:
    before = await ask()
    server.varz = {**VARZ, "connections": 4}
    assert await ask() == before


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_server_with_https_is_asked_over_it_and_checked(
    monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    authority = trustme.CA()
    identity = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("c-1.c-mgmt.ns.svc").configure_cert(identity)
    tls = context((authority if trusted else trustme.CA()).cert_pem.bytes())
    async with listening(monkeypatch, identity), monitor() as found:
        answer = (await found.ask({"uid": "127.0.0.1"}, tls))["uid"]
    assert answer.server_id == ("me" if trusted else "")
    assert ("certificate verify failed" in answer.problem) == (not trusted)


async def test_plain_and_encrypted_do_not_understand_each_other(server: Server) -> None:
    """Nor is there a way around: what the spec says is what is asked."""
    async with monitor() as found:
        answer = await found.ask({"uid": "127.0.0.1"}, context(trustme.CA().cert_pem.bytes()))
    assert answer["uid"].problem.startswith("monitoring port: ")


@pytest.mark.parametrize("which", ["varz", "routez"])
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (404, "404"),
        (b"<html>", "malformed"),
        ([], "Expected `object`"),
        (b"", "truncated"),
        ("mute", "TimeoutError"),
    ],
)
async def test_an_answer_that_is_none_is_a_problem_and_no_exception(
    server: Server, monkeypatch: pytest.MonkeyPatch, which: str, answer: Any, says: str
) -> None:
    monkeypatch.setattr("natsctl.servers.monitoring.TIMEOUT", 0.2)
    setattr(server, which, answer)
    found = await ask()
    assert found.problem.startswith("monitoring port: ")
    assert says in found.problem
    assert (found.server_id, found.version) == ("", "")


async def test_something_else_on_that_port_is_a_problem(server: Server) -> None:
    server.varz = {"hello": "world"}
    assert "server_id" in (await ask()).problem


@pytest.mark.parametrize("address", ["127.0.0.254", "::1", "", "not an address"])
async def test_an_address_that_does_not_answer_is_a_problem_with_a_constant_text(
    server: Server, address: str
) -> None:
    """Constant, because it is told in the status, and every change of that is a write."""
    first = await ask(address)
    assert first.problem.startswith("monitoring port: ")
    assert first == await ask(address)


async def test_one_that_does_not_answer_says_nothing_of_the_others(server: Server) -> None:
    async with monitor() as found:
        answers = await found.ask({"good": "127.0.0.1", "bad": "127.0.0.254"})
    assert answers["good"].server_id == "me"
    assert answers["bad"].problem


async def test_no_more_servers_are_asked_at_once_than_the_gate_lets_through(
    server: Server,
) -> None:
    async with monitor(gate=2) as found:
        answers = await found.ask({str(i): "127.0.0.1" for i in range(9)})
    assert all(a.server_id for a in answers.values())
    assert server.asked_at_once == 2


async def test_nobody_is_asked_when_nobody_is_named() -> None:
    async with monitor() as found:
        assert await found.ask({}) == {}
