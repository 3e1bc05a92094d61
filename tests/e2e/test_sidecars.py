"""Side-cars of the servers: the reloader, in pods of all server lines, and the metrics exporter.

Scenarios of the Go operator's own tests with its reloader: a new size, other users in a Secret,
other users in a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.e2e import images
from tests.e2e.certificates import Authority, opaque, serial
from tests.e2e.client import User, user
from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.kubectl import Kubectl, until

Apply = Callable[..., Cluster]
VERSIONS = pytest.mark.parametrize("version", ["2.0.0", "2.9.25", NEXT])
PASSWORDS = {"user1": "secret1", "user2": "secret2"}


def reloading() -> dict[str, Any]:
    """Fields of `pod` for a reloader of natsctl's own."""
    repository, tag = images.reloader()
    return {"enableConfigReload": True, "reloaderImage": repository, "reloaderImageTag": tag}


def authorization(*names: str) -> dict[str, str]:
    """A file with these users."""
    users = [{"username": name, "password": PASSWORDS[name]} for name in names]
    return {"auth.json": json.dumps({"users": users})}


def login(cluster: Cluster, name: str, server: str) -> User:
    """A client with its password."""
    return user(cluster, server, credentials={"user": name, "pass": PASSWORDS[name]})


def signals(cluster: Cluster, pod: str) -> list[str]:
    """What the reloader says of signals it sent."""
    said = cluster.log(pod, "reloader").splitlines()
    return [line for line in said if "sent SIGHUP" in line]


def watching(cluster: Cluster, *pods: str) -> None:
    """Wait until the reloaders have met their servers."""
    for pod in pods:
        until(f"{pod} is watched", partial(_is_watched, cluster, pod), 30)


def _is_watched(cluster: Cluster, pod: str) -> bool:
    return "watching" in cluster.log(pod, "reloader")


def reloaded(cluster: Cluster, pod: str, what: str) -> None:
    """Wait until a server says that it did."""
    until(f"{pod} reloads", lambda: f"Reloaded: {what}" in cluster.log(pod), 120)


def undisturbed(cluster: Cluster, before: dict[str, str]) -> None:
    """These pods are still there, and no container of theirs was started again."""
    assert before.items() <= cluster.uids().items()
    for pod in before:
        statuses = cluster.pods()[pod]["status"]["containerStatuses"]
        assert [s["restartCount"] for s in statuses] == [0, 0]


@VERSIONS
def test_a_new_size(cluster: Apply, version: str) -> None:
    """The running server takes up the routes of the others by one signal."""
    found = cluster("a", size=1, version=version, pod=reloading()).ready()
    watching(found, "a-1")
    before, earlier = found.uids(), signals(found, "a-1")
    found.patch(size=3)
    reloaded(found, "a-1", "cluster routes")
    found.ready(90).meshed(3, version)
    assert len(signals(found, "a-1")) == len(earlier) + 1
    undisturbed(found, before)


@pytest.mark.usefixtures("reaches_pods")
@VERSIONS
def test_other_users_in_a_secret(cluster: Apply, namespace: Kubectl, version: str) -> None:
    """A removed user is out, the others stay, and each server got one signal."""
    namespace.apply(opaque("users", authorization("user1", "user2")))
    auth = {"clientsAuthSecret": "users"}
    found = cluster("a", size=2, version=version, auth=auth, pod=reloading()).ready()
    servers = sorted(found.uids())
    watching(found, *servers)
    before, earlier = found.uids(), {s: signals(found, s) for s in servers}
    assert all(login(found, name, s).gets_in() for name in PASSWORDS for s in servers)
    with login(found, "user2", "a-1").connected() as stays:
        namespace.apply(opaque("users", authorization("user2")))
        for server in servers:
            reloaded(found, server, "authorization users")
        stays.send("")
        assert stays.until_pong() == []
    found.ready()
    assert not any(login(found, "user1", s).gets_in() for s in servers)
    assert all(login(found, "user2", s).gets_in() for s in servers)
    for server in servers:
        assert len(signals(found, server)) == len(earlier[server]) + 1
    undisturbed(found, before)


@pytest.mark.usefixtures("reaches_pods")
@VERSIONS
def test_other_users_in_a_file(cluster: Apply, namespace: Kubectl, version: str) -> None:
    """The file comes from a Secret that no NatsCluster names: only the reloader sees it."""
    namespace.apply(opaque("files", authorization("user1", "user2")))
    mounts = [{"name": "auth", "mountPath": "/etc/nats-config/authconfig"}]
    found = cluster(
        "a",
        size=1,
        version=version,
        auth={"clientsAuthFile": "authconfig/auth.json"},
        pod=reloading() | {"volumeMounts": mounts},
        template={"spec": {"volumes": [{"name": "auth", "secret": {"secretName": "files"}}]}},
    ).ready()
    watching(found, "a-1")
    before, earlier = found.uids(), signals(found, "a-1")
    assert all(login(found, name, "a-1").gets_in() for name in PASSWORDS)
    namespace.apply(opaque("files", authorization("user2")))
    # Kubelets look at a pod's Secrets each minute, and when the pod changes.
    namespace("annotate", "pod", "a-1", "look=again")
    reloaded(found, "a-1", "authorization users")
    assert not login(found, "user1", "a-1").gets_in()
    assert login(found, "user2", "a-1").gets_in()
    assert len(signals(found, "a-1")) == len(earlier) + 1
    undisturbed(found, before)


@pytest.mark.usefixtures("reaches_pods")
def test_a_renewed_certificate_on_an_old_server(cluster: Apply, namespace: Kubectl) -> None:
    """Below 2.10 it is the reloader alone that spares a restart."""
    ca, where = Authority(), namespace.namespace
    namespace.apply(ca.for_clients("a", where))
    tls = {"serverSecret": "clients-tls"}
    found = cluster("a", size=1, version="2.9.25", tls=tls, pod=reloading()).ready()
    watching(found, "a-1")
    before, earlier, address = found.uids(), signals(found, "a-1"), found.address("a-1")
    shown = serial(address, ca.context())
    namespace.apply(ca.for_clients("a", where))
    until("a-1 shows the new one", lambda: serial(address, ca.context()) != shown, 90)
    found.ready()
    assert len(signals(found, "a-1")) == len(earlier) + 1
    undisturbed(found, before)


def test_the_metrics_exporter_as_the_api_server_takes_it(cluster: Apply) -> None:
    """Its image is not to be had here, so this is about its container and its flags alone."""
    pod = {"enableMetrics": True, "metricsImagePullPolicy": "Never"}
    found = cluster("a", size=1, version=NEXT, pod=pod)
    exporter = until("a-1 is there", found.pods, 30)["a-1"]
    server, metrics = exporter["spec"]["containers"]
    assert (server["name"], metrics["name"]) == ("nats", "metrics")
    assert metrics["image"] == "natsio/prometheus-nats-exporter:0.20.1"
    assert metrics["args"][:3] == ["-connz", "-routez", "-subz"]
    assert metrics["args"][-2:] == ["-use_internal_server_id", "http://localhost:8222"]
    assert metrics["ports"] == [{"name": "metrics", "containerPort": 7777, "protocol": "TCP"}]
    annotations = exporter["metadata"]["annotations"]
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/port"] == "7777"
    found.until_condition("Degraded", "True", "container metrics")
