"""Roles that select namespaces by their labels, on a real API server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web

from natsctl.controllers.supervisor import background
from natsctl.controllers.watch.namespace_labels import NamespaceLabels
from natsctl.controllers.watch.stores import label_reader
from natsctl.kube.client import JSON_PATCH, Client
from natsctl.kube.errors import Terminal
from natsctl.kube.resources import CLUSTERS, ROLES, SECRETS
from natsctl.kube.transport import connect
from tests.integration.conftest import NAMESPACES, exists, nats, operator, until
from tests.integration.proxy import Proxy
from tests.integration.test_bootconfig import BINDINGS, CLUSTER_ROLES, kind
from tests.integration.test_hostile_grants import lets_in
from tests.integration.test_roles import says
from tests.integration.test_status import user
from tests.integration.test_tokens import AUTH, SECRET, account, role, token

NAME = "kubernetes.io/metadata.name"


async def choose(client: Client, namespace: str, selector: Any, *names: str) -> None:
    """Have the role `worker` choose these namespaces."""
    chosen = {"names": list(names), "selector": selector}
    whole = {"op": "add", "path": "/spec/serviceAccountNamespaces", "value": chosen}
    await client.patch(ROLES, namespace, "worker", [whole], JSON_PATCH)


async def label(client: Client, namespace: str, **labels: str | None) -> None:
    await client.patch(NAMESPACES, None, namespace, {"metadata": {"labels": labels}})


@attrs.define
class Reads:
    """Those of Namespaces, answered with this status; 0: they pass."""

    status: int = 0
    seen: list[str] = attrs.field(factory=list)

    def __call__(self, request: web.Request) -> web.Response | None:
        """One request."""
        if request.path != "/api/v1/namespaces":
            return None
        self.seen.append(request.method)
        body = {"reason": "Forbidden", "message": "no"}
        return web.json_response(body, status=self.status) if self.status else None


async def prepared(client: Client, namespace: str, other: str) -> None:
    """A cluster, a role that selects the team of the other namespace, ServiceAccounts in both."""
    for where in (namespace, other):
        await account(client, where)
    await role(client, namespace)
    await choose(client, namespace, {"matchLabels": {"team": other}})
    await client.create(CLUSTERS, nats("x", namespace, size=0, auth=AUTH))


async def test_labels_of_a_namespace_let_in_and_out(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    await prepared(client, namespace, other_namespace)
    elsewhere = f"worker_{other_namespace}"
    async with operator(kubeconfig, namespace, cluster_scoped=True, selectors=True):
        await says(client, namespace, "NoServiceAccount", "does not select that namespace")
        await label(client, other_namespace, team=other_namespace)
        await lets_in(client, namespace, elsewhere)
        assert (await token(client, other_namespace))["username"] == elsewhere
        await label(client, other_namespace, team="another")
        await lets_in(client, namespace)

        async def gone() -> bool:
            return not await exists(client, SECRETS, other_namespace, SECRET)

        await until(gone)
        await says(client, namespace, "NoServiceAccount", "does not select that namespace")
        only = {"key": NAME, "operator": "In", "values": [other_namespace]}
        await choose(client, namespace, {"matchExpressions": [only]}, namespace)
        await lets_in(client, namespace, "worker", elsewhere)


async def test_the_name_of_a_namespace_is_a_label_that_nobody_can_change(
    client: Client, namespace: str, other_namespace: str
) -> None:
    await label(client, other_namespace, **{NAME: namespace, "team": "a"})
    found = await client.raw(NAMESPACES, None, other_namespace)
    assert found["metadata"]["labels"] == {NAME: other_namespace, "team": "a"}


async def test_a_restart_of_the_operator_takes_nobody_out(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str, proxy: Proxy
) -> None:
    """It looks at no cluster before it knows the labels, however long that takes."""
    await prepared(client, namespace, other_namespace)
    await label(client, other_namespace, team=other_namespace)
    elsewhere = f"worker_{other_namespace}"
    async with operator(kubeconfig, namespace, cluster_scoped=True, selectors=True):
        await lets_in(client, namespace, elsewhere)
    before = await client.get(SECRETS, other_namespace, SECRET)
    busy = Reads(503)
    proxy.before = busy
    async with operator(proxy.kubeconfig, namespace, cluster_scoped=True, selectors=True):
        await until(lambda: several(busy.seen))
        await lets_in(client, namespace, elsewhere)
        proxy.before = None
        await choose(client, namespace, {"matchLabels": {"team": other_namespace}}, namespace)
        await lets_in(client, namespace, "worker", elsewhere)
    after = await client.get(SECRETS, other_namespace, SECRET)
    assert after.metadata.resource_version == before.metadata.resource_version


async def several(seen: list[str]) -> bool:
    return len(seen) > 2


async def test_who_may_not_read_namespaces_says_so_and_selects_nothing(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str, proxy: Proxy
) -> None:
    """Neither by a selector that selects everything; who is named gets in."""
    await prepared(client, namespace, other_namespace)
    await choose(client, namespace, {})
    async with operator(kubeconfig, namespace, cluster_scoped=True):
        asks = "set clusterScoped and serviceAccounts.namespaceSelectors of its chart to true"
        await says(client, namespace, "NamespacesNotRead", asks)
        await lets_in(client, namespace)
        await choose(client, namespace, {}, namespace)
        await lets_in(client, namespace, "worker")
    forbidden = Reads(403)
    proxy.before = forbidden
    async with operator(proxy.kubeconfig, namespace, cluster_scoped=True, selectors=True):
        await says(client, namespace, "NamespacesNotRead", "natsctl may not read Namespaces")
        await lets_in(client, namespace, "worker")
    assert forbidden.seen


async def test_nobody_reads_namespaces_unasked(
    client: Client, namespace: str, other_namespace: str, proxy: Proxy
) -> None:
    reads = Reads()
    proxy.before = reads
    await prepared(client, namespace, other_namespace)
    async with operator(proxy.kubeconfig, namespace, cluster_scoped=True):
        await says(client, namespace, "NamespacesNotRead")
    assert reads.seen == []


async def test_to_list_and_watch_is_enough(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str, tmp_path: Path
) -> None:
    """The chart grants no more; nothing is known before it is granted."""
    await label(client, other_namespace, team="a")
    who = await user(client, namespace, kubeconfig, tmp_path / "reader")
    labels = NamespaceLabels()
    async with connect(who) as transport:
        reader = label_reader(transport, labels)
        assert await reader._once() == "http_403"
        assert labels.find(("ns", "c"), frozenset({other_namespace})) is None
        await grant(client, namespace, "reader", "list", "watch")

        async def granted() -> bool:
            try:
                await transport.request("GET", NAMESPACES.path(), params={"limit": "1"})
            except Terminal:
                return False  # the API server's own view of roles follows a moment later
            return True

        await until(granted)

        async def known() -> Any:
            return labels.find(("ns", "c"), frozenset({other_namespace}))

        async with background(reader.run()):
            found = await until(known)
        assert found == {other_namespace: {"team": "a", NAME: other_namespace}}


async def grant(client: Client, namespace: str, who: str, *verbs: str) -> None:
    """Let a ServiceAccount do this with Namespaces."""
    meta = {"name": f"{namespace}-{who}"}
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": verbs}]
    await client.create(CLUSTER_ROLES, {**kind("ClusterRole"), "metadata": meta, "rules": rules})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": meta["name"]}
    subject = {"kind": "ServiceAccount", "name": who, "namespace": namespace}
    binding = {"metadata": meta, "roleRef": role, "subjects": [subject]}
    await client.create(BINDINGS, {**kind("ClusterRoleBinding"), **binding})


WRONG = [
    ({"matchExpressions": [{"key": "a", "operator": "In"}]}, "In and NotIn need values"),
    (
        {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
        "Exists and DoesNotExist take none",
    ),
    ({"matchExpressions": [{"key": "a", "operator": "in", "values": ["b"]}]}, "supported values"),
    ({"matchExpressions": [{"key": "a b", "operator": "Exists"}]}, "should match"),
    ({"matchLabels": {"a": "b c"}}, "should match"),
    ({"matchLabels": {"a": "b" * 64}}, "Too long"),
    ({"matchLabels": {f"k{i}": "v" for i in range(33)}}, "must have at most 32"),
]


@pytest.mark.parametrize(("selector", "says"), WRONG)
async def test_a_wrong_selector_is_not_stored(
    client: Client, namespace: str, selector: Any, says: str
) -> None:
    await role(client, namespace)
    with pytest.raises(Terminal, match=says):
        await choose(client, namespace, selector)


async def test_a_mistyped_selector_does_not_select_everything(
    client: Client, namespace: str, other_namespace: str, kubeconfig: str
) -> None:
    """An API server that dropped the key, or the label, would have left an empty selector."""
    await prepared(client, namespace, other_namespace)
    await choose(client, namespace, {"matchLabel": {"team": "a"}})
    async with operator(kubeconfig, namespace, cluster_scoped=True, selectors=True):
        await says(client, namespace, "InvalidSpec", "unknown key; did you mean matchLabels?")
        await choose(client, namespace, {"matchLabels": {"team": None}})
        await says(client, namespace, "InvalidSpec", "matchLabels.team: has no value; use")
        await lets_in(client, namespace)
