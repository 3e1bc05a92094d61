"""The whole process never has a server start with a key that its data is not encrypted with."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable

import pytest

from natsctl.controllers.cluster.identity import PUBLIC, SEED
from natsctl.controllers.cluster.identity import SECRET as IDENTITY
from natsctl.model import names
from natsctl.nats.nkey import Key
from natsctl.render.config.jetstream import FILE
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import cluster, condition, settled, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import encoded, installed, virtual_clock
from tests.unit.simulated.requests import Where
from tests.unit.simulated.volumes import SECRET, SPEC, pod, volume, volumes

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]
USERS: Where = ("Secret", "ns", "js-key")
KEY, ANOTHER = "0123456789abcdef", "fedcba9876543210"
ENCRYPTED: Json = SPEC | {"jetstream": {"encryption": {"secret": "js-key"}}}
NEWER = {"spec": {"version": "2.14.11"}}
OTHER = "Secret js-key has another key than the data is encrypted with: put the earlier one back"
Act = Callable[[ApiServer], object]


def users_secret(key: str) -> Json:
    meta = {"name": "js-key", "namespace": "ns"}
    return {"kind": "Secret", "metadata": meta, "data": {"key": encoded(key)}}


def put(api: ApiServer, key: str | None) -> None:
    """The user's Secret has this key from now on; None: it is gone."""
    if USERS in api.objects:
        api.remove(USERS)
    if key is not None:
        api.add(users_secret(key))


def replace_identity(api: ApiServer) -> None:
    """Somebody replaced natsctl's own secret."""
    key = Key.of(bytes(reversed(range(32))))
    data = {SEED: encoded(key.seed), PUBLIC: encoded(key.public)}
    api.edit(("Secret", "ns", IDENTITY), {"data": data})


def keys_of(node: Node) -> set[str]:
    """What servers encrypt with."""
    blocks = (json.loads(base64.b64decode(s.loaded[FILE])) for s in node.servers.values())
    return {block.get("key", "") for block in blocks}


def starting_key(api: ApiServer) -> str:
    """What any server would start with."""
    block = json.loads(base64.b64decode(api.objects[SECRET]["data"][FILE]))
    return str(block.get("key", ""))


def waits(api: ApiServer) -> str:
    """What the configuration waits for."""
    found = condition(api, "ConfigAccepted")
    return found["message"] if found["reason"] == "Waiting" else ""


async def with_data(key: str = KEY) -> ApiServer:
    """A cluster at rest that encrypts."""
    api = installed()
    put(api, key)
    api.add(cluster(ENCRYPTED))
    return await settled(api)


async def after(api: ApiServer, act: Act, *, seconds: float = 60) -> set[str]:
    """What servers encrypt with some time after somebody did this."""
    async with running(api) as process:
        act(api)
        await asyncio.sleep(seconds)
        await at_rest(api, process, lambda _: True)
        found = keys_of(process.node)
        await process.stop()
    return found


async def left_behind(key: str = KEY) -> ApiServer:
    """Volumes of a NatsCluster that was deleted."""
    api = await with_data(key)
    node = Node(api)
    api.delete(CLUSTER)
    await asyncio.sleep(60)
    await node.end()
    assert not api.of_kind("Pod")
    assert SECRET not in api.objects
    return api


async def test_servers_start_with_the_key_and_nobody_else_sees_it() -> None:
    with virtual_clock():
        api = await with_data()
        assert await after(api, lambda _: None) == {KEY}
    assert is_ready(api)
    del api.objects[USERS], api.objects[SECRET]
    seen = json.dumps(list(api.objects.values()))
    assert KEY not in seen
    assert encoded(KEY) not in seen


async def test_without_the_key_nothing_starts_and_with_it_all() -> None:
    with virtual_clock():
        api = installed()
        api.add(cluster(ENCRYPTED))
        assert await after(api, lambda _: None) == set()
        assert "Secret js-key (spec.jetstream.encryption.secret) does not exist" in waits(api)
        assert await after(api, lambda api: put(api, KEY)) == {KEY}
    assert is_ready(api)


@pytest.mark.parametrize("key", [None, ANOTHER, "", f"{KEY}\n"])
async def test_the_right_key_stays_whatever_becomes_of_the_secret(key: str | None) -> None:
    def spoil(api: ApiServer) -> None:
        put(api, key)
        api.edit(CLUSTER, NEWER)
        api.delete(pod(2))

    with virtual_clock():
        api = await with_data()
        before = uids(api)
        assert await after(api, spoil) == {KEY}
        assert starting_key(api) == KEY
        assert waits(api)
        assert {name for name, uid in uids(api).items() if uid == before[name]} == {"c-1", "c-3"}
        assert len(uids(api)) == 3, "a server that ended is back"
        assert await after(api, lambda api: put(api, KEY), seconds=120) == {KEY}
    assert is_ready(api)
    assert not set(before.values()) & set(uids(api).values()), "now all restart"


async def test_a_lost_configuration_is_not_written_with_another_key() -> None:
    def spoil(api: ApiServer) -> None:
        put(api, ANOTHER)
        api.remove(SECRET)
        for index in (1, 2, 3):
            api.delete(pod(index))

    with virtual_clock():
        api = await with_data()
        assert await after(api, spoil) == set()
        assert SECRET not in api.objects
        assert OTHER in waits(api)
        assert await after(api, lambda api: put(api, KEY)) == {KEY}
    assert is_ready(api)


async def test_a_configuration_that_somebody_edited_starts_no_server() -> None:
    """Not even while the user's Secret is gone, so that nothing better can be written."""

    def spoil(api: ApiServer) -> None:
        put(api, None)
        block = json.loads(base64.b64decode(api.objects[SECRET]["data"][FILE]))
        text = json.dumps({**block, "key": ANOTHER})
        api.edit(SECRET, {"data": {FILE: encoded(text)}})
        api.delete(pod(2))

    with virtual_clock():
        api = await with_data()
        await after(api, spoil)
        assert list(uids(api)) == ["c-1", "c-3"]
        await after(api, lambda api: put(api, KEY))
        assert await after(api, lambda _: None) == {KEY}
    assert is_ready(api)


class TestVolumesAreTakenBack:
    async def test_with_the_same_key(self) -> None:
        with virtual_clock():
            api = await left_behind()
            there = volumes(api)
            assert await after(api, lambda api: api.add(cluster(ENCRYPTED))) == {KEY}
        assert is_ready(api)
        assert volumes(api) == there

    async def test_not_with_another_one(self) -> None:
        def begin(api: ApiServer) -> None:
            put(api, ANOTHER)
            api.add(cluster(ENCRYPTED))

        with virtual_clock():
            api = await left_behind()
            assert await after(api, begin) == set()
            assert OTHER in waits(api)
            assert SECRET not in api.objects
            assert await after(api, lambda api: put(api, KEY)) == {KEY}
        assert is_ready(api)

    @pytest.mark.parametrize(
        ("spec", "path"),
        [
            (SPEC, "spec.jetstream.encryption"),
            (
                SPEC | {"jetstream": {"encryption": {"secret": "js-key", "cipher": "aes"}}},
                "spec.jetstream.encryption.cipher",
            ),
        ],
    )
    async def test_not_without_encryption_nor_with_another_cipher(
        self, spec: Json, path: str
    ) -> None:
        with virtual_clock():
            api = await left_behind()
            assert await after(api, lambda api: api.add(cluster(spec))) == set()
        told = condition(api, "SpecAccepted")
        assert (told["status"], told["message"].partition(":")[0]) == ("False", path)

    async def test_by_encryption_only_if_they_are_encrypted(self) -> None:
        def begin(api: ApiServer) -> None:
            put(api, KEY)
            api.add(cluster(ENCRYPTED))

        with virtual_clock():
            api = installed()
            api.add(cluster(SPEC))
            await settled(api)
            node = Node(api)
            api.delete(CLUSTER)
            await asyncio.sleep(60)
            await node.end()
            assert await after(api, begin) == set()
        assert "spec.jetstream.encryption" in condition(api, "SpecAccepted")["message"]


class TestNatsctlHasAnotherSecret:
    async def test_the_configuration_tells_that_the_key_is_the_same(self) -> None:
        with virtual_clock():
            api = await with_data()
            before = uids(api)
            noted = api.objects[volume(1)]["metadata"]["annotations"][names.DATA_ANNOTATION]
            assert await after(api, replace_identity) == {KEY}
            assert await after(api, lambda _: None) == {KEY}
        assert uids(api) == before
        now = api.objects[volume(1)]["metadata"]["annotations"][names.DATA_ANNOTATION]
        assert now != noted, "it can be compared again"

    async def test_and_that_it_is_another_one(self) -> None:
        def spoil(api: ApiServer) -> None:
            put(api, ANOTHER)
            for index in (1, 2, 3):
                api.delete(pod(index))

        with virtual_clock():
            api = await with_data()
            replace_identity(api)
            assert await after(api, spoil) == {KEY}
        assert OTHER in waits(api)

    async def test_volumes_that_are_taken_back_wait_for_a_word_of_the_user(self) -> None:
        with virtual_clock():
            api = await left_behind()
            replace_identity(api)
            assert await after(api, lambda api: api.add(cluster(ENCRYPTED))) == set()
            told = waits(api)
            assert "natsctl cannot tell whether Secret js-key has the key" in told
            word = told.partition(f"{names.KEY_ANNOTATION}=")[2].partition(" ")[0]
            given = {"metadata": {"annotations": {names.KEY_ANNOTATION: word}}}
            assert await after(api, lambda api: api.edit(CLUSTER, given)) == {KEY}
            assert is_ready(api)
            put(api, ANOTHER)
            assert await after(api, lambda api: api.delete(pod(2))) == {KEY}
