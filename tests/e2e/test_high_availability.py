"""A release of two replicas loses the one that leads, in the middle of a roll, under a client."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.clusters import NEW, NEXT, Cluster
from tests.e2e.conftest import CONTEXT, Managing
from tests.e2e.installed import Installed
from tests.e2e.kubectl import Kubectl, until
from tests.e2e.test_roll import each_once
from tests.e2e.traffic import asking

Apply = Callable[..., Cluster]
End = Callable[[Installed, str], None]
pytestmark = [
    pytest.mark.skipif(bool(CONTEXT), reason="processes of a named cluster cannot be killed"),
    pytest.mark.usefixtures("reaches_pods"),
]
RELEASED, EXPIRED = 5.0, 17.0
"""Seconds until another process leads: after an eviction, of which kubelet and shutdown take some,
and after the holder of the lease fell silent."""
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
    os.kill(_process(installed.kubectl, pod), signal.SIGKILL)


def _process(kubectl: Kubectl, pod: str) -> int:
    """The process of a pod's container, seen from outside: by the name of its host."""
    uid = kubectl.json("get", "pod", pod)["metadata"]["uid"]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            if b"nats-operator" in command and uid in (folder / "cgroup").read_text():
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError(f"no process of pod {pod} was found")


@contextmanager
def losing(installed: Installed, end: End) -> Iterator[dict[str, float]]:
    """Ends who leads; `seconds` until somebody else does are told."""
    old = installed.kubectl("get", "lease", "nats-operator", "-o", HOLDER)
    told: dict[str, float] = {}
    yield told
    end(installed, installed.release.leader())
    began = time.monotonic()

    def another() -> bool:
        return installed.kubectl("get", "lease", "nats-operator", "-o", HOLDER) not in ("", old)

    until("another process leads", another, 30, 0.05)
    told["seconds"] = time.monotonic() - began


HOLDER = "jsonpath={.spec.holderIdentity}"


@pytest.mark.parametrize(("end", "limit"), [(evict, RELEASED), (kill, EXPIRED)])
def test_the_leader_is_lost_in_a_roll(
    cluster: Apply, operator: Managing, end: End, limit: float
) -> None:
    """No step is repeated or skipped, no request of a client stays without a reply."""
    assert isinstance(operator, Installed)
    found = cluster("a", size=3, version=NEW, lameDuckDurationSeconds=30).ready()
    with found.history() as history, asking(found) as requests:
        with losing(operator, end) as lost:
            found.patch(version=NEXT)
            until("the first server leaves", history.removed, pause=0.02)
        found.ready(240).meshed(3, NEXT)
        each_once(history, "a-3", "a-2", "a-1")
        assert history.fewest_serving(3) == 2
    requests.check(UNHEARD)
    assert lost["seconds"] < limit
    operator.start()
