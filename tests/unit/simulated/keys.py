"""Clusters that encrypt what they store, and whose spec asks for another key."""

from __future__ import annotations

import json

from natsctl.model import names
from natsctl.plan.proof import KEPT
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import cluster, settled
from tests.unit.simulated.crashes import CLUSTER
from tests.unit.simulated.process import encoded, installed
from tests.unit.simulated.volumes import SECRET, SPEC, has_volumes

KEYS = {"first": "0123456789abcdef", "second": "fedcba9876543210", "third": "a third key, that is"}
"""By the names of the user's Secrets."""
REPLACE: Json = {"fileStore": {"pvc": {"size": "10Gi"}, "resizePolicy": "Replace"}}


def encryption(name: str | None, size: str = "10Gi") -> Json:
    """What changes in the spec if the key is that of this Secret; None: no encryption."""
    given = {"secret": name} if name else None
    store = {"pvc": {"size": size}, "resizePolicy": "Replace"}
    return {"spec": {"jetstream": {"encryption": given, "fileStore": store}}}


def with_keys(api: ApiServer) -> None:
    """The user creates the Secrets."""
    for each, key in KEYS.items():
        meta = {"name": each, "namespace": "ns"}
        api.add({"kind": "Secret", "metadata": meta, "data": {"key": encoded(key)}})


async def with_key(name: str | None) -> ApiServer:
    """A cluster at rest that encrypts with the key of this Secret."""
    api = installed()
    with_keys(api)
    given = {"encryption": {"secret": name}} if name else {}
    api.add(cluster(SPEC | {"jetstream": REPLACE | given}))
    return await settled(api)


async def with_first_key() -> ApiServer:
    """The same with the first one."""
    return await with_key("first")


def rekeyed(api: ApiServer, size: str = "10Gi") -> None:
    """The user asks for the second key."""
    api.edit(CLUSTER, encryption("second", size))


def files(api: ApiServer) -> set[str]:
    """What servers start with, or would again, but for what all of them have."""
    data = {key.removeprefix(KEPT) for key in api.objects[SECRET]["data"]}
    return {key for key in data if key.startswith(("jetstream", "server"))}


def have_second_key(api: ApiServer) -> bool:
    """Whether all volumes are under the second key, and nothing goes on."""
    claims = api.of_kind("PersistentVolumeClaim")
    told = [json.loads(it["metadata"]["annotations"][names.DATA_ANNOTATION]) for it in claims]
    secrets = [it["fields"].get("jetstream.encryption.secret") for it in told]
    return secrets == ["second"] * 3 and len(files(api)) == 2 and has_volumes(api)
