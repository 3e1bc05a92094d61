"""NatsClusters as users write them, and what becomes of them."""

from __future__ import annotations

from typing import Any

from natsctl.model import names
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import installed

SPEC: Json = {"size": 3, "version": "2.11.4"}


def cluster(spec: Json | None = None, **meta: Any) -> Json:
    """A NatsCluster `c` as a user writes it."""
    meta = {"name": "c", "namespace": "ns", **meta}
    kind = {"apiVersion": names.API_VERSION, "kind": names.KIND_CLUSTER}
    return {**kind, "metadata": meta, "spec": spec or SPEC}


async def settled(api: ApiServer) -> ApiServer:
    """What becomes of it; nobody leads any more."""
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        await process.stop()
    return api


async def three_servers() -> ApiServer:
    """A cluster at rest."""
    api = installed()
    api.add(cluster())
    return await settled(api)


def condition(api: ApiServer, kind: str) -> Json:
    """A condition of the cluster; empty if it has none."""
    status = api.objects[CLUSTER].get("status") or {}
    return next((c for c in status.get("conditions") or () if c["type"] == kind), {})


def events(api: ApiServer) -> list[str]:
    """The reasons of all Events, in the order of their names."""
    return [event["reason"] for event in api.of_kind("Event")]


def uids(api: ApiServer) -> dict[str, str]:
    """Of pods, by name."""
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in api.of_kind("Pod")}
