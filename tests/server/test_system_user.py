"""The operator's user on real servers: what it may do, how it comes, and to whom its key is worth
anything."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest

from natsctl.controllers.cluster.identity import Identity
from natsctl.nats.connection import Connection, NoResponders, Told
from natsctl.nats.nkey import Key
from natsctl.nats.system import Unreachable, reload
from natsctl.render.config.system_account import PERMISSIONS
from tests.server import servers
from tests.unit.nats.tricks import playing

pytestmark = pytest.mark.server

EVERY = pytest.mark.parametrize(
    "version",
    [
        v
        for v in servers.VERSIONS
        if not v.startswith("2.0.") and not v.startswith(("2.1.", "2.2."))
    ],
)
SINCE_2_10 = ["2.10.29", servers.VERSIONS[-1]]
IDENTITY = Identity(Key.generate().seed)
VICTIM, EVIL = IDENTITY.key_of("victim"), IDENTITY.key_of("evil")
USERS: dict[str, Any] = {"authorization": {"users": [{"user": "u", "password": "p"}]}}


def accounts(key: Key, account: str = "$SYS") -> dict[str, Any]:
    """As it is rendered."""
    users = [{"nkey": key.public, "permissions": PERMISSIONS}]
    named = {} if account == "$SYS" else {"system_account": account}
    return {"accounts": {account: {"users": users}}, **named}


@attrs.frozen
class Server:
    """A running server of a cluster of one, or of several that know each other."""

    process: subprocess.Popen[bytes]
    file: Path
    folder: Path
    base: dict[str, Any]

    @property
    def ports(self) -> dict[str, int]:
        told = next(json.loads(f.read_text()) for f in self.folder.glob("*.ports"))
        return {name: urlsplit(urls[0]).port for name, urls in told.items()}

    @property
    def id(self) -> str:
        return str(self.ask("/varz")["server_id"])

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def ask(self, page: str) -> Any:
        url = f"http://127.0.0.1:{self.ports['monitoring']}{page}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)

    def write(self, **config: Any) -> None:
        self.file.write_text(json.dumps({**self.base, **config}))

    def hang_up(self, **config: Any) -> None:
        """Write a configuration, and do what a sidecar does."""
        self.write(**config)
        before = self.ask("/varz")["config_load_time"]
        self.process.send_signal(signal.SIGHUP)
        assert servers.wait_for(lambda: self.ask("/varz")["config_load_time"] != before), self.log


class Start:
    """Starts servers, which end with the test."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.stack, self.folder, self.count = stack, folder, 0

    def __call__(self, version: str, routes: tuple[Server, ...] = (), **config: Any) -> Server:
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        listen = {"host": "127.0.0.1", "port": servers.ANY_PORT}
        urls = [f"nats://127.0.0.1:{other.ports['cluster']}" for other in routes]
        base = {
            **listen,
            "http_port": servers.ANY_PORT,
            "server_name": f"c-{self.count}",
            "cluster": {"name": "c", **listen, "routes": urls},
        }
        file, log = folder / "nats.conf", folder / "log"
        file.write_text(json.dumps({**base, **config}))
        command = [servers.binary(version), "-c", str(file), "--ports_file_dir", str(folder)]
        with log.open("w") as output:
            process = subprocess.Popen(command, stderr=output)
        self.stack.callback(_end, process)

        def ready() -> bool:
            return any(f.read_text().endswith("}") for f in folder.glob("*.ports"))

        assert servers.wait_for(lambda: ready() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        return Server(process, file, folder, base)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=servers.PATIENCE)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:
        yield Start(stack, tmp_path)


async def asked(server: Server, subject: str, key: Key = VICTIM) -> bytes:
    """The answer to a request of the operator's user."""
    connection = Connection()
    try:
        async with asyncio.timeout(5):
            await connection.open("127.0.0.1", server.ports["nats"], server.id, key, None)
            return await connection.request(subject.replace("ID", server.id))
    finally:
        connection.close()
        await asyncio.sleep(0)


async def reloaded(server: Server, monkeypatch: pytest.MonkeyPatch, key: Key = VICTIM) -> str:
    monkeypatch.setattr("natsctl.model.names.CLIENT_PORT", server.ports["nats"])
    return await reload("127.0.0.1", server.id, key, None)


def greeted(server: Server, **login: str) -> bool:
    """Whether a client that says this of itself gets in."""
    with socket.create_connection(("127.0.0.1", server.ports["nats"]), timeout=5) as connection:
        text = json.dumps({"verbose": False, "pedantic": False, **login})
        connection.sendall(f"CONNECT {text}\r\nPING\r\n".encode())
        with connection.makefile("r") as lines:
            return next(x for x in lines if not x.startswith("INFO")).startswith("PONG")


class TestItComesAndGoes:
    @EVERY
    @pytest.mark.parametrize("clients", [{}, USERS], ids=["open", "closed"])
    async def test_by_a_reload_and_nobody_else_notices(
        self, start: Start, version: str, clients: dict[str, Any]
    ) -> None:
        server = start(version, **clients)
        who = server.id
        for config in ({**clients, **accounts(VICTIM)}, {**clients, **accounts(EVIL)}, clients):
            server.hang_up(**config)
            assert server.id == who
            assert greeted(server) is not bool(clients)
            assert not clients or greeted(server, user="u", **{"pass": "p"})
            assert server.ask("/varz")["system_account"] == "$SYS"

    @pytest.mark.parametrize("version", SINCE_2_10)
    async def test_and_works_at_once(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, version: str
    ) -> None:
        server = start(version)
        server.hang_up(**accounts(VICTIM))
        server.write(**accounts(VICTIM), max_payload=2345)
        assert await reloaded(server, monkeypatch) == ""
        assert server.ask("/varz")["max_payload"] == 2345

    @pytest.mark.parametrize("version", SINCE_2_10)
    async def test_in_the_account_of_earlier_versions_it_is_replaced_by_a_reload_too(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, version: str
    ) -> None:
        shared = Key.generate()
        known = {"users": [{"nkey": shared.public}]}
        old: dict[str, Any] = {"accounts": {"SYS": known}, "system_account": "SYS"}
        server = start(version, **old)
        server.hang_up(**accounts(VICTIM, "SYS"))
        assert await reloaded(server, monkeypatch) == ""
        with pytest.raises(Unreachable, match="Authorization Violation"):
            await reloaded(server, monkeypatch, shared)

    @pytest.mark.parametrize("version", SINCE_2_10)
    async def test_another_name_of_the_account_takes_a_restart(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, version: str
    ) -> None:
        server = start(version, **accounts(VICTIM, "SYS"))
        server.write(**accounts(VICTIM))
        assert "SystemAccount" in await reloaded(server, monkeypatch)


class TestItMay:
    @EVERY
    @pytest.mark.parametrize(
        "subject",
        [
            "$SYS.REQ.SERVER.ID.CONNZ",
            "$SYS.REQ.SERVER.ID.VARZ",
            "$SYS.REQ.SERVER.ID.KICK",
            "$SYS.REQ.SERVER.ID.LDM",
            "$SYS.REQ.SERVER.PING",
            "$SYS.REQ.SERVER.PING.CONNZ",
            "$SYS.REQ.ACCOUNT.$G.CONNZ",
            "$SYS.REQ.USER.INFO",
            "$JS.API.STREAM.LIST",
            "anything",
        ],
    )
    async def test_not_ask_for_anything_else(
        self, start: Start, version: str, subject: str
    ) -> None:
        server = start(version, **accounts(VICTIM))
        with pytest.raises(Told, match="Permissions Violation for Publish"):
            await asked(server, subject)

    @EVERY
    @pytest.mark.parametrize("subject", ["$SYS", "_INBOX", "anything"])
    async def test_not_hear_what_others_say(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, version: str, subject: str
    ) -> None:
        server = start(version, **accounts(VICTIM))
        monkeypatch.setattr("natsctl.nats.connection.INBOX", subject)
        monkeypatch.setattr("natsctl.nats.connection.secrets.token_hex", lambda _: ">")
        with pytest.raises(Told, match="Permissions Violation for Subscription"):
            await asked(server, "$SYS.REQ.SERVER.ID.RELOAD")

    @EVERY
    async def test_ask_for_a_reload(self, start: Start, version: str) -> None:
        server = start(version, **accounts(VICTIM))
        if version.startswith("2.9."):
            with pytest.raises(NoResponders):
                await asked(server, "$SYS.REQ.SERVER.ID.RELOAD")
        else:
            assert json.loads(await asked(server, "$SYS.REQ.SERVER.ID.RELOAD"))["server"]


class TestRelay:
    """A fake server in evil's pod passes on what victim's server says, and back."""

    @EVERY
    @pytest.mark.parametrize("pretends", [False, True])
    async def test_a_signature_for_one_cluster_opens_no_other(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, version: str, pretends: bool
    ) -> None:
        victim = start(version, **USERS, **accounts(VICTIM))
        heard = await relayed(victim, EVIL, monkeypatch, pretends)
        assert heard.startswith(b"-ERR 'Authorization Violation'")

    @EVERY
    async def test_with_one_key_for_all_it_would_be_in(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, version: str
    ) -> None:
        """What shows that the test above could fail."""
        victim = start(version, **USERS, **accounts(VICTIM))
        assert (await relayed(victim, VICTIM, monkeypatch)).startswith(b"PONG")


async def relayed(
    victim: Server, key: Key, monkeypatch: pytest.MonkeyPatch, pretends: bool = False
) -> bytes:
    """What victim's server says to somebody who passes on what is signed with a key."""
    heard = bytearray()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, out = await asyncio.open_connection("127.0.0.1", victim.ports["nats"])
        writer.write(await theirs.readline())  # INFO, with the nonce
        said = await reader.readline() + await reader.readline()
        # As the user that signed, or as the one that victim knows.
        out.write(said.replace(key.public.encode(), VICTIM.public.encode()) if pretends else said)
        heard.extend(await theirs.readline())
        out.transport.abort()

    async with playing(relay) as port:
        monkeypatch.setattr("natsctl.model.names.CLIENT_PORT", port)
        with pytest.raises(Unreachable):
            await reload("127.0.0.1", victim.id, key, None)
    return bytes(heard)


class TestRoll:
    @pytest.mark.parametrize("version", ["2.9.25", *SINCE_2_10])
    async def test_servers_with_either_name_of_the_account_stay_together(
        self, start: Start, version: str
    ) -> None:
        """While a roll goes from server to server; clients of each reach those of the others."""
        first = start(version, **USERS, **accounts(VICTIM, "SYS"))
        second = start(version, (first,), **USERS, **accounts(VICTIM, "SYS"))
        third = start(version, (first, second), **USERS, **accounts(VICTIM))
        every = (first, second, third)

        def meshed() -> bool:
            return all(
                len({r["remote_id"] for r in s.ask("/routez")["routes"] or []}) == 2 for s in every
            )

        assert servers.wait_for(meshed)
        await asyncio.gather(*(_passes(a, b) for a in every for b in every if a is not b))


async def _passes(one: Server, other: Server) -> None:
    """A message of a client of one server reaches a client of the other, in time."""
    subject = f"s{os.urandom(4).hex()}"
    reader, writer = await asyncio.open_connection("127.0.0.1", other.ports["nats"])
    _, out = await asyncio.open_connection("127.0.0.1", one.ports["nats"])
    login = b'CONNECT {"verbose":false,"pedantic":false,"user":"u","pass":"p"}\r\n'
    writer.write(login + f"SUB {subject} 1\r\nPING\r\n".encode())
    deadline = time.monotonic() + servers.PATIENCE
    out.write(login)
    try:
        while time.monotonic() < deadline:
            out.write(f"PUB {subject} 2\r\nhi\r\n".encode())
            try:
                line = await asyncio.wait_for(reader.readline(), 0.2)
            except TimeoutError:
                continue
            if line.startswith(b"MSG"):
                return
        raise AssertionError("nothing came")
    finally:
        writer.transport.abort()
        out.transport.abort()
