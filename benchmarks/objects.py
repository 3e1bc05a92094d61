"""NatsClusters for the benchmarks, and the very objects that the operator makes of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from benchmarks.bare import Json
from natsctl.api.schema.crds import crds
from natsctl.api.types.status import ClusterStatus
from natsctl.kube.resources import CLUSTERS, CRDS, PODS, SECRETS, SERVICES, Resource
from natsctl.model import names
from natsctl.model.objects import Cluster
from natsctl.plan.desired import desired_of, parse_cluster
from natsctl.plan.references import References
from natsctl.render.inputs import Images
from natsctl.render.pod.pod import pod

if TYPE_CHECKING:
    from benchmarks.bare import Bare

SIZE = 3
VERSION = "2.12.15"


def nats_cluster(namespace: str, name: str, **more: Json) -> Json:
    """A NatsCluster of three, with `more` in its spec."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND_CLUSTER,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"size": SIZE, "version": VERSION, **more},
    }


@attrs.frozen
class Objects:
    """What one NatsCluster needs: Services and Secret first, then pods."""

    owned: tuple[Json, ...]
    pods: tuple[Json, ...]


def objects_of(cluster: Json) -> Objects:
    """The operator's own manifests for a NatsCluster as the API server stores it."""
    stored = msgspec.convert(cluster, Cluster)
    desired = desired_of(
        stored, parse_cluster(stored, ClusterStatus(), ()), (), References(), Images()
    )
    assert desired is not None
    return Objects(
        tuple(dict(owned.manifest) for owned in desired.objects),
        tuple(pod(desired.target, index) for index in range(1, SIZE + 1)),
    )


async def write(bare: Bare, manifest: Json) -> Json:
    """Create an object of any of our kinds."""
    known = {each.kind: each for each in (CLUSTERS, CRDS, PODS, SECRETS, SERVICES)}
    resource = known[manifest["kind"]]
    return await bare.create(resource.path(manifest["metadata"].get("namespace")), manifest)


async def install_crds(bare: Bare) -> None:
    """Create our CRDs and wait until they are served."""
    for crd in crds():
        await write(bare.patient, crd)
    for crd in crds():
        while not await _established(bare.patient, crd["metadata"]["name"]):  # noqa: ASYNC110 - remote
            await asyncio.sleep(0.1)


async def _established(bare: Bare, name: str) -> bool:
    crd = await bare.get(CRDS.path(None, name))
    conditions = crd.get("status", {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


async def create_namespace(bare: Bare, name: str) -> None:
    """Create a namespace and wait until pods can be made in it."""
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await bare.patient.create("/api/v1/namespaces", manifest)
    while True:
        found = await bare.patient.get(f"/api/v1/namespaces/{name}/serviceaccounts")
        if any(item["metadata"]["name"] == "default" for item in found["items"]):
            return
        await asyncio.sleep(0.1)


async def create_clusters(bare: Bare, namespace: str, numbers: range, **more: Json) -> list[Json]:
    """Create NatsClusters with `more` in their spec, as many at a time as the bare client may."""
    manifests = (nats_cluster(namespace, f"c{number}", **more) for number in numbers)
    return list(await asyncio.gather(*(write(bare, manifest) for manifest in manifests)))


async def until_ready(bare: Bare, resource: Resource, namespace: str, count: int) -> None:
    """Watch until this many objects of a namespace have the condition Ready.

    The API server ends watches as it pleases; a new one begins with all there is.
    """
    while True:
        ready: set[str] = set()
        async for event in bare.watch(resource.path(namespace)):
            if event["type"] == "ERROR":
                break
            name, found = event["object"]["metadata"]["name"], is_ready(event["object"])
            (ready.add if found and event["type"] != "DELETED" else ready.discard)(name)
            if len(ready) == count:
                return


def is_ready(item: Json) -> bool:
    """Whether the condition Ready is True, as of the current generation if it says so."""
    conditions: list[dict[str, Any]] = (item.get("status") or {}).get("conditions") or []
    return any(
        c["type"] == "Ready"
        and c["status"] == "True"
        and c.get("observedGeneration", 0) in (0, item["metadata"].get("generation", 0))
        for c in conditions
    )


async def remove_all(bare: Bare, namespace: str) -> None:
    """Delete everything of ours in a namespace, and wait until it is gone."""
    for resource in (CLUSTERS, PODS, SERVICES, SECRETS):
        await bare.patient.clear(resource.path(namespace), gracePeriodSeconds=0)
