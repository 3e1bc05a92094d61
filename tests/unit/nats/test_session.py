"""A session asks over one connection while it is used, and tells what may have an effect."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

import attrs
import pytest
import trustme

from natsctl.model.outcome import Refused, Unknown, Unreachable
from natsctl.nats.nkey import Key
from natsctl.nats.session import DOORS, Door, Session
from natsctl.nats.system import context
from tests.unit.nats.wire import ID, Reply, Wire, listening, nobody

KEY = Key.generate()
HERE, NOWHERE = Door("127.0.0.1", ID), Door("127.0.0.254", ID)
Open = Callable[[Reply], AbstractAsyncContextManager[tuple[Wire, Session]]]


def echo(subject: str, content: bytes) -> bytes:
    return subject.encode() + b":" + content


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Open:
    """A session, and the server that it speaks to."""
    monkeypatch.setattr("natsctl.nats.system.TIMEOUT", 0.3)

    @asynccontextmanager
    async def play(reply: Reply) -> AsyncIterator[tuple[Wire, Session]]:
        async with listening(reply) as (wire, port):
            monkeypatch.setattr("natsctl.model.names.CLIENT_PORT", port)
            session = Session(lambda: KEY)
            try:
                yield wire, session
            finally:
                session.close()

    return play


async def ask(session: Session, content: bytes = b"{}", *doors: Door) -> object:
    return await session.request(doors or (HERE,), None, "subject", content)


async def closed(wire: Wire) -> bool:
    """Whether the server soon sees that nobody is connected any more."""
    for _ in range(100):
        if not wire.open:
            return True
        await asyncio.sleep(0.01)
    return False


class TestOneConnection:
    async def test_serves_many_requests_each_with_an_answer_of_its_own(self, served: Open) -> None:
        async with served(echo) as (wire, session):
            answers = await asyncio.gather(*(ask(session, b"%d" % i) for i in range(5)))
        assert answers == [b"subject:%d" % i for i in range(5)]
        assert wire.logins == 1
        assert len(set(wire.inboxes)) == 5

    async def test_ends_when_it_is_closed_and_the_next_request_opens_another(
        self, served: Open
    ) -> None:
        async with served(echo) as (wire, session):
            await ask(session)
            session.close()
            assert await closed(wire)
            assert await ask(session) == b"subject:{}"
            assert wire.logins == 2

    async def test_does_not_keep_a_server_that_stops(self, served: Open) -> None:
        """In lame duck mode, a server waits for ten seconds if it has a single client."""
        async with served(echo) as (wire, session):
            session.hang_up()
            await ask(session)
            assert wire.open == 1
            session.hang_up()
            assert await closed(wire)
            assert await ask(session) == b"subject:{}"

    async def test_does_not_end_while_a_request_has_no_answer(self, served: Open) -> None:
        """What came of it would not be known."""
        sessions = list[Session]()

        def reply(subject: str, content: bytes) -> bytes:
            sessions[0].hang_up()
            return b"done"

        async with served(reply) as (wire, session):
            sessions.append(session)
            assert await ask(session) == b"done"
            assert wire.open == 1

    async def test_ends_after_some_time_without_requests(
        self, served: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("natsctl.nats.session.IDLE", 0.05)
        async with served(echo) as (wire, session):
            await ask(session)
            assert wire.open == 1
            assert await closed(wire)

    async def test_that_the_server_has_ended_is_noticed_before_anything_is_sent(
        self, served: Open
    ) -> None:
        async with served(lambda *_: b"bye" if len(wire.requests) == 1 else b"ok") as found:
            wire, session = found
            assert isinstance(await ask(session), Unknown)
            assert await ask(session) == b"ok"
            assert len(wire.requests) == 2

    async def test_does_not_go_on_through_a_server_that_is_not_named_any_more(
        self, served: Open
    ) -> None:
        async with served(echo) as (wire, session):
            await ask(session)
            answer = await ask(session, b"{}", Door("127.0.0.254", ID))
            assert isinstance(answer, Unreachable)
            assert len(wire.requests) == 1

    async def test_is_not_left_behind_by_whoever_gives_up(self, served: Open) -> None:
        async with served(lambda *_: None) as (wire, session):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await ask(session)
            assert await closed(wire)

    async def test_is_not_left_behind_by_whoever_gives_up_at_the_door(
        self, served: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr("natsctl.nats.connection.Connection.answers", never)
        async with served(echo) as (wire, session):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await ask(session)
            assert await closed(wire)


class TestDoors:
    async def test_the_next_server_is_tried_where_one_cannot_be_connected_to(
        self, served: Open
    ) -> None:
        async with served(echo) as (_, session):
            assert await ask(session, b"{}", NOWHERE, HERE) == b"subject:{}"

    async def test_some_are_tried_and_not_all(self, served: Open) -> None:
        async with served(echo) as (_, session):
            answer = await ask(session, b"{}", *[NOWHERE] * DOORS, HERE)
        assert isinstance(answer, Unreachable)
        assert answer.words.startswith("system account: ")

    async def test_without_any_nobody_is_asked(self) -> None:
        answer = await Session(lambda: KEY).request((), None, "s", b"")
        assert answer == Unreachable("system account: no server can be asked")

    @pytest.mark.parametrize("door", [Door("example.org", ID), Door("", ID)])
    async def test_what_is_no_address_is_not_connected_to(self, served: Open, door: Door) -> None:
        async with served(echo) as (wire, session):
            assert isinstance(await ask(session, b"{}", door), Unreachable)
            assert wire.logins == 0

    async def test_another_server_than_the_named_one_is_not_asked(self, served: Open) -> None:
        async with served(echo) as (wire, session):
            answer = await ask(session, b"{}", Door("127.0.0.1", "another"))
            assert answer == Unreachable(
                "system account: another server answers, or it was restarted"
            )
            assert not wire.requests

    async def test_a_server_without_users_by_key_is_not_asked(
        self, served: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with served(echo) as (_, session):
            monkeypatch.setattr("tests.unit.nats.wire.NONCE", "")
            answer = await ask(session)
        assert answer == Unreachable("system account: the server does not know the operator's user")

    async def test_a_cluster_with_tls_is_never_spoken_to_without(self, served: Open) -> None:
        tls = context(trustme.CA().cert_pem.bytes())
        async with served(echo) as (wire, session):
            answer = await session.request((HERE,), tls, "subject", b"")
            assert isinstance(answer, Unreachable)
            assert not wire.logins


class TestAnEffect:
    """Whoever asked has to know whether it may have been carried out."""

    @pytest.mark.parametrize(
        "answer",
        [None, b"bye", b"-ERR 'Stale Connection'", b"MSG x 7 2\r\n{}", b"MSG x 1 99999999"],
        ids=["silence", "end", "error", "another's answer", "too long"],
    )
    async def test_is_possible_once_it_was_sent(self, served: Open, answer: bytes | None) -> None:
        async with served(lambda *_: answer) as (wire, session):
            assert isinstance(await ask(session), Unknown)
            assert len(wire.requests) == 1
            assert await closed(wire)

    async def test_is_impossible_where_nobody_listens(self, served: Open) -> None:
        async with served(lambda *_: nobody()) as (wire, session):
            assert isinstance(await ask(session), Unreachable)
            assert isinstance(await ask(session), Unreachable)
            assert wire.logins == 1

    async def test_is_impossible_where_the_user_may_not_ask(self, served: Open) -> None:
        words = "Permissions Violation for Publish to 's'"
        async with served(lambda *_: f"-ERR '{words}'".encode()) as (_, session):
            assert await ask(session) == Refused("Permissions Violation for Publish to 's")

    @pytest.mark.parametrize("answer", [b"ok", None, b"bye"])
    async def test_is_dated_however_it_was_answered(
        self, served: Open, answer: bytes | None
    ) -> None:
        """What servers said before may no longer be true."""
        async with served(lambda *_: answer) as (_, session):
            before = asyncio.get_running_loop().time()
            await ask(session)
            assert before <= session.answered <= asyncio.get_running_loop().time()

    async def test_has_no_date_if_nothing_was_sent(self) -> None:
        session = Session(lambda: KEY)
        await session.request((), None, "s", b"")
        assert session.answered == -math.inf


class Closed(Exception):
    """Nothing may be sent any more."""


@attrs.frozen
class Leave:
    """Leave to send something, with so many seconds for it."""

    seconds: float


class TestTheFence:
    """Whoever asks for something has to have leave for it in the moment in which it is sent."""

    async def test_is_entered_once_a_server_has_answered_and_nothing_is_sent_without_leave(
        self, served: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("natsctl.nats.session.IDLE", 0.05)
        logins = list[int]()

        @contextmanager
        def fence() -> Iterator[None]:
            logins.append(wire.logins)
            raise Closed
            yield

        async with served(echo) as (wire, session):
            with pytest.raises(Closed):
                await session.request((HERE,), None, "subject", b"{}", fence)
            assert (logins, wire.requests, session.answered) == ([1], [], -math.inf)
            assert await closed(wire)

    async def test_is_asked_in_turn_and_not_before(self, served: Open) -> None:
        """A request may wait for others: leave that it had before is none any more."""
        requests = list[int]()

        @contextmanager
        def fence() -> Iterator[None]:
            requests.append(len(wire.requests))
            yield

        async with served(echo) as (wire, session):
            await asyncio.gather(
                ask(session), session.request((HERE,), None, "subject", b"{}", fence)
            )
        assert requests == [1]

    async def test_says_how_long_an_answer_is_waited_for(self, served: Open) -> None:
        @contextmanager
        def fence() -> Iterator[Leave]:
            yield Leave(0.01)

        async with served(lambda *_: None) as (_, session):
            async with asyncio.timeout(0.25):
                answer = await session.request((HERE,), None, "subject", b"{}", fence)
        assert answer == Unknown("no answer in time")

    @pytest.mark.parametrize(("answer", "certain"), [(b"ok", True), (None, False), (b"bye", False)])
    async def test_learns_whether_it_may_be_carried_out_still(
        self, served: Open, answer: bytes | None, certain: bool
    ) -> None:
        ends = list[bool]()

        @contextmanager
        def fence() -> Iterator[None]:
            try:
                yield
            except Exception:
                ends.append(False)
                raise
            ends.append(True)

        async with served(lambda *_: answer) as (_, session):
            await session.request((HERE,), None, "subject", b"{}", fence)
        assert ends == [certain]
