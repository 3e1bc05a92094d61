"""What becomes of a change while something about it is missing, silent, refused, or goes away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.controllers.test_refusals import TOKEN, forbidden, refusing, with_a_worker
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster, condition, settled, three_servers, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, loaded, running
from tests.unit.simulated.process import Process, encoded, installed, virtual_clock
from tests.unit.simulated.requests import well

pytestmark = pytest.mark.looptime

ONE = {"size": 1, "version": "2.11.4"}
DEBUG = {"spec": {"natsConfig": {"debug": True}}}


async def is_refused(api: ApiServer, process: Process) -> None:
    """Wait until the servers' refusal is told."""
    refused = ("False", "ReloadRefused")
    await at_rest(api, process, lambda _: accepted(api) == refused)


def accepted(api: ApiServer) -> tuple[str, str]:
    told = condition(api, "ConfigAccepted")
    return told["status"], told["reason"]


async def test_a_server_that_does_not_answer_is_reloaded_once_it_does() -> None:
    with virtual_clock():
        api = await three_servers()
        before = uids(api)
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            process.node.silent.add("c-1")
            api.edit(CLUSTER, DEBUG)
            await asyncio.sleep(60)
            assert not is_ready(api)
            process.node.silent.clear()
            await at_rest(api, process, is_ready)
            (content,) = {str(files) for files in loaded(process.node).values()}
        assert uids(api) == before
        assert content


async def test_a_server_that_comes_while_a_configuration_is_refused_runs_the_earlier_one() -> None:
    with virtual_clock():
        api = await three_servers()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            before = loaded(process.node)["c-1"]["nats.conf"]
            process.node.refuses = "no such thing"
            api.edit(CLUSTER, DEBUG)
            await is_refused(api, process)
            api.remove(("Pod", "ns", "c-2"))
            await asyncio.sleep(10)
            await is_refused(api, process)
            assert loaded(process.node)["c-2"]["nats.conf"] == before
            assert "no such thing" in condition(api, "ConfigAccepted")["message"]
            process.node.refuses = ""
            api.edit(CLUSTER, {"spec": {"natsConfig": {"trace": True}}})
            await at_rest(api, process, is_ready)
            assert loaded(process.node)["c-2"]["nats.conf"] != before


async def test_another_configuration_takes_back_what_was_said_of_a_refused_one() -> None:
    with virtual_clock():
        api = await three_servers()
        before = uids(api)
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            process.node.refuses = "no"
            api.edit(CLUSTER, DEBUG)
            await is_refused(api, process)
            api.edit(CLUSTER, {"spec": {"natsConfig": None}})
            await at_rest(api, process, is_ready)
        assert uids(api) == before
        assert "nats.io/refused" not in api.objects["Secret", "ns", "c"]["metadata"]["annotations"]


async def test_the_other_cluster_of_a_joint_one_may_come_and_go() -> None:
    """Routes lead to it whether it is there or not, and nobody restarts for that."""
    with virtual_clock():
        api = installed()
        api.add(cluster({**ONE, "extraRoutes": [{"cluster": "d"}]}))
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            before = uids(api)["c-1"]
            api.add(cluster(ONE, name="d"))
            await at_rest(api, process, lambda _: is_ready(api) and len(uids(api)) == 2)
            api.delete(("NatsCluster", "ns", "d"))
            await asyncio.sleep(10)
            await at_rest(api, process, is_ready)
        assert uids(api) == {"c-1": before}


def users(api: ApiServer, *names: str) -> None:
    """Write the Secret with users."""
    found = ",".join(f'{{"username": "{name}", "password": "p"}}' for name in names)
    data = {"auth.json": encoded(f'{{"users": [{found}]}}')}
    meta = {"name": "users", "namespace": "ns"}
    api.add({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})


async def test_users_that_are_deleted_in_the_middle_of_a_reload_are_waited_for() -> None:
    """What runs goes on with the users that it has."""
    with virtual_clock():
        api = installed()
        users(api, "a")
        api.add(cluster({**ONE, "auth": {"clientsAuthSecret": "users", "allowStaticUsers": True}}))
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            before = uids(api)
            users(api, "a", "b")
            await asyncio.sleep(1)
            api.delete(("Secret", "ns", "users"))
            await at_rest(api, process, lambda _: accepted(api) == ("False", "Waiting"))
            assert uids(api) == before
            users(api, "c")
            await at_rest(api, process, is_ready)
            assert uids(api) == before


async def test_an_object_that_the_spec_asks_for_no_longer_is_deleted() -> None:
    with virtual_clock():
        api = installed()
        api.add(cluster({**ONE, "networkPolicy": {}}))
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            assert len(api.of_kind("NetworkPolicy")) == 1
            api.edit(CLUSTER, {"spec": {"networkPolicy": None}})
            await at_rest(api, process, is_ready)
        assert api.of_kind("NetworkPolicy") == []


def told_of_the_role(api: ApiServer) -> str:
    return str(api.objects["NatsServiceRole", "ns", "worker"].get("status"))


async def test_a_secret_of_somebody_with_the_name_of_a_token_is_left_alone() -> None:
    with virtual_clock():
        api = with_a_worker(installed())
        meta = {"name": TOKEN[2], "namespace": TOKEN[1]}
        theirs = api.add({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {}})
        async with running(api) as process:
            await asyncio.sleep(60)
            assert api.objects[TOKEN] == theirs
            assert "was not created for this role" in told_of_the_role(api)
            api.remove(TOKEN)
            await asyncio.sleep(90)
            await at_rest(api, process, is_ready)
        assert api.objects[TOKEN]["data"]["token"]


async def test_a_token_that_may_not_be_deleted_is_no_longer_valid_and_tried_again() -> None:
    with virtual_clock():
        api = await settled(with_a_worker(installed()))
        api.edit(TOKEN, {"metadata": {"ownerReferences": None}})  # else it goes with its role
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            api.plan = refusing(forbidden(), method="DELETE", kind="Secret")
            api.remove(("NatsServiceRole", "ns", "worker"))
            await asyncio.sleep(60)
            assert TOKEN in api.objects
            assert "token-of" not in str(users_of(process))
            api.plan = well
            await asyncio.sleep(90)
        assert TOKEN not in api.objects


def users_of(process: Process) -> Any:
    """Whom the only server knows."""
    (files,) = loaded(process.node).values()
    return files
