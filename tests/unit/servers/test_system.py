"""Whom the servers' certificates are checked against, and who is not even asked."""

from __future__ import annotations

import asyncio
import ssl
import time

import pytest
import trustme

from natsctl.servers.nkey import Key
from natsctl.servers.system import Unreachable, context, reload

KEY = Key.generate()
AUTHORITY = trustme.CA()
CA = AUTHORITY.cert_pem.bytes()
ISSUED = AUTHORITY.issue_cert("natsctl")
CERT, PRIVATE = ISSUED.cert_chain_pems[0].bytes(), ISSUED.private_key_pem.bytes()


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
        monkeypatch.setattr("natsctl.api.names.CLIENT_PORT", 1)
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"^system account: .*Connect call failed"):
            await reload("127.0.0.1", "ID", KEY, None)
        assert time.monotonic() - began < 1

    @pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n", b"INFO {\r\n"])
    @pytest.mark.parametrize("stays", [True, False])
    async def test_something_else_on_that_port_is_told_in_time(
        self, monkeypatch: pytest.MonkeyPatch, greeting: bytes, stays: bool
    ) -> None:
        monkeypatch.setattr("natsctl.servers.system.TIMEOUT", 0.3)
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(greeting)
            if stays:
                await reader.read()
            ended.set()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            monkeypatch.setattr("natsctl.api.names.CLIENT_PORT", port)
            began = time.monotonic()
            with pytest.raises(Unreachable):
                await reload("127.0.0.1", "ID", KEY, None)
            assert time.monotonic() - began < 2
            await asyncio.wait_for(ended.wait(), 1)

    async def test_nothing_is_left_of_a_connection_that_ends_with_the_answer(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By then nats-py is about to end it, in a task of which it tells nobody."""
        serving = set[asyncio.Task[None] | None]()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            serving.add(asyncio.current_task())
            writer.write(b'INFO {"version":"2.14.10","nonce":"abc","auth_required":true}\r\n')
            while line := (await reader.readline()).split():
                match line[0]:
                    case b"PING":
                        writer.write(b"PONG\r\n")
                    case b"SUB":
                        subscription = line[-1]
                    case b"PUB":
                        reply = b"MSG %s %s 2\r\n{}\r\n-ERR 'Bye'\r\n"
                        writer.write(reply % (line[2], subscription))
                        await reader.read()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            monkeypatch.setattr("natsctl.api.names.CLIENT_PORT", port)
            assert await reload("127.0.0.1", "ID", KEY, None) == ""
            assert asyncio.all_tasks() - serving == {asyncio.current_task()}
            await asyncio.gather(*(task for task in serving if task))
