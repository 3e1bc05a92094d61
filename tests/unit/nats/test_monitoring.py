"""What is made of the answers of a monitoring port, and of those that do not come."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import threading
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trustme
from aiohttp import web

from natsctl.model.observation import MAX_PEERS, Observation
from natsctl.nats import monitoring
from natsctl.nats.fetch import LIGHT, LIMIT, SMALL, fetch
from natsctl.nats.gate import ALL, OF_ONE, QUICK, FirstCome, Gate
from natsctl.nats.monitoring import MAX_ROUTES, Monitor, Place, Varz
from natsctl.nats.system import context
from tests.unit.nats.tricks import BLOCK, MEMORY, Trick, bounded, playing, says, watched
from tests.unit.pace import allowed

LATE = "no answer in time"
VARZ = {"server_id": "me", "version": "2.12.15", "connections": 3}


@attrs.define
class Server:
    """A monitoring port whose answers a test chooses; "mute" takes requests and says nothing."""

    varz: Any = attrs.field(factory=lambda: dict(VARZ))
    routez: Any = attrs.field(factory=lambda: {"num_routes": 0})
    slow: float = 0.0
    asked_at_once: int = 0
    connections: set[object] = attrs.field(factory=set)
    _asking: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.connections.add(request.transport)
        self._asking += 1
        self.asked_at_once = max(self.asked_at_once, self._asking)
        await asyncio.sleep(self.slow or 0.01)
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
    monkeypatch.setattr("natsctl.model.names.MONITORING_PORT", runner.addresses[0][1])
    yield found
    await runner.cleanup()


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    async with listening(monkeypatch) as found:
        yield found


async def ask(
    address: str = "127.0.0.1", name: str | None = None, tls: ssl.SSLContext | None = None
) -> Observation:
    return (await Monitor().ask({"uid": Place(address, name)}, tls))["uid"]


async def test_a_server_tells_who_it_is_and_whom_it_knows(server: Server) -> None:
    server.routez = {"routes": [{"remote_id": "a"}, {"remote_id": "b", "rid": 7}]}
    assert await ask() == Observation("me", "2.12.15", frozenset("ab"))


async def test_a_server_is_connected_to_once_for_both_pages(server: Server) -> None:
    assert (await ask()).server_id == "me"
    assert len(server.connections) == 1


async def test_several_routes_to_one_peer_are_one_peer(server: Server) -> None:
    """Since 2.10 every peer has a pool of them."""
    server.routez = {"routes": [{"remote_id": "a"}] * 4}
    assert (await ask()).route_peers == frozenset("a")


@pytest.mark.parametrize("routez", [{}, {"routes": None}, {"routes": []}])
async def test_a_server_alone_has_no_peers(server: Server, routez: Any) -> None:
    server.routez = routez
    assert await ask() == Observation("me", "2.12.15")


async def test_a_server_tells_since_when_it_runs_and_for_how_many_clients(server: Server) -> None:
    server.varz = {**VARZ, "start": "2026-01-02T03:04:05.678901234Z"}
    found = await ask()
    assert (found.started, found.connections) == ("2026-01-02T03:04:05.678901234Z", 3)


async def test_a_server_tells_what_configuration_it_has_loaded_and_when(server: Server) -> None:
    digest, when = "sha256:0a", "2026-01-02T03:04:05.678901234Z"
    server.varz = {**VARZ, "config_digest": digest, "config_load_time": when}
    told = Observation("me", "2.12.15", config_digest=digest, config_load_time=when)
    assert await ask() == told


async def test_a_server_tells_when_its_certificates_end(server: Server) -> None:
    blocks = {"": "clients", "cluster": "routes", "gateway": "gateways", "leaf": "leafnodes"}
    blocks["websocket"] = "websocket"
    ends = {block: {"tls_cert_not_after": f"end-of-{block}"} for block in blocks}
    server.varz = {**VARZ, **ends, **ends[""], "mqtt": {"tls_cert_not_after": "unused"}}
    assert (await ask()).not_after == {blocks[b]: f"end-of-{b}" for b in blocks}


async def test_listeners_without_a_certificate_have_no_end(server: Server) -> None:
    server.varz = {**VARZ, "cluster": {"tls_cert_not_after": "2030-01-01T00:00:00Z"}, "leaf": {}}
    assert (await ask()).not_after == {"routes": "2030-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (["zone:a", "fast"], ("zone:a", "fast")),
        ([], ()),
        (["x"] * 129, None),
        (["x" * 129], None),
        (["zone:\n"], None),
        ([["x"] * 20_000], None),
        ({"zone": "a"}, None),
        (7, None),
    ],
)
async def test_a_server_tells_its_tags_if_they_are_some(
    server: Server, told: Any, kept: Any
) -> None:
    """Nothing about them makes it another server, or an unhealthy one."""
    server.varz = {**VARZ, "tags": told}
    assert await ask() == Observation("me", "2.12.15", tags=kept)


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
    async with listening(monkeypatch, identity):
        answer = await ask(tls=tls)
    assert answer.server_id == ("me" if trusted else "")
    assert ("CERTIFICATE_VERIFY_FAILED" in answer.problem) == (not trusted)


async def test_plain_and_encrypted_do_not_understand_each_other(server: Server) -> None:
    """Nor is there a way around: what the spec says is what is asked."""
    answer = await ask(tls=context(trustme.CA().cert_pem.bytes()))
    assert answer.problem.startswith("monitoring port: ")


@pytest.mark.parametrize("which", ["varz", "routez"])
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (404, "404"),
        (b"<html>", "malformed"),
        ([], "Expected `object`"),
        (b"", "truncated"),
        ("mute", "no answer in time"),
    ],
)
async def test_an_answer_that_is_none_is_a_problem_and_no_exception(
    server: Server, monkeypatch: pytest.MonkeyPatch, which: str, answer: Any, says: str
) -> None:
    monkeypatch.setattr("natsctl.nats.monitoring.TIMEOUT", 0.2)
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
    answers = await Monitor().ask({"good": Place("127.0.0.1"), "bad": Place("127.0.0.254")})
    assert answers["good"].server_id == "me"
    assert answers["bad"].problem


async def test_no_more_servers_are_asked_at_once_than_the_gate_lets_through(
    server: Server,
) -> None:
    monitor = Monitor(Gate(FirstCome(asyncio.Semaphore(2))))
    answers = await monitor.ask({str(i): Place("127.0.0.1") for i in range(9)})
    assert all(a.server_id for a in answers.values())
    assert server.asked_at_once == 2


async def test_one_cluster_never_takes_the_whole_gate(server: Server) -> None:
    await Monitor().ask({str(i): Place("127.0.0.1") for i in range(3 * OF_ONE)})
    assert server.asked_at_once == OF_ONE < ALL


async def test_who_takes_long_goes_on_among_the_slow_and_keeps_nobody_waiting(
    server: Server,
) -> None:
    """At first everybody may be quick; who was not is known the next time."""
    monitor = Monitor(Gate(FirstCome(asyncio.Semaphore(1)), FirstCome(asyncio.Semaphore(1))))
    server.slow = 0.5
    found = (await monitor.ask({"a": Place("127.0.0.1")}))["a"]
    assert found.server_id == "me"
    assert found.seconds > QUICK
    again = asyncio.create_task(monitor.ask({"a": Place("127.0.0.1")}, slow={"a"}))
    await asyncio.sleep(0.1)
    server.slow = 0.0
    quick = await monitor.ask({"b": Place("127.0.0.1")})
    assert quick["b"].server_id == "me"
    assert quick["b"].seconds == 0.0
    assert not again.done()
    await again


async def test_nobody_is_asked_when_nobody_is_named() -> None:
    assert await Monitor().ask({}) == {}


class TestWhoAnswers:
    @pytest.mark.parametrize("name", ["c-1", None])
    async def test_the_one_that_is_expected(self, server: Server, name: str | None) -> None:
        server.varz = {**VARZ, "server_name": "c-1"}
        assert (await ask(name=name)).server_id == "me"

    async def test_a_server_too_old_to_tell_is_believed(self, server: Server) -> None:
        assert (await ask(name="c-1")).server_id == "me"

    async def test_another_one_is_a_problem_that_is_told_and_not_believed(
        self, server: Server
    ) -> None:
        server.varz = {**VARZ, "server_name": "urgent-run-this"}
        server.routez = {"routes": [{"remote_id": "a"}]}
        expected = Observation(problem="monitoring port: another server answers, not c-1")
        assert await ask(name="c-1") == expected


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
VALID = b'{"server_id":"me","version":"2.12.15"'
BOMB = gzip.compress(bytes(64 * 1024 * 1024))
MIB = bytes(1024 * 1024)


class TestTricks:
    """Whoever may write pods in a namespace decides what its servers answer."""

    @pytest.mark.parametrize(
        ("trick", "told"),
        [
            (says(HEAD + b"Content-Encoding: gzip\r\n\r\n" + BOMB), "is compressed"),
            (says(HEAD + b"\r\n", ever=MIB), "longer than 256 KiB"),
            (says(CHUNKED, ever=b"100000\r\n" + MIB + b"\r\n"), "longer than 256 KiB"),
            (says(CHUNKED + b"1\r\n \r\n" * 40_000 + b"0\r\n\r\n"), "too many chunks"),
            (says(CHUNKED + b"-5\r\n"), "has invalid chunks"),
            (says(CHUNKED + b"1_0\r\n" + bytes(4096)), "has invalid chunks"),
            (says(CHUNKED + b"ffffffff\r\nabc\r\n0\r\n\r\n"), "ends early"),
            (says(CHUNKED + b"5\r\nab"), "ends early"),
            (says(CHUNKED), "has invalid chunks"),
            (says(HEAD + b"Content-Length: 99\r\n\r\n{}"), "ends early"),
            (says(HEAD + b"Content-Length: x\r\n\r\n{}"), "ends early"),
            (says(HEAD, ever=b"X: " + b"x" * 65536 + b"\r\n"), "longer than 256 KiB"),
            (says(HEAD, ever=b"X: x\r\n" * 4096), "longer than 256 KiB"),
            (says(b"HTTP/1.1 100 Continue\r\n\r\n" * 4096), "status 100"),
            (says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n"), "status 302"),
            (says(b"HTTP/1.1 200\r\n\r\n" + VALID + b', "version": 1}'), "Expected `str`"),
            (says(b"HTTP/2.0 200 OK\r\n\r\n" + VALID + b"}"), "does not speak HTTP"),
            (says(b"HTTP/1.1 \xff\xb2\xb3 OK\r\n\r\n" + VALID + b"}"), "does not speak HTTP"),
            (says(b"INFO {}\r\n"), "does not speak HTTP"),
            (says(b""), "does not speak HTTP"),
            (says(HEAD + b"\r\n" + VALID, ever=b" ", pause=0.02), LATE),
            (says(pause=1), LATE),
            (says(HEAD + b"\r\n" + VALID + b',"x":' + b"[" * 200_000), "nested too deeply"),
            (says(HEAD + b"\r\n" + VALID + b',"connections":' + b"1" * 200_000), "out of range"),
            (says(HEAD + b"\r\n" + VALID + b',"connections":1e999999999}'), "out of range"),
            (says(HEAD + b"\r\n" + VALID + b',"connections":-1}'), ">= 0"),
            (says(HEAD + b'\r\n{"server_id":"*.>","version":""}'), "regex"),
            (says(HEAD + b'\r\n{"server_id":"a\\r\\nPUB x 0","version":""}'), "regex"),
            (says(HEAD + b'\r\n{"server_id":"' + b"a" * 129 + b'","version":""}'), "<= 128"),
            (says(HEAD + b'\r\n{"server_id":"a","version":"\\u001b[31m"}'), "regex"),
            (says(HEAD + b"\r\n\xff"), "malformed"),
            (says(HEAD + b'\r\n{"server_id":"\xff"}'), "not UTF-8"),
            (says(HEAD + b'\r\n{"server_id":"\\ud800\\ud800"}'), "surrogate"),
        ],
    )
    async def test_costs_little_and_is_told(
        self, monkeypatch: pytest.MonkeyPatch, trick: Trick, told: str
    ) -> None:
        if told == LATE:
            monkeypatch.setattr(monitoring, "TIMEOUT", 0.5)
        async with playing(trick) as port:
            monkeypatch.setattr("natsctl.model.names.MONITORING_PORT", port)
            with bounded():
                found = await ask()
        assert found == Observation(problem=found.problem)
        assert found.problem.startswith("monitoring port: ")
        assert told in found.problem

    async def test_all_at_once_cost_hardly_more_than_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Long answers are held two at a time."""
        monitor = Monitor()
        async with playing(says(HEAD + b"\r\n", ever=bytes(64 * 1024))) as port:
            monkeypatch.setattr("natsctl.model.names.MONITORING_PORT", port)
            tracemalloc.start()
            try:
                places = {str(i): Place("127.0.0.1") for i in range(4)}
                answers = await asyncio.gather(*(monitor.ask(places) for _ in range(6)))
                assert tracemalloc.get_traced_memory()[1] < 2 * MEMORY * 1024 * 1024
            finally:
                tracemalloc.stop()
        assert all(a.problem for found in answers for a in found.values())

    @pytest.mark.parametrize(
        "routes",
        [
            b"{}," * 1_300_000,
            b'{"remote_id":"a"},' * 16_000,
            b'{"remote_id":' + b" " * 4_000_000 + b'"a"},',
            (b'{"remote_id":"' + b"a" * 200 + b'"},') * 15_000,
        ],
        ids=["empty", "short", "blank", "long"],
    )
    async def test_routes_of_all_kinds_keep_nobody_waiting(
        self, server: Server, routes: bytes
    ) -> None:
        server.routez = VALID + b',"routes":[' + routes + b"{}]}"
        async with watched() as waits:
            found = await ask()
        assert found.problem == ""
        assert found.route_peers <= {"a"}
        assert max(waits, default=0.0) < allowed(BLOCK)

    async def test_more_peers_than_anybody_can_have(self, server: Server) -> None:
        others = [{"remote_id": str(i)} for i in range(MAX_PEERS + 1)]
        server.routez = {"routes": others[1:] * 2}
        assert len((await ask()).route_peers) == MAX_PEERS
        server.routez = {"routes": others}
        assert f"routes to more than {MAX_PEERS} servers" in (await ask()).problem

    async def test_more_routes_than_anybody_can_have(self, server: Server) -> None:
        server.routez = {"routes": [{"remote_id": str(i)} for i in range(MAX_ROUTES)]}
        assert "impossible number of routes" in (await ask()).problem


class TestWhatIsHeld:
    """A page may be long; what is made of it is not, and is all that is kept meanwhile."""

    async def test_a_long_page_is_read_before_its_turn_ends(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        large = asyncio.Semaphore(1)
        turns, readers = list[bool](), list[threading.Thread]()

        def noted(body: bytes) -> frozenset[str]:
            turns.append(large.locked())
            readers.append(threading.current_thread())
            return peers(body)

        peers = monitoring._peers
        monkeypatch.setattr(monitoring, "_peers", noted)
        server.routez = b'{"routes":[{"remote_id":"a"},' + b" " * SMALL + b"{}]}"
        monitor = Monitor(Gate(large=FirstCome(large)))
        found = (await monitor.ask({"uid": Place("127.0.0.1")}))["uid"]
        assert found.route_peers == {"a"}
        assert turns == [True]
        assert threading.main_thread() not in readers

    @pytest.mark.parametrize(("spaces", "beside"), [(0, False), (LIGHT, True)])
    async def test_what_is_not_short_is_read_beside_the_event_loop(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, spaces: int, beside: bool
    ) -> None:
        readers, varz = list[threading.Thread](), monitoring._varz

        def noted(body: bytes) -> Varz:
            readers.append(threading.current_thread())
            return varz(body)

        monkeypatch.setattr(monitoring, "_varz", noted)
        server.varz = VALID + b" " * spaces + b"}"
        assert (await ask()).server_id == "me"
        assert [each is not threading.main_thread() for each in readers] == [beside]

    async def test_ids_are_kept_once_for_all_who_name_them(self, server: Server) -> None:
        server.routez = {"routes": [{"remote_id": "N" * 56}]}
        (first,), (second,) = (await ask()).route_peers, (await ask()).route_peers
        assert first is second


async def test_the_largest_cluster_there_is_can_be_asked(server: Server) -> None:
    """998 others with four connections each, as 2.14 writes them, and some bytes more."""
    route = {"rid": 1, "remote_name": "n" * 60, "start": "t" * 35, "last_activity": "t" * 35}
    route |= {key: 10**15 for key in ("in_msgs", "out_msgs", "in_bytes", "out_bytes", "port")}
    route |= {key: "1h59m59s" for key in ("rtt", "uptime", "idle", "compression")}
    ids = [f"N{i:055}" for i in range(998)]
    server.routez = {"routes": [{"remote_id": i, **route} for i in ids for _ in range(4)]}
    body = json.dumps(server.routez, indent=2).encode()
    assert 2_000_000 < len(body) < LIMIT
    server.routez = body
    assert (await ask()).route_peers == frozenset(ids)


async def test_a_text_within_a_route_is_no_key_of_it(server: Server) -> None:
    name = '"remote_id": "forged"'
    server.routez = {"routes": [{"remote_name": name, "remote_id": "a"}]}
    assert (await ask()).route_peers == {"a"}


async def test_an_answer_in_chunks_is_put_together(server: Server) -> None:
    """As real servers give it from 2 KB on."""
    text = json.dumps({**VARZ, "config_digest": "sha256:0a"}).encode()
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    chunks = b"".join(b"%x;a=b\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    gate = Gate()
    async with playing(says(CHUNKED + chunks)) as port:
        found = await fetch(gate, "ns", "127.0.0.1", port, "/varz", None, 1.0, bytes, LIMIT)
    assert found == text
