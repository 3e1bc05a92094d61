"""What all servers say of JetStream, read within bounds whoever answers."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import attrs
import pytest

from natsctl.model.jetstream import JetStreamReport
from natsctl.nats import allowance, jetstream
from natsctl.nats.fetch import SMALL
from natsctl.nats.gate import HEAVY, FirstCome, Gate
from natsctl.nats.jetstream import AT_ONCE, look
from natsctl.nats.jetstream_answers import Jsz, Routes, report, routes_of
from natsctl.nats.monitoring import Place
from tests.unit.nats.jetstream_server import Pages, listening, recorded
from tests.unit.nats.tricks import Trick, bounded, says
from tests.unit.pace import allowed
from tests.unit.plan.gates.recorded import situation

Open = Callable[[Pages], AbstractAsyncContextManager[None]]
HEAD = b"HTTP/1.0 200 OK\r\n\r\n"
MIB = bytes(1024 * 1024)
MINE = ("ns", "c")
LATE = "no answer in time"


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Open:
    @asynccontextmanager
    async def play(pages: Pages) -> AsyncIterator[None]:
        async with listening(pages) as port:
            monkeypatch.setattr("natsctl.model.names.MONITORING_PORT", port)
            yield

    return play


async def ask(address: str = "127.0.0.1", gate: Gate | None = None) -> JetStreamReport:
    place = Place(address, "nats-1", MINE[0])
    return (await look(gate or Gate(), {"uid": place}, None, MINE))["uid"]


def patient() -> Gate:
    """It is known that these servers are slow."""
    return Gate(late={MINE[0]: math.inf})


def many(streams: int) -> bytes:
    """An answer of /jsz with so many streams of three replicas, each with a consumer."""
    said = json.loads(recorded()["/jsz"])
    (account,) = details = said.pop("account_details")
    (one,) = [it for it in account["stream_detail"] if it["name"] == "S3"]
    one["consumer_detail"] = one["consumer_detail"][:1]
    account["stream_detail"] = [{**one, "name": f"orders-{i:05}"} for i in range(streams)]
    return json.dumps(said | {"account_details": details}, indent=2).encode()


async def test_it_is_noted_when_a_server_had_answered(serving: Open) -> None:
    """Or was given up. How long it waited for its turn before says nothing of what it said."""
    now = asyncio.get_running_loop().time
    async with serving(Pages()):
        began = now()
        said = await ask()
        assert began < said.heard <= now()
        assert began < (await ask("127.0.0.1", patient())).heard <= now()


async def test_a_server_is_read_as_it_was_recorded(serving: Open) -> None:
    pages = Pages()
    async with serving(pages):
        assert await ask() == situation("healthy").reports()["nats-1"]
    assert [path.partition("?")[0] for path in pages.asked] == [
        "/varz",
        "/routez",
        "/jsz",
        "/healthz",
    ]


async def test_one_that_is_not_healthy_still_answers(serving: Open) -> None:
    bodies = recorded() | {"/healthz": b'{"status":"unavailable","error":"no contact"}'}
    async with serving(Pages(bodies, code=503)):
        said = await ask()
    assert (said.health.code, said.health.text, said.problem) == (503, "no contact", "")


async def test_one_that_cannot_be_asked_says_nothing_of_the_others(serving: Open) -> None:
    async with serving(Pages()):
        places = {"good": Place("127.0.0.1"), "bad": Place("127.0.0.254", "c-2"), "none": Place("")}
        said = await look(Gate(), places, None, MINE)
    assert said["good"].problem == ""
    assert said["bad"].name == "c-2"
    assert said["bad"].problem.startswith("monitoring port: Cannot connect")
    assert said["none"].problem == "monitoring port: the pod has no address"


async def test_some_servers_of_a_cluster_are_asked_at_once_and_not_all(serving: Open) -> None:
    pages = Pages()
    async with serving(pages):
        await look(Gate(), {str(i): Place("127.0.0.1") for i in range(3 * AT_ONCE)}, None, MINE)
    assert pages.most <= AT_ONCE


async def test_nobody_is_asked_when_nobody_is_named() -> None:
    assert await look(Gate(), {}, None, MINE) == {}


class TestManyStreams:
    async def test_are_read_beside_the_event_loop_and_keep_nobody_waiting(
        self, serving: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Measured with 10,000: 32 MB of text, of which 12 MiB are kept."""
        readers, read = list[threading.Thread](), Jsz.add

        def noted(jsz: Jsz, part: bytes) -> None:
            readers.append(threading.current_thread())
            read(jsz, part)

        monkeypatch.setattr(Jsz, "add", noted)
        bodies = recorded() | {"/jsz": many(2_000)}
        assert len(bodies["/jsz"]) > 2_500_000
        async with serving(Pages(bodies)):
            said = await ask()
        assert len(said.groups) == 4_000
        assert (said.problem, said.unknown, said.too_many) == ("", (), "")
        assert len(readers) > 4
        assert threading.main_thread() not in readers

    async def test_are_not_held_as_text(self, serving: Open) -> None:
        bodies = recorded() | {"/jsz": many(4_000)}
        async with serving(Pages(bodies)):
            with bounded():
                assert len((await ask(gate=patient())).groups) == 8_000

    async def test_are_bounded_on_all_servers_together(
        self, serving: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(allowance, "OF_ONE", 500)
        gate, bodies = Gate(), recorded() | {"/jsz": many(100)}
        async with serving(Pages(bodies)):
            places = {str(i): Place("127.0.0.1") for i in range(3)}
            said = await look(gate, places, None, MINE)
        assert sorted(len(it.groups) for it in said.values()) == [0, 200, 200]
        assert [it.too_many for it in said.values() if not it.groups] == [jetstream.TOO_MANY]
        assert gate.allowance.kept == {MINE: 400}

    async def test_routes_and_members_are_counted_first_and_go_last(
        self, serving: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without room for these, nothing is kept of what a server says at length."""
        bodies = recorded()
        routes = [{"remote_name": f"nats-{n}-{'x' * 40}"} for n in range(600)]
        said = json.loads(bodies["/routez"]) | {"routes": routes}
        bodies["/routez"] = json.dumps(said, indent=2).encode()
        gate = Gate()
        async with serving(Pages(bodies)):
            whole = await ask(gate=gate)
            assert whole.beside > 90
            assert gate.allowance.kept == {MINE: len(whole.groups) + whole.extra + whole.beside}
            monkeypatch.setattr(allowance, "OF_ONE", whole.beside)
            some = await ask(gate=Gate())
            monkeypatch.setattr(allowance, "OF_ONE", whole.beside - 1)
            least = await ask(gate=Gate())
        assert (some.too_many, some.groups, len(some.peers)) == (jetstream.TOO_MANY, {}, 600)
        assert (least.too_many, least.groups, least.peers) == (jetstream.TOO_MANY, {}, frozenset())
        assert (least.meta, least.weight) == (None, 0)

    async def test_that_are_large_are_counted_as_more(self, serving: Open) -> None:
        gate = Gate()
        bodies = recorded() | {"/jsz": many(100).replace(b"orders-", b"orders-" + b"x" * 200)}
        async with serving(Pages(bodies)):
            said = await ask(gate=gate)
        assert gate.allowance.kept == {MINE: said.weight}
        assert said.weight > len(said.groups) == 200


def stream(indent: int = 8, **more: Any) -> bytes:
    one = {"name": "s", "config": {}, "state": {}, **more}
    lines = json.dumps(one, indent=2).splitlines()
    return "\n".join(" " * indent + line for line in lines).encode() + b",\n"


GZIP = b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(MIB)
BEGIN = b'{\n  "server_id": "N",\n  "now": "x",\n  "account_details": [\n'
ACCOUNT = b'    {\n      "name": "A",\n      "stream_detail": [\n'


def account(index: int) -> bytes:
    return b'    {\n      "name": "A%d"\n    },\n' % index


class TestTricks:
    """Whoever may write pods in a namespace decides what its servers answer."""

    @pytest.mark.parametrize(
        ("trick", "told"),
        [
            (says(HEAD, ever=MIB), "takes more than 8 MiB"),
            (says(HEAD + BEGIN, ever=b" " * 65536), "takes more than 8 MiB"),
            (says(HEAD + BEGIN + ACCOUNT, ever=stream() * 600), ""),
            (says(HEAD + BEGIN + ACCOUNT, ever=stream(x="x" * 3_000_000)), "64 MiB"),
            (says(HEAD + BEGIN + b"".join(map(account, range(20_000)))), ""),
            (says(HEAD + BEGIN, ever=b"        {\n        },\n" * 4096), "unknown form"),
            (
                says(HEAD + BEGIN + b"x" * 300_000, ever=b"    {\n    },\n" * 4096),
                "malformed",
            ),
            (says(HEAD + BEGIN + ACCOUNT + stream() * 9), "truncated"),
            (
                says(GZIP),
                "compressed",
            ),
            (says(HEAD + gzip.compress(MIB)), "malformed"),
            (says(HEAD + b"[" * 30_000), "levels deep"),
            (says(HEAD + b"[" * 300_000), "values"),
            (says(HEAD, ever=b" ", pause=0.02), LATE),
            (says(pause=1), LATE),
            (says(b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n"), "status 302"),
        ],
    )
    async def test_costs_little_and_is_told(
        self, serving: Open, monkeypatch: pytest.MonkeyPatch, trick: Trick, told: str
    ) -> None:
        monkeypatch.setattr(jetstream, "SECONDS", 0.5 if told == LATE else 3.0)
        pages = Pages(tricks={"/jsz": trick})
        async with serving(pages):
            with bounded():
                said = await ask(gate=patient())
        assert said.problem or said.too_many
        assert told in said.problem
        assert not said.groups

    async def test_a_server_that_waits_for_the_end_of_time_is_left(
        self, serving: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jetstream, "TIMEOUT", 0.2)
        began = time.monotonic()
        async with serving(Pages(tricks={"/varz": says(pause=9)})):
            assert "no answer in time" in (await ask()).problem
        assert time.monotonic() - began < allowed(1)

    async def test_long_answers_wait_for_their_turn(self, serving: Open) -> None:
        """Two at a time, however many servers and clusters there are."""
        gate = Gate()
        async with serving(Pages(recorded() | {"/jsz": many(1_000)})):
            async with gate.large.turn("a"), gate.large.turn("b"):
                waits = asyncio.create_task(look(gate, {"a": Place("127.0.0.1")}, None, MINE))
                await asyncio.sleep(0.3)
                assert not waits.done()
            assert len((await waits)["a"].groups) == 2_000

    async def test_a_turn_is_held_until_the_thread_that_reads_has_ended(
        self, serving: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Or threads would hold more long answers than there are turns."""
        monkeypatch.setattr(jetstream, "SECONDS", 0.2)
        ended, told = threading.Event(), list[Jsz]()

        def stuck(jsz: Jsz, part: bytes) -> None:
            told.append(jsz)
            ended.wait(9)

        monkeypatch.setattr(Jsz, "add", stuck)
        place = asyncio.Semaphore(1)
        gate = attrs.evolve(patient(), large_slow=FirstCome(place))
        async with serving(Pages(recorded() | {"/jsz": many(200)})):
            asking = asyncio.create_task(ask(gate=gate))
            await asyncio.sleep(0.8)
            assert place.locked()
            assert told[0].inventory.given_up
            ended.set()
            assert "no answer in time" in (await asking).problem
        assert not place.locked()
        assert len(told) == 1

    async def test_what_takes_much_memory_is_read_one_at_a_time(
        self, serving: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Among the slow ones, so that no quick one waits for it."""
        at_once, most, read = set[int](), list[int](), Jsz.add

        def noted(jsz: Jsz, part: bytes) -> None:
            if len(part) > HEAVY:
                at_once.add(threading.get_ident())
                most.append(len(at_once))
                time.sleep(0.05)
                at_once.remove(threading.get_ident())
            read(jsz, part)

        monkeypatch.setattr(Jsz, "add", noted)
        large = stream(x="x" * 3 * HEAVY) + stream(name="t", x="x" * 3 * HEAVY)
        gate, pages = Gate(), Pages(tricks={"/jsz": says(HEAD + BEGIN + ACCOUNT + large)})
        async with serving(pages):
            places = {str(i): Place("127.0.0.1", owner=MINE[0]) for i in range(AT_ONCE)}
            said = await look(gate, places, None, MINE)
        assert all("truncated" in each.problem for each in said.values())
        assert most == [1] * len(most)
        assert len(most) >= AT_ONCE
        assert gate.is_late(MINE[0])

    async def test_reports_are_made_beside_the_event_loop(
        self, serving: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        makers = list[threading.Thread]()

        def noted(*given: Any) -> JetStreamReport:
            makers.append(threading.current_thread())
            return report(*given)

        monkeypatch.setattr(jetstream, "report", noted)
        async with serving(Pages()):
            await ask()
        assert len(makers) == 1
        assert threading.main_thread() not in makers

    async def test_routes_are_read_in_their_turn_and_no_text_of_them_is_held_after_it(
        self, serving: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        large, turns = asyncio.Semaphore(1), list[bool]()

        def noted(body: bytes) -> Routes:
            turns.append(large.locked())
            return routes_of(body)

        monkeypatch.setattr(jetstream, "routes_of", noted)
        bodies = recorded()
        bodies["/routez"] += b" " * SMALL
        async with serving(Pages(bodies)):
            said = await ask(gate=Gate(large=FirstCome(large)))
        assert said.peers == {"nats-2", "nats-3"}
        assert turns == [True]

    @pytest.mark.parametrize(("path", "most"), [("/varz", 256), ("/healthz", 256)])
    async def test_only_routes_and_streams_are_many(
        self, serving: Open, path: str, most: int
    ) -> None:
        bodies = recorded() | {path: b"{" + b" " * most * 1024 + b"}"}
        async with serving(Pages(bodies)):
            assert f"longer than {most} KiB" in (await ask()).problem

    async def test_who_is_slow_in_a_long_one_is_asked_again_among_the_slow(
        self, serving: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And not before: whoever waits for the quick ones waits for nobody who is slow."""
        for module in ("gate", "jetstream"):
            monkeypatch.setattr(f"natsctl.nats.{module}.LARGE_QUICK", 0.2)
        body = HEAD + many(200)
        begin, rest = body[:300_000], body[300_000:]

        async def trick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(begin)
            await writer.drain()
            await asyncio.sleep(0.5)
            writer.write(rest)
            await writer.drain()

        gate, pages = Gate(), Pages(recorded(), tricks={"/jsz": trick})
        async with serving(pages):
            for asked in (2, 3):
                assert len((await ask(gate=gate)).groups) == 400
                assert sum(path.startswith("/jsz") for path in pages.asked) == asked
                assert gate.is_late(MINE[0])
