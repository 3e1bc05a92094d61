"""The node of the leading replica dies, as in a power cut: the other one leads and manages."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.testbed import machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testbed.layout import Testbed

pytestmark = pytest.mark.testbed

CHART = "charts/nats-operator"
CLUSTER = {
    "apiVersion": "nats.io/v1alpha2",
    "kind": "NatsCluster",
    "metadata": {"name": "a"},
    "spec": {"size": 2, "version": "2.14.10", "pod": {"antiAffinity": True}},
}


def until(what: str, check: Callable[[], Any], seconds: float) -> Any:
    """Look until there is something."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.2)
    return found


def get(place: Testbed, *arguments: str) -> Any:
    """`kubectl get -o json`."""
    return json.loads(machine.kubectl(place, "get", *arguments, "-o", "json"))


def nodes(place: Testbed, selector: str) -> dict[str, str]:
    """Pod -> node."""
    found = get(place, "pods", "-l", selector)["items"]
    return {pod["metadata"]["name"]: pod["spec"].get("nodeName", "") for pod in found}


def uids(place: Testbed) -> dict[str, str]:
    """Of the servers."""
    found = get(place, "pods", "-l", "nats_cluster=a")["items"]
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in found}


def restarted(place: Testbed) -> list[str]:
    """The servers that were taken down for a change, once for each time, as the events tell."""
    found = get(place, "events", "--field-selector", "reason=RestartingServer")["items"]
    told = [(event["message"], event.get("count") or 1) for event in found]
    return [re.split(r"[ :]", message)[1] for message, count in told for _ in range(count)]


def leader(place: Testbed) -> str:
    holder = get(place, "lease", "nats-operator")["spec"].get("holderIdentity") or ""
    return str(holder.partition("_")[0])


def condition(place: Testbed, kind: str) -> str:
    """A condition's status, if it is of the present generation."""
    cluster = get(place, "nats", "a")
    found = (cluster.get("status") or {}).get("conditions") or []
    generation = cluster["metadata"]["generation"]
    return next(
        (c["status"] for c in found if (c["type"], c["observedGeneration"]) == (kind, generation)),
        "",
    )


@pytest.fixture
def managed(two_nodes: Testbed) -> Iterator[Testbed]:
    """Two replicas and two servers, one of each on either node."""
    machine.done("load", two_nodes, "natsctl")
    helm = ("exec", two_nodes, "--", "helm")
    machine.done(*helm, "install", "nats-operator", CHART, "--set", "antiAffinity=hard", "--wait")
    machine.apply(two_nodes, CLUSTER)
    until("the cluster is ready", lambda: condition(two_nodes, "Ready") == "True", 60)
    yield two_nodes
    machine.kubectl(two_nodes, "delete", "nats", "a")
    machine.done(*helm, "uninstall", "nats-operator", "--wait")


def test_the_node_of_the_leader_dies(managed: Testbed) -> None:
    """In the middle of a roll, which the next leader ends: each server restarts once."""
    replicas, servers = nodes(managed, OPERATORS), nodes(managed, "nats_cluster=a")
    assert set(replicas.values()) == set(servers.values()) == {"node1", "node2"}
    old = leader(managed)
    lost = replicas[old]
    before = uids(managed)
    template = {"metadata": {"annotations": {"example.test/change": "1"}}}
    patch = json.dumps({"spec": {"template": template}})
    machine.kubectl(managed, "patch", "nats", "a", "--type=merge", "-p", patch)
    until("the roll begins", lambda: restarted(managed), 30)
    machine.done("node", managed, "kill", lost.removeprefix("node"))
    try:
        until("another replica leads", lambda: leader(managed) not in ("", old), 60)
        until("it manages", lambda: condition(managed, "Ready") == "False", 60)
    finally:
        machine.done("node", managed, "heal", lost.removeprefix("node"))
    until("all is well again", lambda: condition(managed, "Ready") == "True", 180)
    assert sorted(restarted(managed)) == ["a-1", "a-2"]
    assert not before.items() & uids(managed).items()


OPERATORS = "app.kubernetes.io/name=nats-operator,app.kubernetes.io/component=operator"
