"""The operator's key: made once, shared by all replicas, never shown."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from typing import Any, cast

import pytest

from natsctl.kube.client import Client
from natsctl.kube.errors import AlreadyExists, NotFound, Terminal
from natsctl.operator.identity import SECRET, Identity, load_identity
from natsctl.plan.objects import Meta, Secret
from natsctl.servers.nkey import Key


class Server:
    """One Secret; `first` is what another replica writes just before we do."""

    def __init__(self, held: Secret | None = None, first: Secret | None = None) -> None:
        self.held, self.first = held, first
        self.made = 0

    async def get(self, *_: Any) -> Secret:
        if self.held is None:
            raise NotFound(404, "NotFound", SECRET)
        return self.held

    async def create(self, _: Any, manifest: Mapping[str, Any]) -> Secret:
        if self.first is not None:
            self.held = self.first
            raise AlreadyExists(409, "AlreadyExists", SECRET)
        self.made += 1
        assert manifest["metadata"] == {"name": SECRET, "namespace": "operator"}
        self.held = secret(manifest["stringData"])
        return self.held


class Closed(Server):
    """The operator may not read Secrets."""

    async def get(self, *_: Any) -> Secret:
        raise Terminal(403, "Forbidden", "secrets is forbidden")


def secret(texts: Mapping[str, str]) -> Secret:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    return Secret(Meta(name=SECRET, namespace="operator"), data=data)


def kept() -> Secret:
    key = Key.generate()
    return secret({"seed": key.seed, "public": key.public})


async def load(server: Server) -> Identity:
    return await load_identity(cast("Client", server), "operator")


async def test_it_is_made_once() -> None:
    server = Server()
    first = await load(server)
    assert first.key.public == first.public
    assert await load(server) == first
    assert server.made == 1


async def test_of_two_replicas_the_first_makes_it() -> None:
    theirs = kept()
    found = await load(Server(first=theirs))
    assert found == await load(Server(theirs))


@pytest.mark.parametrize(
    "data",
    [{}, {"seed": "x"}, {"seed": "x", "public": "y"}, {"seed": "ü", "public": ""}],
    ids=["empty", "half", "no seed", "no text"],
)
async def test_a_secret_without_a_key_is_named_and_not_replaced(
    data: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(secret(data))
    assert await load(server) == Identity()
    assert server.held == secret(data)
    assert "delete it, and restart the operator" in caplog.text


async def test_without_the_right_to_it_servers_reload_by_their_side_cars(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await load(Closed()) == Identity()
    assert "side-cars only" in caplog.text


async def test_neither_seed_nor_pepper_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        found = await load(Server())
    shown = repr(found) + str(found) + repr(found.key) + caplog.text
    assert found.seed not in shown
    assert repr(found.pepper) not in shown
    assert found.pepper != Identity(seed="other").pepper
