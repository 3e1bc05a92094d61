"""The operator's user in the system account of real servers: reloads, and who else gets in."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import signal
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import attrs
import pytest
import trustme
from attrs import frozen

from natsctl.model.observation import Observation
from natsctl.nats.monitoring import Monitor, Place
from natsctl.nats.nkey import Key
from natsctl.nats.system import Unreachable, context, reload
from natsctl.plan.inputs.certificates import inspect
from natsctl.render.digest import config_digest
from tests.server import servers
from tests.server.servers import trusting

pytestmark = pytest.mark.server

OLD, NEWEST = "2.9.25", "2.15.3"
ALL = pytest.mark.parametrize("version", servers.those(OLD, "2.10.29", NEWEST))
SINCE_2_10 = pytest.mark.parametrize("version", servers.those("2.10.29", NEWEST))
KEY = Key.generate()
LISTEN = {"host": "127.0.0.1", "port": servers.ANY_PORT, "http_port": servers.ANY_PORT}
SYSTEM = {"accounts": {"SYS": {"users": [{"nkey": KEY.public}]}}, "system_account": "SYS"}
CONFIG = {**LISTEN, **SYSTEM}
CLOSED = {**CONFIG, "authorization": {"users": [{"user": "u", "password": "p"}]}}
AUTHORITY = trustme.CA()
CA = AUTHORITY.cert_pem.bytes()


@frozen
class Server:
    """A running server, how it is reached, and its configuration."""

    process: subprocess.Popen[bytes]
    file: Path
    client: str
    monitoring: str
    id: str

    def write(self, config: dict[str, Any]) -> None:
        self.file.write_text(json.dumps(config))

    def ask(self) -> Any:
        """What it says at /varz."""
        return varz(self.monitoring)


class Start(Protocol):
    """Start a server, which ends with the test."""

    def __call__(self, version: str, config: dict[str, Any] = CONFIG) -> Server: ...


def varz(monitoring: str) -> Any:
    anybody = trusting()
    with urllib.request.urlopen(f"{monitoring}/varz", timeout=5, context=anybody) as answer:
        return json.load(answer)


@contextmanager
def running(version: str, folder: Path, config: dict[str, Any]) -> Iterator[Server]:
    folder.mkdir()
    file, log = folder / "nats.conf", folder / "log"
    file.write_text(json.dumps(config))
    command = [servers.binary(version), "-c", str(file), "--ports_file_dir", str(folder)]
    with log.open("w") as output:
        process = subprocess.Popen(command, stderr=output)
    try:
        assert servers.wait_for(lambda: ports(folder) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        client, monitoring = ports(folder)["nats"][0], ports(folder)["monitoring"][0]
        yield Server(process, file, client, monitoring, varz(monitoring)["server_id"])
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(timeout=servers.PATIENCE)


def ports(folder: Path) -> dict[str, list[str]]:
    texts = [file.read_text() for file in folder.glob("*.ports")]
    return next((dict(json.loads(text)) for text in texts if text.endswith("}")), {})


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(version: str, config: dict[str, Any] = CONFIG) -> Server:
            server = stack.enter_context(running(version, tmp_path / "server", config))
            for name, url in ("CLIENT", server.client), ("MONITORING", server.monitoring):
                monkeypatch.setattr(f"natsctl.model.names.{name}_PORT", urlsplit(url).port)
            return server

        yield start


@pytest.fixture(autouse=True)
def _nothing_is_printed_or_logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    yield
    assert capfd.readouterr() == ("", "")
    assert caplog.get_records("call") == []


async def tell(
    server: Server, tls: ssl.SSLContext | None = None, key: Key = KEY, address: str = "127.0.0.1"
) -> str:
    """Reload; nothing is left of that, whatever came of it."""
    before = open_sockets()
    try:
        return await reload(address, server.id, key, tls)
    finally:
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert open_sockets() <= before  # others may have ended meanwhile


def open_sockets() -> set[str]:
    """Those of this process."""
    found = set()
    for file in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the folder itself, open while it was read
            found.add(os.readlink(file))
    return {name for name in found if name.startswith("socket:")}


def greet(server: Server, **login: str) -> str:
    """The first word to a client that says it is this user, or nobody."""
    place = urlsplit(server.client)
    with socket.create_connection((place.hostname, place.port), timeout=5) as connection:
        text = json.dumps({"verbose": False, "pedantic": False, **login})
        connection.sendall(f"CONNECT {text}\r\nPING\r\n".encode())
        with connection.makefile("r") as lines:
            return next(line for line in lines if not line.startswith("INFO")).split()[0]


def files(folder: Path, authority: trustme.CA = AUTHORITY, **wanted: Any) -> dict[str, str]:
    """New files of a server's certificate, as a tls block names them."""
    issued = authority.issue_cert("c-1.c-mgmt.ns.svc", **wanted)
    issued.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    issued.private_key_pem.write_to_path(str(folder / "tls.key"))
    AUTHORITY.cert_pem.write_to_path(str(folder / "ca.crt"))
    names = {"cert_file": "tls.crt", "key_file": "tls.key", "ca_file": "ca.crt"}
    return {name: str(folder / file) for name, file in names.items()}


def strict() -> ssl.SSLContext:
    """As others check servers: expired certificates are refused."""
    found = ssl.create_default_context(cadata=CA.decode())
    found.check_hostname = False
    return found


class TestReload:
    @SINCE_2_10
    async def test_the_server_takes_over_what_was_written(self, start: Start, version: str) -> None:
        server = start(version)
        server.write({**CONFIG, "max_payload": 2345})
        assert await tell(server) == ""
        assert server.ask()["max_payload"] == 2345

    @SINCE_2_10
    async def test_over_ipv6(self, start: Start, version: str) -> None:
        server = start(version, {**CONFIG, "host": "::1"})
        assert await tell(server, address="::1") == ""

    @SINCE_2_10
    async def test_a_refusal_is_in_the_words_of_the_server(
        self, start: Start, version: str
    ) -> None:
        server = start(version)
        server.write({**CONFIG, "max_payload": 2345, "max_pending": 123456})
        assert await tell(server) == "config reload not supported for MaxPending"
        assert server.ask()["max_payload"] != 2345

    @SINCE_2_10
    async def test_a_text_that_cannot_be_read_is_refused_with_its_place(
        self, start: Start, version: str
    ) -> None:
        server = start(version)
        server.file.write_text("{\n  port = ]")
        assert "line 2" in await tell(server)

    @SINCE_2_10
    async def test_a_refusal_does_not_quote_passwords(self, start: Start, version: str) -> None:
        """The server does: it prints all fields of what changed, old and new."""
        gateway = {"name": "g", "host": "127.0.0.1", "port": servers.ANY_PORT}
        logins = [{"authorization": {"user": "u", "password": word}} for word in ("old1", "new2")]
        server = start(version, {**CONFIG, "gateway": {**gateway, **logins[0]}})
        server.write({**CONFIG, "gateway": {**gateway, **logins[1]}})
        assert await tell(server) == "config reload not supported for Gateway"

    @SINCE_2_10
    async def test_a_user_that_is_replaced_gets_no_answer_but_the_reload_is_done(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, version: str
    ) -> None:
        server, other = start(version), Key.generate()
        server.write(json.loads(json.dumps(CONFIG).replace(KEY.public, other.public)))
        with monkeypatch.context() as hurry:
            hurry.setattr("natsctl.nats.system.TIMEOUT", 0.5)
            with pytest.raises(Unreachable, match="ended the connection"):
                await tell(server)
        assert await tell(server, key=other) == ""


def halt(server: Server) -> None:
    """Stop it; it has stopped when this returns, and not only been told to."""
    server.process.send_signal(signal.SIGSTOP)
    os.waitpid(server.process.pid, os.WUNTRACED)


class TestUnreachable:
    @ALL
    async def test_another_key(self, start: Start, version: str) -> None:
        server, other = start(version), Key.generate()
        with pytest.raises(Unreachable, match=r"^system account: Authorization Violation$") as told:
            await tell(server, key=other)
        assert other.seed not in repr(told.value)

    async def test_a_server_that_knows_no_such_request(self, start: Start) -> None:
        server = start(OLD)
        with pytest.raises(Unreachable, match=r"older than 2\.10"):
            await tell(server)

    @SINCE_2_10
    async def test_an_earlier_run_of_the_server(self, start: Start, version: str) -> None:
        server = start(version)
        with pytest.raises(Unreachable, match="was restarted"):
            await tell(attrs.evolve(server, id="N" + "A" * 55))

    @SINCE_2_10
    async def test_a_user_of_another_account(self, start: Start, version: str) -> None:
        mine = Key.generate()
        server = start(version, {**CONFIG, "authorization": {"users": [{"nkey": mine.public}]}})
        server.write({**CONFIG, "max_payload": 2345})
        with pytest.raises(Unreachable, match="was not answered"):
            await tell(server, key=mine)
        assert server.ask()["max_payload"] != 2345

    @ALL
    async def test_a_server_without_a_system_account_of_ours(
        self, start: Start, version: str
    ) -> None:
        with pytest.raises(Unreachable, match="was not answered"):
            await tell(start(version, LISTEN))

    @SINCE_2_10
    @pytest.mark.parametrize("encrypted", [False, True])
    async def test_a_server_that_hangs(
        self,
        start: Start,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        version: str,
        encrypted: bool,
    ) -> None:
        monkeypatch.setattr("natsctl.nats.system.TIMEOUT", 0.5)
        server = start(version, {**CONFIG, **({"tls": files(tmp_path)} if encrypted else {})})
        halt(server)
        with pytest.raises(Unreachable, match="no answer in time"):
            await tell(server, context(CA))

    async def test_a_caller_that_gives_up(self, start: Start) -> None:
        server = start(NEWEST)
        halt(server)
        before = open_sockets()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reload("127.0.0.1", server.id, KEY, None)
        assert open_sockets() <= before  # others may have ended meanwhile


class TestEncrypted:
    @SINCE_2_10
    async def test_with_the_ca_of_the_server(
        self, start: Start, tmp_path: Path, version: str
    ) -> None:
        server = start(version, {**CONFIG, "tls": files(tmp_path)})
        assert await tell(server, context(CA)) == ""

    @SINCE_2_10
    async def test_with_the_certificate_of_the_server_itself(
        self, start: Start, tmp_path: Path, version: str
    ) -> None:
        """Where its Secret has no CA."""
        block = files(tmp_path)
        server = start(version, {**CONFIG, "tls": block})
        assert await tell(server, context(Path(block["cert_file"]).read_bytes())) == ""

    @SINCE_2_10
    async def test_by_another_ca_it_is_not_even_asked(
        self, start: Start, tmp_path: Path, version: str
    ) -> None:
        server = start(version, {**CONFIG, "tls": files(tmp_path)})
        with pytest.raises(Unreachable, match="certificate verify failed"):
            await tell(server, context(trustme.CA().cert_pem.bytes()))

    @SINCE_2_10
    async def test_a_server_that_verifies_its_clients(
        self, start: Start, tmp_path: Path, version: str
    ) -> None:
        server = start(version, {**CONFIG, "tls": {**files(tmp_path), "verify": True}})
        mine = AUTHORITY.issue_cert("natsctl")
        pems = mine.cert_chain_pems[0].bytes(), mine.private_key_pem.bytes()
        assert await tell(server, context(CA, *pems)) == ""
        with pytest.raises(Unreachable, match="may not trust the client certificate"):
            await tell(server, context(CA))

    @SINCE_2_10
    async def test_an_expired_certificate_can_be_replaced(
        self, start: Start, tmp_path: Path, version: str
    ) -> None:
        past = datetime.datetime(2001, 1, 1)
        server = start(version, {**CONFIG, "tls": files(tmp_path, not_after=past)})
        files(tmp_path)
        assert await tell(server, context(CA)) == ""
        assert await tell(server, strict()) == ""

    @SINCE_2_10
    async def test_where_the_cluster_has_tls_nothing_is_said_without(
        self, start: Start, version: str
    ) -> None:
        """A fake server would ask for none. That TLS comes or goes takes a restart anyway."""
        server = start(version)
        server.write({**CONFIG, "max_payload": 2345})
        with pytest.raises(Unreachable, match="does not offer TLS"):
            await tell(server, context(CA))
        assert server.ask()["max_payload"] != 2345

    @SINCE_2_10
    async def test_a_server_that_asks_for_tls_is_not_asked_without(
        self, start: Start, tmp_path: Path, version: str
    ) -> None:
        server = start(version, {**CONFIG, "tls": files(tmp_path)})
        with pytest.raises(Unreachable, match="requires TLS"):
            await tell(server)

    @SINCE_2_10
    async def test_one_that_leaves_it_to_clients_is_asked_with_tls(
        self, start: Start, tmp_path: Path, version: str
    ) -> None:
        server = start(version, {**CONFIG, "tls": files(tmp_path), "allow_non_tls": True})
        assert await tell(server, context(CA)) == ""

    @SINCE_2_10
    async def test_the_ca_is_replaced(self, start: Start, tmp_path: Path, version: str) -> None:
        server = start(version, {**CONFIG, "tls": files(tmp_path)})
        other = trustme.CA()
        files(tmp_path, other)
        both = context(CA + other.cert_pem.bytes())
        assert await tell(server, both) == ""
        assert await tell(server, context(other.cert_pem.bytes())) == ""


class TestWhoGetsIn:
    @ALL
    async def test_an_open_cluster_stays_open(self, start: Start, version: str) -> None:
        assert greet(start(version)) == "PONG"

    @ALL
    async def test_a_closed_cluster_stays_closed(self, start: Start, version: str) -> None:
        server = start(version, CLOSED)
        assert greet(server) == "-ERR"
        assert greet(server, user="u", **{"pass": "p"}) == "PONG"

    @SINCE_2_10
    async def test_a_closed_cluster_lets_the_operator_in(self, start: Start, version: str) -> None:
        assert await tell(start(version, CLOSED)) == ""

    @SINCE_2_10
    async def test_whoever_knows_the_name_of_the_operators_user_is_nobody(
        self, start: Start, version: str
    ) -> None:
        assert greet(start(version, CLOSED), nkey=KEY.public, sig="AAAA") == "-ERR"


class TestObservation:
    async def test_the_digest_of_what_is_loaded_is_known_before(self, start: Start) -> None:
        server = start(NEWEST)
        seen = await observe()
        changed = {**CONFIG, "max_payload": 2345}
        server.write(changed)
        assert seen.config_digest == config_digest(CONFIG)
        assert await tell(server) == ""
        after = await observe()
        assert after.config_digest == config_digest(changed)
        assert after.config_load_time > seen.config_load_time
        assert after.server_id == seen.server_id == server.id

    async def test_a_refused_configuration_changes_neither(self, start: Start) -> None:
        server = start(NEWEST)
        seen = await observe()
        server.write({**CONFIG, "max_pending": 123456})
        assert await tell(server)
        assert await observe() == seen

    @pytest.mark.parametrize("version", [OLD, "2.10.29"])
    async def test_older_servers_tell_when_they_loaded_it(self, start: Start, version: str) -> None:
        server = start(version)
        seen = await observe()
        assert (seen.config_digest, seen.not_after) == ("", {})
        assert seen.config_load_time == server.ask()["config_load_time"]

    async def test_the_ends_of_all_certificates(self, start: Start, tmp_path: Path) -> None:
        tls = {"tls": files(tmp_path)}
        block = {"host": "127.0.0.1", "port": servers.ANY_PORT, **tls}
        gateway, cluster = {**block, "name": "g"}, {**block, "name": "g"}
        listeners = {"cluster": cluster, "gateway": gateway, "leafnodes": block}
        start(NEWEST, {**CONFIG, **tls, **listeners, "websocket": block})
        pem = (tmp_path / "tls.crt").read_bytes()
        end = inspect(pem, (tmp_path / "tls.key").read_bytes(), CA).not_after
        all_of_them = ("clients", "routes", "gateways", "leafnodes", "websocket")
        assert (await observe()).not_after == dict.fromkeys(all_of_them, end)

    async def test_listeners_without_a_certificate_have_no_end(self, start: Start) -> None:
        start(NEWEST, {**CONFIG, "cluster": {"host": "127.0.0.1", "port": servers.ANY_PORT}})
        assert (await observe()).not_after == {}

    @ALL
    async def test_over_https(self, start: Start, tmp_path: Path, version: str) -> None:
        encrypted = {**CONFIG, "tls": {**files(tmp_path), "verify": True}}
        encrypted["https_port"] = encrypted.pop("http_port")
        server = start(version, encrypted)
        assert (await observe(context(CA))).server_id == server.id
        seen = await observe(context(trustme.CA().cert_pem.bytes()))
        assert "CERTIFICATE_VERIFY_FAILED" in seen.problem

    @ALL
    async def test_every_version_tells_its_name(self, start: Start, version: str) -> None:
        start(version, {**CONFIG, "server_name": "c-1"})
        assert (await observe(name="c-1")).problem == ""
        assert "another server answers" in (await observe(name="c-2")).problem


async def observe(tls: ssl.SSLContext | None = None, name: str | None = None) -> Observation:
    return (await Monitor().ask({"uid": Place("127.0.0.1", name)}, tls))["uid"]
