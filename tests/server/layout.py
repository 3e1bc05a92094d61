"""A cluster's files as its pods have them, below a folder; and its addresses on loopback."""

from __future__ import annotations

import base64
import functools
import json
import posixpath
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import trustme

from natsctl.api.system_account import included_file
from natsctl.api.types.listeners import ADVERTISE_DIR, OPERATOR_DIR
from natsctl.api.types.security import AuthConfig
from natsctl.model import names
from natsctl.render.config import tls
from natsctl.render.config.boot import TAGGED_BOOT, boot_file
from natsctl.render.objects.secret import config_secret
from natsctl.render.target import Target
from natsctl.sidecar.node_tags import TagSettings, start_text, tagged
from tests.unit.api.jwts import operator_jwt

# nats-server takes any free port for this one and tells which in a file.
ANY_PORT = -1
HERE = {"host": "127.0.0.1", "port": ANY_PORT}
USERS = '{"users": [{"username": "of-a-file", "password": "p"}]}'
_URL = re.compile(r"(?P<scheme>[a-z-]+://)(?P<user>[^@/]*@)?[^/]*(?P<path>.*)")
# Nothing listens there.
_NOWHERE = "127.0.0.1:1"


def texts(target: Target) -> dict[str, str]:
    """What the Secret of the configuration holds."""
    data: dict[str, str] = config_secret(target)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def lay_out(target: Target, folder: Path, found: dict[str, str], resolver: str = "") -> Path:
    """Every file that the configuration names; returns the one to start with."""
    for key, text in found.items():
        _write(folder, posixpath.join(names.CONFIG_DIR, key), _below(folder, key, text, resolver))
    for path, content in _others(target, resolver):
        _write(folder, path, content)
    return below(folder, boot_file(target))


def below(folder: Path, path: str) -> Path:
    """Where a file of a pod is."""
    return folder / path.lstrip("/")


def on_loopback(
    found: dict[str, str], routes: list[str], *, kept: bool = False, port: int = ANY_PORT
) -> dict[str, str]:
    """The same texts with other ports and addresses, and everything else as it was.

    With `kept` the addresses of gateways and hubs stay as they are.
    """
    moved = {}
    for key, text in found.items():
        moved[key] = text
        if key != names.BOOT_KEY:
            config = json.loads(text)
            whole = config if key == names.CONFIG_KEY else {_BLOCKS[key]: config}
            if whole is config:
                config.update(HERE)
                config["https_port" if "https_port" in config else "http_port"] = ANY_PORT
            _move(whole, routes, kept)
            if "cluster" in whole:
                whole["cluster"]["port"] = port
            moved[key] = json.dumps(config, indent=2, ensure_ascii=False)
    return moved


_BLOCKS = {"gateway.json": "gateway", "leafnodes.json": "leaf", "jetstream.json": "jetstream"}


def _move(config: dict[str, Any], routes: list[str], kept: bool) -> None:
    if "cluster" in config:
        config["cluster"] = {**config["cluster"], **HERE, "routes": routes}
    for block in (config.get("gateway"), config.get("leaf")):
        if block and "port" in block:
            block.update(HERE)
        if block and not kept:
            for remote in (*block.get("gateways", ()), *block.get("remotes", ())):
                _redirect(remote)
    if "websocket" in config:
        config["websocket"]["listen"] = f"127.0.0.1:{ANY_PORT}"


def _redirect(remote: dict[str, Any]) -> None:
    if "url" in remote:
        remote["url"] = _nowhere(remote["url"])
    if "urls" in remote:
        remote["urls"] = [_nowhere(url) for url in remote["urls"]]


def _nowhere(url: str) -> str:
    found = _URL.fullmatch(url)
    assert found
    return f"{found['scheme']}{found['user'] or ''}{_NOWHERE}{found['path']}"


def _below(folder: Path, key: str, text: str, resolver: str) -> str:
    """A configuration with paths of files below the folder, and the resolver that there is."""
    if key == names.BOOT_KEY:
        return text
    if resolver:
        text = re.sub(r'("resolver": ")URL\([^)]*\)', rf"\g<1>URL({resolver})", text)
    return re.sub(
        r'("(?:ca_file|cert_file|key_file|operator|credentials)": ")(/)', rf"\g<1>{folder}/", text
    )


def _others(target: Target, resolver: str) -> Iterator[tuple[str, str]]:
    for listener in tls.secrets(target.spec):
        files = tls.files_of(target, listener)
        for name, content in (
            (files.ca, authority()),
            (files.cert, certificate()[0]),
            (files.key, certificate()[1]),
        ):
            if name:
                yield tls.path(listener, name), content
    yield f"{OPERATOR_DIR}/op.jwt", operator_jwt(resolver)
    yield f"{ADVERTISE_DIR}/client_advertise.conf", 'client_advertise = "192.0.2.1"\n'
    yield f"{ADVERTISE_DIR}/gateway_advertise.conf", 'advertise = "192.0.2.1"\n'
    if labels := target.spec.server_tags_from_node:
        yield boot_file(target), _tagged(labels)
    users = included_file(target.spec.auth or AuthConfig())
    if users:
        yield posixpath.normpath(posixpath.join(names.CONFIG_DIR, users)), USERS


def _tagged(labels: Sequence[str], value: str = "Eu-1") -> str:
    """What the init container writes on a node where all labels have this value."""
    config = Path(names.CONFIG_DIR, names.BOOT_KEY)
    settings = TagSettings(tuple(labels), Path(TAGGED_BOOT), config)
    node = {"metadata": {"labels": dict.fromkeys(labels, value)}}
    return start_text(settings, tagged(node, labels).tags)


def _write(folder: Path, path: str, content: str) -> None:
    file = below(folder, path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


@functools.cache
def _ca() -> trustme.CA:
    return trustme.CA()


def authority() -> str:
    """Of who signed the certificate."""
    return _ca().cert_pem.bytes().decode()


@functools.cache
def certificate() -> tuple[str, str]:
    """A certificate for this machine, for servers and clients, and its key."""
    return issued()


def signed(*identities: str, **about: Any) -> trustme.LeafCert:
    """A certificate of the same authority for somebody else."""
    return _ca().issue_cert(*identities, **about)


def issued() -> tuple[str, str]:
    """Another one."""
    made = _ca().issue_cert("127.0.0.1", "localhost")
    chain = "".join(part.bytes().decode() for part in made.cert_chain_pems)
    return chain, made.private_key_pem.bytes().decode()
