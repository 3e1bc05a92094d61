"""What is asked of JetStream, word for word, and how answers are understood."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import msgspec
import pytest

from natsctl.model.outcome import Done, Outcome, Refused, Unknown, Unreachable
from natsctl.nats.jetstream_requests import (
    WORDS,
    Api,
    cancel_move,
    evacuate,
    move_stream,
    remove_server,
    step_down,
)
from natsctl.nats.nkey import Key
from natsctl.nats.session import Door, Session
from tests.unit.nats.wire import ID, Reply, Wire, listening, nobody

KEY = Key.generate()
TYPE = "io.nats.jetstream.api.v1."
Request = Callable[[Api], Awaitable[Outcome]]
Open = Callable[[Reply], AbstractAsyncContextManager[tuple[Wire, Api]]]


def says(kind: str, **content: Any) -> Reply:
    """A server that gives this answer to everything."""
    answer = msgspec.json.encode({"type": TYPE + kind, **content})
    return lambda *_: answer


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Open:
    """A cluster that answers so, and the way there."""
    monkeypatch.setattr("natsctl.nats.system.TIMEOUT", 0.3)

    @asynccontextmanager
    async def play(reply: Reply) -> AsyncIterator[tuple[Wire, Api]]:
        async with listening(reply) as (wire, port):
            monkeypatch.setattr("natsctl.model.names.CLIENT_PORT", port)
            session = Session(lambda: KEY)
            try:
                yield wire, Api(session, lambda: (Door("127.0.0.1", ID),))
            finally:
                session.close()

    return play


CASES = [
    pytest.param(
        step_down, "META.LEADER.STEPDOWN", {}, "meta_leader_stepdown_response", id="step down"
    ),
    pytest.param(
        lambda api: step_down(api, "c-2"),
        "META.LEADER.STEPDOWN",
        {"placement": {"preferred": "c-2"}},
        "meta_leader_stepdown_response",
        id="step down in favor of",
    ),
    pytest.param(
        lambda api: remove_server(api, "nats-1"),
        "SERVER.REMOVE",
        {"peer": "", "peer_id": "yrzKKRBu"},
        "meta_server_remove_response",
        id="remove",
    ),
    pytest.param(
        lambda api: evacuate(api, "c-3"),
        "SERVER.EVACUATE",
        {"peer": "c-3"},
        "meta_server_evacuate_response",
        id="evacuate",
    ),
    pytest.param(
        lambda api: move_stream(api, "APP", "orders", "c-3"),
        "ACCOUNT.STREAM.MOVE.APP.orders",
        {"server": "c-3"},
        "stream_update_response",
        id="move",
    ),
    pytest.param(
        lambda api: cancel_move(api, "$G", "orders"),
        "ACCOUNT.STREAM.CANCEL_MOVE.$G.orders",
        {},
        "stream_update_response",
        id="cancel",
    ),
    pytest.param(
        lambda api: cancel_move(api, "$G", "orders"),
        "ACCOUNT.STREAM.CANCEL_MOVE.$G.orders",
        {},
        "stream_cancel_move_response",
        id="cancel since 2.15",
    ),
]


@pytest.mark.parametrize(("request_", "subject", "content", "kind"), CASES)
class TestRequests:
    async def test_are_sent_as_servers_know_them(
        self, served: Open, request_: Request, subject: str, content: Any, kind: str
    ) -> None:
        async with served(says(kind, success=True)) as (wire, api):
            assert await request_(api) == Done()
        ((asked, written),) = wire.requests
        assert asked == f"$JS.API.{subject}"
        assert msgspec.json.decode(written) == content

    async def test_are_refused_in_the_words_of_the_server(
        self, served: Open, request_: Request, subject: str, content: Any, kind: str
    ) -> None:
        error = {"code": 400, "err_code": 10005, "description": "no suitable peers for placement"}
        async with served(says(kind, error=error)) as (_, api):
            assert await request_(api) == Refused("no suitable peers for placement", 10005)

    async def test_reach_nobody_where_nobody_knows_them(
        self, served: Open, request_: Request, subject: str, content: Any, kind: str
    ) -> None:
        async with served(lambda *_: nobody()) as (_, api):
            assert isinstance(await request_(api), Unreachable)

    async def test_may_have_been_carried_out_if_nobody_answers(
        self, served: Open, request_: Request, subject: str, content: Any, kind: str
    ) -> None:
        async with served(lambda *_: None) as (_, api):
            assert await request_(api) == Unknown("no answer in time")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"type":"io.nats.jetstream.api.v1.stream_info_response"}',
        b'{"type":"meta_leader_stepdown_response","success":true}',
        b'{"type":1}',
    ],
)
async def test_an_answer_that_is_none_says_nothing_of_the_outcome(
    served: Open, answer: bytes
) -> None:
    async with served(lambda *_: answer) as (_, api):
        assert isinstance(await step_down(api), Unknown)


async def test_a_server_that_does_not_know_a_request_does_not_speak_for_those_that_do(
    served: Open,
) -> None:
    """Measured: 2.10 to 2.14 answer so to what the leader, of 2.15, may be carrying out."""
    error = {"code": 503, "err_code": 10039, "description": "JetStream not enabled for account"}
    async with served(says("system_response", error=error)) as (_, api):
        assert isinstance(await evacuate(api, "c-3"), Unknown)


async def test_a_long_refusal_is_cut_and_has_one_printable_line(served: Open) -> None:
    error = {"description": "\x1b[2J\n" + "x" * 90_000}
    async with served(says("meta_leader_stepdown_response", error=error)) as (_, api):
        found = await step_down(api)
    assert isinstance(found, Refused)
    assert len(found.words) <= WORDS
    assert found.words.isprintable()


@pytest.mark.parametrize(
    ("account", "stream"),
    [
        ("a.b", "s"),
        ("a", "s.t"),
        ("a", "*"),
        (">", "s"),
        ("a b", "s"),
        ("a", "s\r\nPUB x 0"),
        ("", "s"),
    ],
)
async def test_a_name_that_would_change_the_subject_is_not_sent(
    served: Open, account: str, stream: str
) -> None:
    async with served(says("stream_update_response")) as (wire, api):
        for made in (move_stream(api, account, stream, "c-1"), cancel_move(api, account, stream)):
            assert isinstance(await made, Refused)
        assert not wire.requests
