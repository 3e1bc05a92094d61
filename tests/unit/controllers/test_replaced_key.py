"""The operator's Secret is lost, and the next leader has another one: in virtual time."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from natsctl.controllers.cluster.identity import Identity
from natsctl.model import names
from natsctl.nats.nkey import Key
from tests.unit.controllers.virtual import Flight, World, flight

pytestmark = pytest.mark.looptime

BEFORE, AFTER = (Identity(Key.generate().seed) for _ in range(2))


def pods(world: World) -> dict[str, Any]:
    return {pod["metadata"]["name"]: pod["metadata"] for pod in world.of_kind("Pod")}


def uids(world: World) -> dict[str, str]:
    return {name: meta["uid"] for name, meta in pods(world).items()}


def user(world: World) -> str:
    """Whom the servers' configuration names."""
    data = world.api.objects["Secret", "ns", "mine"]["data"]
    accounts = json.loads(base64.b64decode(data[names.CONFIG_KEY]))["accounts"]
    return str(accounts["$SYS"]["users"][0]["nkey"])


def events(world: World) -> set[str]:
    return {event["reason"] for event in world.of_kind("Event")}


async def settled(found: Flight) -> None:
    await found.until(lambda: found.condition("mine", "Ready").get("status") == "True")


async def running() -> World:
    """A world with a cluster whose servers all run."""
    world = World()
    async with flight(world, BEFORE) as found:
        await found.create("mine")
        await settled(found)
        await asyncio.sleep(60)
    return world


async def test_no_server_is_touched_and_the_new_user_is_written() -> None:
    world = await running()
    uid = world.api.objects["NatsCluster", "ns", "mine"]["metadata"]["uid"]
    before, known = uids(world), user(world)
    assert known == BEFORE.key_of(uid).public
    async with flight(world, AFTER) as found:
        await found.until(lambda: user(world) != known)
        await asyncio.sleep(600)
        await settled(found)
    assert user(world) == AFTER.key_of(uid).public
    assert uids(world) == before
    assert "ReplacedKey" in events(world)


async def test_the_same_secret_changes_nothing() -> None:
    world = await running()
    before, known = pods(world), user(world)
    async with flight(world, BEFORE) as found:
        await asyncio.sleep(600)
        await settled(found)
    assert (pods(world), user(world)) == (before, known)
    assert "ReplacedKey" not in events(world)


async def test_the_right_to_the_secret_is_lost_and_nothing_changes() -> None:
    world = await running()
    before, known = uids(world), user(world)
    async with flight(world, Identity()) as found:
        await asyncio.sleep(600)
        await settled(found)
    assert (uids(world), user(world)) == (before, known)


async def test_a_change_restarts_servers_that_know_nobody_who_could_ask_them() -> None:
    world = await running()
    before = uids(world)
    async with flight(world, AFTER) as found:
        await asyncio.sleep(10)
        await found.change("mine", natsConfig={"debug": True})
        await found.until(lambda: not set(uids(world).values()) & set(before.values()), 600)
        await settled(found)


async def test_a_leader_that_ends_in_the_middle_leaves_the_rest_to_the_next() -> None:
    world = await running()
    before, known = uids(world), user(world)
    stamps = {name: meta["annotations"] for name, meta in pods(world).items()}
    async with flight(world, AFTER) as found:
        await found.until(lambda: {p: m["annotations"] for p, m in pods(world).items()} != stamps)
    async with flight(world, AFTER) as found:
        await found.until(lambda: user(world) != known)
        await asyncio.sleep(600)
        await settled(found)
    assert uids(world) == before
    assert "mine-1" in before
