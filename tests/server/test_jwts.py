"""Servers start with the JWTs that natsctl takes, and with no others."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from natsctl.api.types.listeners import OPERATOR_DIR
from natsctl.api.version import ServerVersion
from natsctl.model import names
from natsctl.render.target import Target
from tests.server import servers
from tests.server.layout import lay_out, on_loopback, texts
from tests.unit.api.jwts import ACCOUNT, ACCOUNT_JWT, ACCOUNTS, OPERATORS
from tests.unit.render.targets import target

pytestmark = pytest.mark.server

JWT = f"{OPERATOR_DIR}/{names.OPERATOR_KEY}"
GOOD = OPERATORS["of-the-older-form"][0]


def cluster(version: str, account: str = ACCOUNT_JWT) -> Target:
    config = {
        "secret": "o",
        "systemAccount": ACCOUNT,
        "resolver": "MEMORY",
        "resolverPreload": {ACCOUNT: account},
    }
    return target(version=version, size=1, operatorConfig=config)


def starts(made: Target, folder: Path, jwt: str) -> bool:
    boot = lay_out(made, folder, on_loopback(texts(made), []))
    (folder / JWT.lstrip("/")).write_text(jwt, newline="")
    command = [servers.binary(made.version.text), "-c", str(boot), "--ports_file_dir", str(folder)]
    environment = {names.SERVER_NAME_ENV: '"c-1"'}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as server:
        servers.wait_for(lambda: any(folder.glob("*.ports")) or server.poll() is not None)
        started = server.poll() is None
        server.kill()
    return started


def reached(version: str, since: str) -> bool:
    return ServerVersion.parse(version).at_least(*map(int, since.split(".")))


def cells(table: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """Below 2.2 servers start with some JWTs that they cannot work with: those are left out."""
    return [
        (name, version)
        for name, (_, since) in table.items()
        for version in servers.VERSIONS
        if reached(version, since) or reached(version, "2.2.0")
    ]


@pytest.mark.parametrize(("name", "version"), cells(OPERATORS))
def test_of_an_operator(name: str, version: str, tmp_path: Path) -> None:
    jwt, since = OPERATORS[name]
    assert starts(cluster(version), tmp_path, jwt) is reached(version, since)


@pytest.mark.parametrize(("name", "version"), cells(ACCOUNTS))
def test_of_a_system_account(name: str, version: str, tmp_path: Path) -> None:
    jwt, since = ACCOUNTS[name]
    assert starts(cluster(version, jwt), tmp_path, GOOD) is reached(version, since)


@pytest.mark.parametrize("version", servers.VERSIONS)
def test_no_server_takes_up_another_one_by_a_reload(version: str, tmp_path: Path) -> None:
    with servers.running(cluster(version), 1, tmp_path, []) as server:
        (tmp_path / JWT.lstrip("/")).write_text(OPERATORS["with-a-signing-key"][0])
        server.process.send_signal(signal.SIGHUP)
        assert servers.wait_for(lambda: "eload" in server.log.read_text().partition("ready")[2])
        assert "reload not supported" in server.log.read_text()
