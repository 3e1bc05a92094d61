"""A release of two replicas loses the one that leads, in the middle of a roll, under a client."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.clusters import NEW, NEXT, Cluster
from tests.e2e.conftest import CONTEXT, Managing
from tests.e2e.containers import process
from tests.e2e.installed import REPLICAS, Installed
from tests.e2e.kubectl import until
from tests.e2e.test_roll import each_once
from tests.e2e.traffic import asking

Apply = Callable[..., Cluster]
End = Callable[[Installed, str], None]
pytestmark = [
    pytest.mark.skipif(bool(CONTEXT), reason="processes of a named cluster cannot be killed"),
    pytest.mark.usefixtures("reaches_pods"),
]
RELEASED, SILENT = 12.0, 45.0
"""Seconds until another process leads, at most: after an eviction less than the lease lasts, and
after its holder fell silent less than the kubelet takes to start a wedged container anew."""
WEDGED = 120.0
"""Seconds until the kubelet has started a wedged container anew: six probes, one every ten, and
what it gives it to end."""
UNHEARD = 10.0
"""Seconds without a reply that a client may see when its server goes: as in every roll."""


def evict(installed: Installed, pod: str) -> None:
    """As `kubectl drain` does: the disruption budget has to allow it."""
    meta = {"name": pod, "namespace": installed.kubectl.namespace}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
    path = f"/api/v1/namespaces/{installed.kubectl.namespace}/pods/{pod}/eviction"
    installed.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def kill(installed: Installed, pod: str) -> None:
    """SIGKILL to the process itself; the kubelet starts the container anew."""
    os.kill(process(installed.kubectl, pod, "nats-operator"), signal.SIGKILL)


def wedge(installed: Installed, pod: str) -> None:
    """Stop the process where it is: it holds what it has, and answers nobody."""
    os.kill(process(installed.kubectl, pod, "nats-operator"), signal.SIGSTOP)


@contextmanager
def losing(installed: Installed, end: End, limit: float) -> Iterator[str]:
    """Ends the pod that leads, and waits until another does, for `limit` seconds at most."""
    old = holder(installed)
    leader = installed.release.leader()
    yield leader
    end(installed, leader)

    until("another process leads", lambda: holder(installed) not in ("", old), limit, 0.05)


def holder(installed: Installed) -> str:
    """The process that leads; a pod may have had several."""
    lease = installed.kubectl.get("lease", "nats-operator")
    return str(lease["spec"].get("holderIdentity") or "")


def replaced(installed: Installed, pod: str) -> bool:
    """Whether all replicas are ready, and this one is another pod or another container by now."""
    found = {one["metadata"]["name"]: one["status"] for one in installed.release.pods()}
    containers = [status["containerStatuses"][0] for status in found.values()]
    again = pod not in found or found[pod]["containerStatuses"][0]["restartCount"] == 1
    return again and len(found) == REPLICAS and all(c["ready"] for c in containers)


@pytest.mark.parametrize(
    ("end", "limit", "says"),
    [
        (evict, RELEASED, ""),
        (kill, SILENT, ""),
        (wedge, SILENT, "Container nats-operator failed liveness probe, will be restarted"),
    ],
    ids=["evicted", "killed", "wedged"],
)
def test_the_leader_is_lost_in_a_roll(
    cluster: Apply, operator: Managing, end: End, limit: float, says: str
) -> None:
    """No step is repeated or skipped, no request of a client stays without a reply.

    The kubelet, or the Deployment, starts another in its place, by itself.
    """
    assert isinstance(operator, Installed)
    found = cluster("a", size=3, version=NEW, lameDuckDurationSeconds=30).ready()
    with found.history() as history, asking(found) as requests:
        with losing(operator, end, limit) as lost:
            found.patch(version=NEXT)
            until("the first server leaves", history.removed, pause=0.02)
        found.ready(240).meshed(3, NEXT)
        each_once(history, "a-3", "a-2", "a-1")
        assert history.fewest_serving(3) == 2
    requests.check(UNHEARD)
    until("there is another", lambda: replaced(operator, lost), WEDGED)
    assert says in operator.kubectl("get", "events")
    operator.start()
