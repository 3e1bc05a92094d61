"""Clusters whose servers have volumes, and what becomes of these."""

from __future__ import annotations

import asyncio
import base64
import json

from natsctl.model import names
from natsctl.render.config.jetstream import FILE
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import cluster, settled
from tests.unit.simulated.crashes import CLUSTER, is_ready
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import installed
from tests.unit.simulated.requests import Where

SPEC: Json = {"size": 3, "version": "2.14.10", "jetstream": {}}
SECRET: Where = ("Secret", "ns", "c")


def volume(index: int) -> Where:
    """The claim of a server."""
    return "PersistentVolumeClaim", "ns", f"js-c-{index}"


def pod(index: int) -> Where:
    """The pod of a server."""
    return "Pod", "ns", f"c-{index}"


async def with_volumes() -> ApiServer:
    """A cluster at rest that has some."""
    api = installed()
    api.add(cluster(SPEC))
    return await settled(api)


async def with_volumes_left() -> ApiServer:
    """What a cluster leaves that was deleted."""
    api = await with_volumes()
    node = Node(api)
    api.delete(CLUSTER)
    await asyncio.sleep(60)
    await node.end()
    assert not api.of_kind("Pod")
    return api


def replaced(api: ApiServer, size: str = "20Gi") -> None:
    """The user asks for larger volumes, of a class that cannot grow."""
    store = {"pvc": {"size": size}, "resizePolicy": "Replace"}
    api.edit(CLUSTER, {"spec": {"jetstream": {"fileStore": store}}})


async def with_fixed_volumes() -> ApiServer:
    """A cluster at rest with volumes of a class that cannot grow."""
    api = await with_volumes()
    api.fixed = True
    return api


async def with_one_fixed_volume() -> ApiServer:
    """The same, where two of the volumes are larger."""
    api = await with_fixed_volumes()
    for index in (1, 2):
        requests = {"storage": "20Gi"}
        status = {"capacity": requests}
        api.edit(volume(index), {"spec": {"resources": {"requests": requests}}, "status": status})
    return api


def volumes(api: ApiServer) -> dict[str, str]:
    """Uids of claims, by name."""
    found = api.of_kind("PersistentVolumeClaim")
    return {claim["metadata"]["name"]: claim["metadata"]["uid"] for claim in found}


def note(api: ApiServer) -> str:
    """Which servers have had volumes."""
    notes: Json = api.objects[SECRET]["metadata"]["annotations"]
    return str(notes.get(names.CLAIMS_ANNOTATION, ""))


def server_names(api: ApiServer) -> list[str]:
    """What the servers call themselves, in order."""
    return [
        variable["value"].strip('"')
        for pod in api.of_kind("Pod")
        for variable in pod["spec"]["containers"][0]["env"]
        if variable["name"] == names.SERVER_NAME_ENV
    ]


def has_volumes(api: ApiServer) -> bool:
    """Whether the cluster is ready, and each of its servers has a volume that is noted."""
    names = [where[2] for where in api.objects if where[0] == "Pod"]
    return is_ready(api) and {f"js-{name}" for name in names} <= volumes(api).keys()


def larger(api: ApiServer, size: str = "20Gi") -> None:
    """The user asks for other volumes."""
    api.edit(CLUSTER, {"spec": {"jetstream": {"fileStore": {"pvc": {"size": size}}}}})


def sizes(api: ApiServer) -> list[tuple[str, str]]:
    """What each claim asks for, and what it has."""
    found = api.of_kind("PersistentVolumeClaim")
    requests = [claim["spec"]["resources"]["requests"]["storage"] for claim in found]
    there = [claim["status"]["capacity"]["storage"] for claim in found]
    return list(zip(requests, there, strict=True))


def limits(node: Node) -> set[int]:
    """What servers have loaded as the limit of their stores."""
    files = (base64.b64decode(server.loaded[FILE]) for server in node.servers.values())
    return {json.loads(content)["max_file_store"] for content in files}


def have_grown(api: ApiServer) -> bool:
    """Whether all volumes have 20Gi, and nothing goes on."""
    return has_volumes(api) and sizes(api) == [("20Gi", "20Gi")] * 3


def is_without_volumes(api: ApiServer) -> bool:
    """Whether the cluster is ready, and no server has one, though all are kept."""
    mounted = (v for each in api.of_kind("Pod") for v in each["spec"]["volumes"])
    claims = [it for it in mounted if "persistentVolumeClaim" in it]
    return is_ready(api) and not claims and len(volumes(api)) == 3
