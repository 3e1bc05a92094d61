"""Objects that have a name that a cluster needs: whose they are decides what comes of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from natsctl.model import names
from tests.unit.simulated.clusters import SPEC, cluster, condition, three_servers, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import installed, virtual_clock

pytestmark = pytest.mark.looptime

POD = ("Pod", "ns", "c-1")
NO_LABELS = {"metadata": {"labels": {names.LABEL_CLUSTER: None, names.LABEL_APP: None}}}


def made(kind: str, name: str, owner: dict[str, Any] | None = None, **content: Any) -> Any:
    """An object that somebody made."""
    owners = [{"apiVersion": "v1", "controller": True, "uid": "u", **owner}] if owner else []
    meta = {"name": name, "namespace": "ns", "ownerReferences": owners}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **content}


EARLIER = {"kind": names.KIND_CLUSTER, "name": "c"}
"""A NatsCluster of the same name, that is gone."""


async def test_a_server_of_ours_that_lost_its_labels_is_found_again() -> None:
    with virtual_clock():
        api = await three_servers()
        before = uids(api)
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            api.edit(POD, NO_LABELS)
            await at_rest(api, process, is_ready)
        assert uids(api) == before
        assert api.objects[POD]["metadata"]["labels"][names.LABEL_CLUSTER] == "c"


async def test_one_that_is_going_meanwhile_is_waited_for() -> None:
    with virtual_clock():
        api = await three_servers()
        before = uids(api)
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            api.delete(POD)
            api.edit(POD, NO_LABELS)
            await at_rest(api, process, is_ready)
        assert uids(api).keys() == before.keys()
        assert uids(api)["c-1"] != before["c-1"]


@pytest.mark.parametrize(
    ("stranger", "whose"),
    [
        (made("Pod", "c-1", spec={"containers": []}), "is not owned by natsctl"),
        (
            made("Pod", "c-1", {"kind": "Job", "name": "j"}, spec={"containers": []}),
            "belongs to Job j",
        ),
        (made("Service", "c", spec={"ports": []}), "is not owned by natsctl"),
        (made("Secret", "c", {"kind": "Vault", "name": "v"}, data={}), "belongs to Vault v"),
    ],
)
async def test_what_is_anothers_is_left_alone_and_told(stranger: Any, whose: str) -> None:
    kind, name = stranger["kind"], stranger["metadata"]["name"]
    with virtual_clock():
        api = installed()
        before = api.add(stranger)
        api.add(cluster())
        async with running(api) as process:
            await at_rest(api, process, lambda _: bool(condition(api, "Degraded")))
        assert api.objects[kind, "ns", name] == before
        told = condition(api, "Degraded")
        assert (told["status"], told["reason"]) == ("True", "NotOurs")
        assert f"{kind} {name}" in told["message"] or f"pod {name}" in told["message"]
        assert whose in told["message"]


@pytest.mark.parametrize("kind", ["Pod", "Service", "Secret"])
async def test_what_an_earlier_cluster_of_that_name_left_is_waited_for(kind: str) -> None:
    """Garbage collection is about to take it."""
    with virtual_clock():
        api = installed()
        name = "c-1" if kind == "Pod" else "c"
        old = api.add(made(kind, name, EARLIER, spec={"containers": []}))
        api.add(cluster())
        async with running(api) as process:
            await asyncio.sleep(20)
            assert api.objects[kind, "ns", name] == old
            assert not is_ready(api)
            api.remove((kind, "ns", name))
            await at_rest(api, process, is_ready)
        assert len(uids(api)) == SPEC["size"]
        assert condition(api, "Degraded")["status"] == "False"


async def test_a_secret_that_nobody_owns_is_taken_over() -> None:
    """A user may have deleted a cluster and kept what it left."""
    with virtual_clock():
        api = installed()
        api.add(made("Secret", "c", data={"mine": "eA=="}))
        owner = api.add(cluster())["metadata"]["uid"]
        async with running(api) as process:
            await at_rest(api, process, is_ready)
        meta = api.objects["Secret", "ns", "c"]["metadata"]
        assert [reference["uid"] for reference in meta["ownerReferences"]] == [owner]
        assert api.objects[CLUSTER]["status"]["size"] == SPEC["size"]
