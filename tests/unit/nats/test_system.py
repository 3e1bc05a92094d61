"""Whom the servers' certificates are checked against, and who is not even asked."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import msgspec
import pytest
import trustme

from natsctl.nats.nkey import Key
from natsctl.nats.system import Unreachable, context, reload
from tests.unit.nats.tricks import Trick, bounded, playing, says
from tests.unit.pace import allowed

KEY = Key.generate()
AUTHORITY = trustme.CA()
CA = AUTHORITY.cert_pem.bytes()
ISSUED = AUTHORITY.issue_cert("natsctl")
CERT, PRIVATE = ISSUED.cert_chain_pems[0].bytes(), ISSUED.private_key_pem.bytes()

ID = "N" + "A" * 55
OWN = msgspec.json.encode({"server": {"id": ID}})
MIB = bytes(1024 * 1024)
Port = Callable[[Trick], AbstractAsyncContextManager[None]]


def info(**more: Any) -> bytes:
    """The first line of a server."""
    return b"INFO " + msgspec.json.encode({"server_id": ID, "nonce": "abc", **more}) + b"\r\n"


INFO = info()


def greets(*pieces: bytes, ever: bytes = b"", pause: float = 0.0) -> Trick:
    """Says these without being asked, and then the same for ever; or, with a pause, nothing."""
    return says(*pieces, ever=ever, pause=pause, unasked=True)


def answering(
    content: bytes, after: bytes = b"", before: bytes = b"", headers: bytes = b""
) -> Trick:
    """Gives this answer to a request, and says more before and after it."""

    async def trick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(INFO)
        while line := (await reader.readline()).split():
            match line[0]:
                case b"PING":
                    writer.write(before + b"PONG\r\n")
                case b"PUB":
                    sizes = f"{len(headers)} {len(headers) + len(content)}".encode()
                    head = b"HMSG x 1 " + sizes if headers else b"MSG x 1 %d" % len(content)
                    writer.write(before + head + b"\r\n" + headers + content + b"\r\n" + after)
                    await reader.read()

    return trick


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Port:
    """Plays a trick at the clients' port of servers."""
    monkeypatch.setattr("natsctl.nats.system.TIMEOUT", 1.0)

    @asynccontextmanager
    async def play(trick: Trick) -> AsyncIterator[None]:
        async with playing(trick) as found:
            monkeypatch.setattr("natsctl.model.names.CLIENT_PORT", found)
            yield

    return play


def made(*texts: bytes | None) -> ssl.SSLContext:
    found = context(*texts)
    assert found is not None
    return found


class TestContext:
    def test_without_anything_to_trust_there_is_none(self) -> None:
        assert context(None) is None
        assert context(None, CERT, PRIVATE) is None

    def test_chains_are_checked_and_names_are_not(self) -> None:
        found = made(CA)
        assert found.verify_mode == ssl.CERT_REQUIRED
        assert not found.check_hostname

    def test_only_the_given_are_trusted_and_all_of_them(self) -> None:
        other = trustme.CA().cert_pem.bytes()
        assert len(made(CA).get_ca_certs(binary_form=True)) == 1
        assert len(made("# Bücher\n".encode() + CA + other).get_ca_certs(binary_form=True)) == 2

    @pytest.mark.parametrize(
        "texts",
        [
            (b"",),
            (b"not a CA",),
            (PRIVATE,),
            (CA, CERT, trustme.CA().issue_cert("a").private_key_pem.bytes()),
            (CA, CERT, b"not a key"),
            (CA, b"", PRIVATE),
        ],
        ids=["empty", "no CA", "a key", "another's key", "no key", "no certificate"],
    )
    def test_unusable_texts_are_told_without_quoting_them(self, texts: tuple[bytes, ...]) -> None:
        with pytest.raises(Unreachable, match=r"^certificates: ") as raised:
            context(*texts)
        assert all(text.decode() not in str(raised.value) for text in texts if text)


class TestReload:
    @pytest.mark.parametrize("address", ["", "localhost", "127.0.0.1:4222", "300.1.1.1"])
    async def test_what_is_no_address_is_not_asked(self, address: str) -> None:
        with pytest.raises(Unreachable, match="the server has no address"):
            await reload(address, "ID", KEY, None)

    async def test_nobody_there_is_told_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("natsctl.model.names.CLIENT_PORT", 1)
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"^system account: .*Connect call failed"):
            await reload("127.0.0.1", "ID", KEY, None)
        assert time.monotonic() - began < allowed(1)

    @pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n", b"INFO {\r\n"])
    @pytest.mark.parametrize("stays", [True, False])
    async def test_something_else_on_that_port_is_told_in_time(
        self, port: Port, greeting: bytes, stays: bool
    ) -> None:
        async def trick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(greeting)
            if stays:
                await reader.read()

        async with port(trick):
            began = time.monotonic()
            with pytest.raises(Unreachable):
                await reload("127.0.0.1", ID, KEY, None)
            assert time.monotonic() - began < allowed(2)

    async def test_nothing_is_left_of_a_connection_that_ends_with_the_answer(
        self, port: Port
    ) -> None:
        async with port(answering(b'{"server":{"id":"%s"}}' % ID.encode(), b"-ERR 'Bye'\r\n")):
            before = asyncio.all_tasks()
            assert await reload("127.0.0.1", ID, KEY, None) == ""
            assert len(asyncio.all_tasks()) <= len(before) + 1  # the server's own

    async def test_what_comes_in_between_is_passed_over(self, port: Port) -> None:
        answer = b'{"server":{"id":"%s"},"error":{"description":"no"}}' % ID.encode()
        before = b"+OK\r\nPING\r\nINFO {}\r\n"
        async with port(answering(answer, before=before)):
            assert await reload("127.0.0.1", ID, KEY, None) == "no"

    async def test_an_answer_with_headers_is_read_as_well(self, port: Port) -> None:
        content = b'{"server":{"id":"%s"}}' % ID.encode()
        async with port(answering(content, headers=b"NATS/1.0\r\nA: b\r\n\r\n")):
            assert await reload("127.0.0.1", ID, KEY, None) == ""

    async def test_a_refusal_is_short_and_printable(self, port: Port) -> None:
        words = "x: old=secret" + "y" * 90_000
        answer = {"server": {"id": ID}, "error": {"description": f"\x1b[2J\n{words}"}}
        async with port(answering(msgspec.json.encode(answer))):
            assert await reload("127.0.0.1", ID, KEY, None) == "x"


class TestTricks:
    """Whoever may write pods in a namespace decides what listens at a server's port."""

    @pytest.mark.parametrize(
        ("trick", "told"),
        [
            (greets(ever=b"x" * 65536), "a line without an end"),
            (greets(b"INFO {", ever=b" " * 65536), "a line without an end"),
            (greets(INFO, ever=b"INFO {}\r\n" * 4096), "was not requested"),
            (greets(INFO, b"INFO {", ever=b" " * 65536), "a line without an end"),
            (greets(INFO, b"PONG\r\n", ever=b"MSG" + b" " * 65536), "a line without an end"),
            (greets(INFO, b"PONG\r\nMSG x 1 999999999\r\n", ever=MIB), "too long"),
            (greets(INFO, b"PONG\r\nMSG x 1 9999999999\r\n", ever=MIB), "was not requested"),
            (greets(INFO, b"PONG\r\nMSG x 1 -1\r\n", ever=MIB), "was not requested"),
            (greets(INFO, b"PONG\r\nMSG x 2 1\r\n", ever=MIB), "was not requested"),
            (greets(INFO, b"PONG\r\nHMSG x 1 9 5\r\n", ever=MIB), "too long"),
            (greets(INFO, b"PONG\r\nMSG x 1 1048576\r\n", ever=MIB), "malformed"),
            (greets(INFO, b"PONG\r\nMSG x 1 1000000\r\n" + b"[" * 1_000_002), "Expected"),
            (greets(INFO, b"PONG\r\nMSG x 1 2\r\n{}\r\n"), "another server answers"),
            (greets(INFO, b"-ERR '" + b"\xff" * 99 + b"\r\n"), "\ufffd"),
            (greets(INFO, b"PONG\r\n", ever=b"PING\r\n" * 4096), "was not requested"),
            (greets(INFO, pause=1), "no answer in time"),
            (greets(INFO, ever=b"P", pause=0.02), "no answer in time"),
            (greets(info(server_id="N" + "B" * 55)), "another server answers"),
            (greets(info(nonce="a\r\nb")), "regex"),
            (greets(info(nonce="a" * 129)), "<= 128"),
            (greets(info(tls_required=True)), "requires TLS"),
            (
                greets(info(x=1)[:-3] + b',"x":' + b"[" * 100_000 + b"\r\n"),
                "recursion",
            ),
            (greets(info(nonce="")), "was not answered"),
        ],
    )
    async def test_costs_little_and_is_told(self, port: Port, trick: Trick, told: str) -> None:
        async with port(trick):
            with bounded(), pytest.raises(Unreachable, match=told):
                await reload("127.0.0.1", ID, KEY, None)

    async def test_a_server_that_names_others_leads_nobody_there(self, port: Port) -> None:
        elsewhere = []

        async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            elsewhere.append(writer.get_extra_info("peername"))

        async with playing(note) as other:
            greeting = info(connect_urls=[f"127.0.0.1:{other}"])
            async with port(greets(greeting)):
                with pytest.raises(Unreachable):
                    await reload("127.0.0.1", ID, KEY, None)
        assert not elsewhere

    async def test_a_cluster_with_tls_is_never_spoken_to_without(self, port: Port) -> None:
        """Nor is anything signed for one that has none to offer."""
        heard = []

        async def trick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(INFO)
            heard.append(await reader.read(4096))

        async with port(trick):
            with pytest.raises(Unreachable, match="does not offer TLS"):
                await reload("127.0.0.1", ID, KEY, made(CA))
        assert heard in ([], [b""])

    async def test_what_comes_in_plain_text_before_tls_is_forgotten(self, port: Port) -> None:
        """Somebody in between could answer in the server's name."""
        identity = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert("c-1").configure_cert(identity)

        async def trick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            forged = b"PONG\r\nMSG x 1 %d\r\n%s\r\n" % (len(OWN), OWN)
            writer.write(info(tls_required=True) + forged)
            await writer.start_tls(identity)
            await reader.read()

        async with port(trick):
            with pytest.raises(Unreachable):
                await reload("127.0.0.1", ID, KEY, made(CA))
