"""What a cluster's NetworkPolicy keeps out, and whom it lets in, where it is enforced.

kube-router enforces it; the operator runs in a pod, since a policy knows it by its labels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from testbed import layout, network_policies
from tests.e2e import images
from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.conftest import CONTEXT, Managing
from tests.e2e.installed import Installed
from tests.e2e.kubectl import Kubectl, until
from tests.inside import MARK
from tests.patience import patient

pytestmark = pytest.mark.skipif(
    bool(CONTEXT), reason="whether a named cluster enforces policies is not known from here"
)
CLIENTS, ROUTES, MONITORING = PORTS = (4222, 6222, 8222)
METRICS = 8080
DIAL = """
import socket, sys
for port in sys.argv[2:]:
    try:
        socket.create_connection((sys.argv[1], int(port)), 1).close()
    except OSError:
        continue
    print(port)
"""


@pytest.fixture
def enforced(namespace: Kubectl) -> Iterator[Kubectl]:
    """kubectl in a namespace of this test alone, while policies are enforced."""
    with network_policies.enforced(layout.Testbed(os.environ[MARK])):
        yield namespace


def dialler(kubectl: Kubectl, name: str) -> dict[str, Any]:
    """A pod that does nothing until it is told to dial; its label `role` is its name."""
    meta = {"name": name, "labels": {"role": name}}
    nap = ["python3", "-c", "import time; time.sleep(3600)"]
    image = ":".join(images.own())
    container = {"name": "dialler", "image": image, "command": nap}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def reached(kubectl: Kubectl, pod: str, address: str, ports: tuple[int, ...] = PORTS) -> set[int]:
    """The ports of an address that a pod can connect to."""
    command = ("exec", pod, "--", "python3", "-c", DIAL, address, *map(str, ports))
    return {int(port) for port in kubectl(*command).split()}


def until_reached(kubectl: Kubectl, pod: str, address: str, *ports: int) -> None:
    check = partial(reached, kubectl, pod, address)
    until(f"{pod} reaches {ports}", lambda: check() == set(ports), 20)


def peer(role: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {"role": role}}}


def test_routes_and_monitoring_are_for_servers_and_operator_alone(enforced: Kubectl) -> None:
    """Strangers are kept out, while the operator goes on as ever, and no server restarts."""
    roles = ("client", "prometheus", "stranger")
    enforced.apply(*(dialler(enforced, role) for role in roles))
    found = Cluster(enforced, "a").apply(size=2, version=NEXT).ready()
    before = found.uids()
    for role in roles:
        enforced("wait", "--for=condition=Ready", f"pod/{role}", f"--timeout={patient(30):.0f}s")
    until_reached(enforced, "stranger", found.address("a-1"), *PORTS)

    peers = {"clientsFrom": [peer("client")], "monitoringFrom": [peer("prometheus")]}
    found.patch(networkPolicy=peers)
    until_reached(enforced, "stranger", found.address("a-1"))
    until_reached(enforced, "client", found.address("a-1"), CLIENTS)
    until_reached(enforced, "prometheus", found.address("a-2"), MONITORING)

    found.patch(natsConfig={"maxPayload": 4096})
    found.ready()
    assert found.uids() == before, "reloaded by the operator, through the clients' port"

    enforced("delete", "pod", "a-2", "--wait=false", "--grace-period=1")
    found.until_replaced("a-2", before["a-2"])
    found.ready()
    until_reached(enforced, "stranger", found.address("a-2"))

    found.patch(networkPolicy={"clientsFrom": None, "monitoringFrom": None})
    until_reached(enforced, "stranger", found.address("a-1"), CLIENTS)
    found.patch(networkPolicy=None)
    until_reached(enforced, "stranger", found.address("a-1"), *PORTS)
    assert found.uids()["a-1"] == before["a-1"]


@pytest.fixture
def limited(operator: Managing, enforced: Kubectl) -> Iterator[Installed]:
    """The release with its own policy, which lets only `prometheus` scrape it."""
    assert isinstance(operator, Installed)
    scraped_by = (
        f"namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name={enforced.namespace}"
    )
    operator.release.upgrade(
        "networkPolicy.enabled=true",
        f"networkPolicy.metricsFrom[0].{scraped_by}",
        "networkPolicy.metricsFrom[0].podSelector.matchLabels.role=prometheus",
    )
    yield operator
    operator.release.upgrade("networkPolicy.enabled=false", "networkPolicy.metricsFrom=null")
    operator.start()


def test_the_operators_own_policy_leaves_it_what_it_needs(
    enforced: Kubectl, limited: Installed
) -> None:
    """The API server and servers; one named peer sees its metrics, and nobody else reaches it."""
    roles = ("prometheus", "stranger")
    enforced.apply(*(dialler(enforced, role) for role in roles))
    for role in roles:
        enforced("wait", "--for=condition=Ready", f"pod/{role}", f"--timeout={patient(30):.0f}s")
    found = Cluster(enforced, "a").apply(size=2, version=NEXT).ready()
    before = found.uids()
    found.patch(natsConfig={"maxPayload": 4096})
    found.ready()
    assert found.uids() == before, "reloaded by the operator"
    pod = limited.release.pods()[0]
    seen = partial(reached, enforced, address=pod["status"]["podIP"], ports=(METRICS,))
    until("prometheus sees its metrics", lambda: seen(pod="prometheus") == {METRICS}, 20)
    assert seen(pod="stranger") == set()
    servers = partial(reached, limited.kubectl, pod["metadata"]["name"], found.address("a-1"))
    assert servers() == {CLIENTS, MONITORING}
