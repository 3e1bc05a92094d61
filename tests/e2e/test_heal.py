"""A server that goes away comes back; one that cannot is named, and holds up nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.clusters import NEW, Cluster
from tests.e2e.conftest import Managing
from tests.e2e.kubectl import Kubectl, until


@pytest.fixture(scope="module")
def three(common: Kubectl) -> Cluster:
    """A cluster of three that every test here leaves whole."""
    return Cluster(common, "a").apply(size=3, version=NEW).ready()


@pytest.fixture
def healthy(three: Cluster, operator: Managing) -> Iterator[Cluster]:
    """The same, whole before and after the test, and with no other server touched."""
    yield three.ready()
    three.ready().meshed(3, NEW)


def others(cluster: Cluster, *pods: str) -> dict[str, str]:
    """Uids of all pods but these."""
    return {name: uid for name, uid in cluster.uids().items() if name not in pods}


def test_a_deleted_pod_is_replaced(healthy: Cluster) -> None:
    """With the same name, and without touching the others."""
    before, rest = healthy.uids(), others(healthy, "a-2")
    healthy.kubectl("delete", "pod", "a-2", "--wait=false")
    healthy.until_replaced("a-2", before["a-2"])
    assert others(healthy, "a-2") == rest


def test_a_force_deleted_pod_is_replaced(healthy: Cluster) -> None:
    """As when its node is lost for good."""
    before = healthy.uids()
    healthy.kubectl("delete", "pod", "a-2", "--force", "--grace-period=0")
    healthy.until_replaced("a-2", before["a-2"])


def test_an_evicted_pod_is_replaced(healthy: Cluster) -> None:
    """As `kubectl drain` does it."""
    before = healthy.uids()
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "a-1", "namespace": healthy.kubectl.namespace},
    }
    path = f"/api/v1/namespaces/{healthy.kubectl.namespace}/pods/a-1/eviction"
    healthy.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
    healthy.until_replaced("a-1", before["a-1"])


def test_a_failed_pod_is_replaced(healthy: Cluster) -> None:
    """The event says why it failed."""
    before = healthy.uids()
    healthy.kubectl.patch("pod/a-3", {"spec": {"activeDeadlineSeconds": 1}})
    healthy.until_replaced("a-3", before["a-3"])
    events = healthy.kubectl("get", "events")
    assert "ReplacingEnded" in events
    assert "DeadlineExceeded" in events


def test_a_server_without_an_image_is_named_and_blocks_nothing_else(healthy: Cluster) -> None:
    """With the kubelet's reason; meanwhile another server is replaced."""
    before = healthy.uids()
    healthy.kubectl("set", "image", "pod/a-3", "nats=nats:0.0.0-not-there")
    until(
        "the image is missed",
        lambda: "Image" in healthy.condition("Degraded").get("message", ""),
        90,
    )
    found = healthy.condition("Degraded")
    assert found["reason"] in ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull")
    assert "a-3" in found["message"]
    assert "0.0.0-not-there" in found["message"]
    healthy.kubectl("delete", "pod", "a-1", "--wait=false")
    healthy.until_replaced("a-1", before["a-1"])
    healthy.kubectl("delete", "pod", "a-3", "--wait=false")
    healthy.until_replaced("a-3", before["a-3"])


def test_a_crash_loop_is_named_and_blocks_nothing_else(healthy: Cluster) -> None:
    """nats-server 2.0.0 cannot read the configuration of a later one, so it ends with status 1."""
    before = healthy.uids()
    healthy.kubectl("set", "image", "pod/a-3", "nats=nats:2.0.0")
    healthy.until_condition(
        "Degraded", "True", "a-3", "exit code 1", reason="CrashLoopBackOff", seconds=90
    )
    service = healthy.kubectl.get("service", "a")["metadata"]["uid"]
    healthy.kubectl("delete", "pod/a-1", "service/a", "--wait=false")
    healthy.until_replaced("a-1", before["a-1"])
    until_other(healthy.kubectl, "service", "a", service)
    healthy.kubectl("delete", "pod", "a-3", "--wait=false")
    healthy.until_replaced("a-3", before["a-3"])


def until_other(kubectl: Kubectl, kind: str, name: str, uid: str) -> None:
    """Wait until an object of this name with another uid is there."""

    def uids() -> set[str]:
        return {i["metadata"]["uid"] for i in kubectl.list(kind) if i["metadata"]["name"] == name}

    until(f"{kind} {name} is there again", lambda: uids() - {uid}, 20)


@pytest.mark.parametrize(
    ("kind", "name"), [("service", "a"), ("service", "a-mgmt"), ("secret", "a")]
)
def test_a_deleted_object_is_restored(healthy: Cluster, kind: str, name: str) -> None:
    """Services and the Secret."""
    before = healthy.kubectl.get(kind, name)
    healthy.kubectl("delete", kind, name)
    until_other(healthy.kubectl, kind, name, before["metadata"]["uid"])
    after = healthy.kubectl.get(kind, name)
    assert after.get("data") == before.get("data")
    assert after["metadata"]["labels"] == before["metadata"]["labels"]


EDITS: dict[str, dict[str, Any]] = {
    "a changed port": {"ports": [{"name": "tcp-client", "port": 1}]},
    "one more port": {"ports": [{"name": "tcp-client", "port": 4222}, {"name": "b", "port": 1}]},
    "another selector": {"selector": {"nats_cluster": "x"}},
    "one more label to select": {"selector": {"tier": "one"}},
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_service_is_mended(healthy: Cluster, edit: str) -> None:
    """Its ports and its selector are what they were."""
    before = healthy.kubectl.get("service", "a")["spec"]
    healthy.kubectl.patch("service/a", {"spec": EDITS[edit]})
    until(
        "the Service is as before",
        lambda: healthy.kubectl.get("service", "a")["spec"] == before,
        20,
    )


def test_an_edited_secret_is_mended(healthy: Cluster) -> None:
    """Its nats.conf."""
    before = healthy.config()
    healthy.kubectl.patch("secret/a", {"stringData": {"nats.conf": "{}"}})
    until("nats.conf is as before", lambda: healthy.config() == before, 20)
