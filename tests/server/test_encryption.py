"""Every server line encrypts what it stores with the rendered key, and reads it with no other."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from natsctl.model import names
from natsctl.nats.connection import Connection
from natsctl.nats.nkey import Key
from natsctl.plan.inputs.jetstream_key import LONGEST, key_problem
from natsctl.render.config.jetstream import jetstream_block
from natsctl.render.inputs import ConfigInputs
from natsctl.render.pod.pod import pod
from natsctl.render.target import Target
from tests.server import servers
from tests.server.layout import below
from tests.server.test_rendered_jetstream import VERSIONS
from tests.unit.render.targets import target

pytestmark = pytest.mark.server

KEY, ANOTHER = "0123456789abcdef", "fedcba9876543210"
USER = Key.of(b"u" * 32)
MESSAGE = b"nobody but who has the key reads this"
STREAM = {"name": "ORDERS", "subjects": ["orders.>"], "storage": "file", "num_replicas": 1}
CONSUMER = {"stream_name": "ORDERS", "config": {"durable_name": "d", "ack_policy": "explicit"}}
ODD = '"\\ $2a$11$ ${X} #{}[]=:;// \\x41\\n\u00e9\u4e2d\U0001f511.'
"""What means something in a configuration."""


def rendered(version: str, key: str | None, cipher: str = "chacha") -> Target:
    """A single server with this key; None: it does not encrypt."""
    encryption = {"encryption": {"secret": "js-key", "cipher": cipher}} if key is not None else {}
    users = {"users": [{"nkey": USER.public}]}
    inputs = ConfigInputs(authorization=users, jetstream_key=key or "")
    auth = {"clientsAuthSecret": "users"}
    return target(version=version, size=1, auth=auth, jetstream=encryption, inputs=inputs)


class Client:
    """A user of a server."""

    def __init__(self, server: servers.Server) -> None:
        self.server = server

    def ask(self, subject: str, content: bytes = b"") -> Any:
        """The answer to a message."""
        return asyncio.run(self._ask(subject, content))

    async def _ask(self, subject: str, content: bytes) -> Any:
        connection, found = Connection(), self.server.ask("/varz")
        try:
            async with asyncio.timeout(10):
                await connection.open("127.0.0.1", found["port"], found["server_id"], USER, None)
                return json.loads(await connection.request(subject, content))
        finally:
            connection.close()
            await asyncio.sleep(0)

    def store(self) -> None:
        """A stream with a consumer and a message."""
        for verb, content in (
            ("STREAM.CREATE.ORDERS", STREAM),
            ("CONSUMER.DURABLE.CREATE.ORDERS.d", CONSUMER),
        ):
            made = self.ask(f"$JS.API.{verb}", json.dumps(content).encode())
            assert "error" not in made, made
        self.publish(1)

    def publish(self, sequence: int) -> None:
        """One message more."""
        assert self.ask("orders.a", MESSAGE)["seq"] == sequence

    def messages(self) -> list[bytes]:
        """What is stored; nothing if there is no stream."""
        state = self.ask("$JS.API.STREAM.INFO.ORDERS").get("state") or {"messages": 0}
        wanted = (json.dumps({"seq": seq}).encode() for seq in range(1, state["messages"] + 1))
        found = (self.ask("$JS.API.STREAM.MSG.GET.ORDERS", each) for each in wanted)
        return [base64.b64decode(each["message"]["data"]) for each in found]


@contextmanager
def running(
    cluster: Target, folder: Path, files: Mapping[str, bytes] | None = None
) -> Iterator[Client]:
    """A server with what the one before it left there."""
    with servers.running(cluster, 1, folder, [], files=files) as server:
        assert servers.wait_for(lambda: server.status("/healthz") == 200), server.log.read_text()
        yield Client(server)


def is_plain(folder: Path) -> bool:
    """Whether any file of the store has the message as it is."""
    store = below(folder, "/data/jetstream")
    return any(MESSAGE in it.read_bytes() for it in store.rglob("*") if it.is_file())


def raw(cluster: Target) -> dict[str, bytes]:
    """The same block with the key as one of nats-server's raw strings, in which all is itself."""
    block = {**jetstream_block(cluster), "key": "KEY"}
    text = json.dumps(block).replace('"KEY"', f"'{cluster.inputs.jetstream_key}'")
    return {f"{names.CONFIG_DIR}/{names.JETSTREAM_KEY}": text.encode()}


@VERSIONS
@pytest.mark.parametrize("cipher", ["chacha", "aes"])
def test_what_is_stored_is_read_after_a_restart_and_is_not_on_the_disk(
    version: str, cipher: str, tmp_path: Path
) -> None:
    cluster = rendered(version, KEY, cipher)
    with running(cluster, tmp_path) as client:
        client.store()
    assert not is_plain(tmp_path)
    with running(cluster, tmp_path) as client:
        assert client.messages() == [MESSAGE]
        client.publish(2)
        assert client.ask("$JS.API.CONSUMER.INFO.ORDERS.d")["num_pending"] == 2
    assert not is_plain(tmp_path)


@VERSIONS
def test_without_encryption_it_is(version: str, tmp_path: Path) -> None:
    with running(rendered(version, None), tmp_path) as client:
        client.store()
    assert is_plain(tmp_path)


@VERSIONS
@pytest.mark.parametrize("key", ["a", ODD, "\U0001f511" * LONGEST], ids=["short", "odd", "long"])
def test_a_key_is_read_as_it_is_written(version: str, key: str, tmp_path: Path) -> None:
    assert key == "a" or not key_problem(key.encode())
    cluster = rendered(version, key)
    with running(cluster, tmp_path) as client:
        client.store()
    with running(cluster, tmp_path, raw(cluster)) as client:
        assert client.messages() == [MESSAGE]


@VERSIONS
@pytest.mark.parametrize("key", [ANOTHER, None], ids=["another", "none"])
def test_with_no_other_key_it_is_read(version: str, key: str | None, tmp_path: Path) -> None:
    """A single server starts all the same, and calls itself ready: so it must never get one."""
    with running(rendered(version, KEY), tmp_path) as client:
        client.store()
    other = rendered(version, key)
    with servers.running(other, 1, tmp_path, []) as server:
        assert servers.wait_for(lambda: server.status(ready(other)) == 200)
        assert server.status("/healthz") == 503
        assert Client(server).messages() == []
        assert "Error decrypting our stream metafile" in server.log.read_text()
    with running(rendered(version, KEY), tmp_path) as client:
        assert client.messages() == [MESSAGE]


def ready(cluster: Target) -> str:
    """What the kubelet asks."""
    probe = pod(cluster, 1)["spec"]["containers"][0]["readinessProbe"]
    return str(probe["httpGet"]["path"])
