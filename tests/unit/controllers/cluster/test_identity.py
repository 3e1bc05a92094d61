"""The operator's key: made once, shared by all replicas, never shown."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from typing import Any, cast

import pytest

from natsctl.controllers.cluster.identity import SECRET, Identity, load_identity
from natsctl.kube.client import Client
from natsctl.kube.errors import AlreadyExists, NotFound, Terminal
from natsctl.model.objects import Meta, Secret
from natsctl.nats.nkey import Key


class Server:
    """One Secret; `first` is what another replica writes just before we do."""

    def __init__(self, held: Secret | None = None, first: Secret | None = None) -> None:
        self.held, self.first = held, first
        self.made = 0
        self.guard: object = None

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

    async def patch(self, _: Any, __: str, ___: str, patch: Mapping[str, Any]) -> Secret:
        self.guard = patch["metadata"]
        self.held = secret(patch["stringData"])
        return self.held


class Closed(Server):
    """The operator may not read Secrets."""

    async def get(self, *_: Any) -> Secret:
        raise Terminal(403, "Forbidden", "secrets is forbidden")


def secret(texts: Mapping[str, str]) -> Secret:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    return Secret(Meta(name=SECRET, namespace="operator", uid="u", resource_version="7"), data=data)


def kept() -> Secret:
    key = Key.generate()
    return secret({"seed": key.seed, "public": key.public})


async def load(server: Server) -> Identity:
    return await load_identity(cast("Client", server), "operator")


async def test_it_is_made_once() -> None:
    server = Server()
    first = await load(server)
    assert first
    assert await load(server) == first
    assert server.made == 1


async def test_of_two_replicas_the_first_makes_it() -> None:
    theirs = kept()
    found = await load(Server(first=theirs))
    assert found == await load(Server(theirs))


UNUSABLE = pytest.mark.parametrize(
    "data",
    [{}, {"seed": "x"}, {"seed": "", "public": "y"}, {"seed": "ü", "public": ""}],
    ids=["empty", "half", "no seed", "no text"],
)


@UNUSABLE
async def test_a_secret_without_a_key_gets_one(
    data: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """It serves nobody as it is, and servers heal from a new one as from a lost one."""
    server = Server(secret(data))
    found = await load(server)
    assert found
    assert await load(server) == found
    assert "creating a new one" in caplog.text
    assert found.seed not in caplog.text


async def test_a_secret_that_is_edited_meanwhile_is_not_overwritten() -> None:
    """The guard: whoever edits it last decides, and the next leader reads that."""
    server = Server(secret({}))
    await load(server)
    assert server.guard == {"uid": "u", "resourceVersion": "7"}


@UNUSABLE
async def test_what_another_replica_made_of_no_use_is_told(
    data: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert await load(Server(first=secret(data))) == Identity()
    assert "contains no key: delete it" in caplog.text


async def test_without_the_right_to_it_servers_reload_by_their_side_cars(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert not await load(Closed())
    assert "only through their sidecars" in caplog.text


async def test_neither_seed_nor_pepper_nor_keys_are_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        found = await load(Server())
    key = found.key_of("u")
    shown = repr(found) + str(found) + repr(key) + caplog.text
    assert found.seed not in shown
    assert key.seed not in shown
    assert repr(found.pepper) not in shown
    assert found.pepper != Identity(seed="other").pepper


class TestKeys:
    SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"

    def test_each_cluster_has_its_own_and_it_stays(self) -> None:
        identity = Identity(self.SEED)
        keys = {identity.key_of(uid).seed for uid in ("a", "b", "", "a ", "A")}
        assert len(keys) == 5
        assert identity.key_of("a") == Identity(self.SEED).key_of("a")
        assert identity.key_of("a") != Identity(self.SEED[:-1]).key_of("a")

    def test_none_is_the_one_that_all_clusters_knew(self) -> None:
        identity = Identity(self.SEED)
        assert Key.from_seed(self.SEED) not in [identity.key_of(uid) for uid in ("", "a")]

    def test_they_never_change(self) -> None:
        """Or all servers of all clusters would have to learn another."""
        uid = "0d4b7d8e-5a0f-4e43-9a1f-3b6c1e6f7a11"
        assert Identity(self.SEED).key_of(uid).public == (
            "UBPJUCVAQ6E7L6FQ2ULXT4WPW4GDVKLEA37TFRYRJOTOGRXNZRVCS5NX"
        )

    def test_a_replaced_secret_makes_other_users(self) -> None:
        for identity in (Identity(self.SEED), Identity(Key.generate().seed)):
            found = [identity.user_of(uid) for uid in ("a", "b", "a")]
            assert found == [identity.key_of(uid).public for uid in ("a", "b", "a")]

    def test_without_a_secret_there_is_none(self) -> None:
        with pytest.raises(AssertionError):
            Identity().key_of("a")
