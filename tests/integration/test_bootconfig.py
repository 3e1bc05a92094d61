"""The reader of nodes against a real API server, as an administrator and as a pod's account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
import yaml

from natsctl.kube.client import Client
from natsctl.kube.resources import ACCOUNTS_METADATA, Resource
from natsctl.model.objects import Object
from natsctl.sidecar.bootconfig import NODES, Failed, Settings, write
from natsctl.sidecar.node_tags import Tagged, TagSettings
from tests.integration.conftest import until

LABEL = "nats.io/node-external-ip"
ACCOUNTS = Resource("ServiceAccount", "v1", "serviceaccounts", Object)
RBAC = "rbac.authorization.k8s.io/v1"
CLUSTER_ROLES = Resource("ClusterRole", RBAC, "clusterroles", Object)
BINDINGS = Resource("ClusterRoleBinding", RBAC, "clusterrolebindings", Object)


@pytest.fixture
async def node(client: Client, namespace: str) -> AsyncIterator[str]:
    """A node without any address, named after the test's namespace."""
    meta = {"name": namespace}
    made = await client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": meta})
    yield namespace
    await client.delete(NODES, None, namespace, made.metadata.uid)


@pytest.fixture
def settings(node: str, kubeconfig: str, tmp_path: Path) -> Settings:
    return Settings(node, tmp_path / "client", tmp_path / "gateway", LABEL, kubeconfig=kubeconfig)


async def give(client: Client, node: str, *addresses: tuple[str, str]) -> None:
    found = [{"type": kind, "address": address} for kind, address in addresses]
    await client.patch_status(NODES, None, node, {"status": {"addresses": found}})


async def test_an_external_address(client: Client, settings: Settings) -> None:
    await give(client, settings.node, ("InternalIP", "10.0.0.1"), ("ExternalIP", "192.0.2.1"))
    assert await address(settings) == "192.0.2.1"
    assert settings.client_file.read_text() == 'client_advertise = "192.0.2.1"\n'
    assert settings.gateway_file.read_text() == 'advertise = "192.0.2.1"\n'


async def test_a_label_then_the_internal_address_if_allowed(
    client: Client, settings: Settings
) -> None:
    await give(client, settings.node, ("InternalIP", "fd00::1"))
    with pytest.raises(Failed, match=f"node {settings.node} has no ExternalIP and no label"):
        await write(settings)
    assert await address(attrs.evolve(settings, internal=True)) == "[fd00::1]"
    labels = {"metadata": {"labels": {LABEL: "127.0.0.1"}}}
    await client.patch(NODES, None, settings.node, labels)
    assert await address(settings) == "127.0.0.1"


async def test_a_node_that_is_not_there(settings: Settings) -> None:
    with pytest.raises(Failed, match='nodes "nowhere" not found'):
        await write(attrs.evolve(settings, node="nowhere"))


async def test_an_account_needs_the_right_to_read_nodes_and_no_other(
    client: Client, settings: Settings, namespace: str, tmp_path: Path
) -> None:
    await give(client, settings.node, ("ExternalIP", "192.0.2.1"))
    as_account = attrs.evolve(settings, kubeconfig=await account(client, settings, tmp_path))
    with pytest.raises(Failed, match="needs a ClusterRole that allows `get` of `nodes`"):
        await write(as_account)
    rules = [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]
    meta = {"name": f"{namespace}-nodes"}
    await client.create(CLUSTER_ROLES, {**kind("ClusterRole"), "metadata": meta, "rules": rules})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": meta["name"]}
    subject = {"kind": "ServiceAccount", "name": "nats-server", "namespace": namespace}
    binding = {"metadata": meta, "roleRef": role, "subjects": [subject]}
    await client.create(BINDINGS, {**kind("ClusterRoleBinding"), **binding})
    # The API server's own view of roles follows a moment later.
    assert await until(lambda: allowed(as_account)) == "192.0.2.1"


async def test_labels_of_a_node_become_tags(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    tags = TagSettings(("example.com/zone", "rack"), tmp_path / "start.conf", tmp_path / "c.conf")
    tagging = attrs.evolve(settings, addresses=False, tags=tags)
    await client.patch(NODES, None, settings.node, {"metadata": {"labels": {"rack": "R-7"}}})
    assert (await write(tagging)).tagged == Tagged(("rack:r-7",), ("example.com/zone",))
    assert tags.file.read_text() == 'include "c.conf"\nSERVER_TAGS: ["rack:r-7"]\n'


async def address(settings: Settings) -> str:
    written = await write(settings)
    assert written.advertised
    return written.advertised.address


async def allowed(settings: Settings) -> str | None:
    try:
        return await address(settings)
    except Failed:
        return None


def kind(name: str) -> dict[str, str]:
    return {"apiVersion": RBAC, "kind": name}


async def account(client: Client, settings: Settings, folder: Path) -> str:
    """A kubeconfig with nothing but a token of the ServiceAccount `nats-server`."""
    namespace = settings.node
    meta = {"name": "nats-server", "namespace": namespace}
    await client.create(ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    answer = await client.submit(ACCOUNTS_METADATA, namespace, "nats-server", "token", {"spec": {}})
    config: dict[str, Any] = yaml.safe_load(Path(str(settings.kubeconfig)).read_text())
    for user in config["users"]:
        user["user"] = {"token": answer["status"]["token"]}
    file = folder / "kubeconfig"
    file.write_bytes(msgspec.json.encode(config))
    return str(file)
