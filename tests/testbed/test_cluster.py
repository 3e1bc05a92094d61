"""The cluster behaves as a real one: pods, names, services, volumes, and nodes that get lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from testbed import namespaces
from tests.testbed import machine

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.layout import Testbed

pytestmark = pytest.mark.testbed

CLIENT = "natsctl.testbed/nats-cli:0.3.0"
PERSON = {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000, "runAsNonRoot": True}
LOCKED_DOWN = {
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


def pod(name: str, node: str, arguments: list[str], **spec: Any) -> dict[str, Any]:
    container = {"name": "nats", "image": "nats:2.12.15", "args": arguments}
    container |= spec.pop("container", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "servers"}},
        "spec": {"nodeSelector": {"kubernetes.io/hostname": node}, "containers": [container]}
        | spec,
    }


@pytest.fixture(scope="module")
def servers(two_nodes: Testbed) -> Testbed:
    """A server on each node, with names, a service and a host port."""
    ports = {"ports": [{"containerPort": 4222, "hostPort": 30422}]}
    names = {"subdomain": "servers", "container": ports}
    machine.apply(
        two_nodes,
        service("servers", clusterIP="None", publishNotReadyAddresses=True),
        service("client"),
        pod("one", "node1", ["-p", "4222"], hostname="one", **names),
        pod("two", "node2", ["-p", "4222"], hostname="two", **names),
    )
    wait_ready(two_nodes, "pod/one", "pod/two")
    return two_nodes


def service(name: str, **spec: Any) -> dict[str, Any]:
    ports = {"selector": {"app": "servers"}, "ports": [{"port": 4222}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": ports | spec,
    }


def wait_ready(testbed: Testbed, *names: str, state: str = "True") -> None:
    condition = f"--for=condition=Ready={state}"
    machine.kubectl(testbed, "wait", condition, *names, "--timeout=60s")


def client_pod(testbed: Testbed, node: str, address: str) -> str:
    """The output of a client in a pod on that node that measures its way to an address."""
    name = f"client-{node}"
    arguments = ["--server", f"nats://{address}", "rtt"]
    container = {"image": CLIENT, "args": arguments}
    machine.apply(testbed, pod(name, node, [], container=container, restartPolicy="Never"))
    done = "--for=jsonpath={.status.containerStatuses[0].state.terminated}"
    machine.kubectl(testbed, "wait", done, f"pod/{name}", "--timeout=60s")
    try:
        return machine.kubectl(testbed, "logs", name)
    finally:
        machine.kubectl(testbed, "delete", "pod", name, "--now")


@pytest.mark.parametrize("node", ["node1", "node2"])
@pytest.mark.parametrize("address", ["one.servers", "two.servers", "client", "10.250.0.11:30422"])
def test_pods_reach_pods_by_name_service_and_host_port(
    servers: Testbed, node: str, address: str
) -> None:
    assert "µs" in (answer := client_pod(servers, node, address)) or "ms" in answer


def test_pods_cannot_reach_outside(servers: Testbed) -> None:
    assert "network is unreachable" in client_pod(servers, "node1", "192.0.2.1")
    assert "server misbehaving" in client_pod(servers, "node2", "nats.io")


@pytest.mark.parametrize("place", [[], ["--node", "1"], ["--node", "2"]])
def test_nothing_inside_has_a_way_out(two_nodes: Testbed, place: list[str]) -> None:
    answer = machine.run(
        "exec", two_nodes, *place, "--", "timeout", "5", "bash", "-c", ": </dev/tcp/192.0.2.1/80"
    )
    assert answer.returncode == 1
    assert "unreachable" in answer.stderr


def test_commands_inside_reach_pods_and_services_by_name(servers: Testbed) -> None:
    for address in ("one.servers.default.svc", "client"):
        machine.done("exec", servers, "--", "nats", "--server", f"nats://{address}", "rtt")


def test_kubectl_exec_and_logs_reach_every_node(servers: Testbed) -> None:
    for name in ("one", "two"):
        answer = machine.kubectl(servers, "exec", name, "--", "/nats-server", "--version")
        assert answer == "nats-server: v2.12.15\n"
        assert "Server is ready" in machine.kubectl(servers, "logs", name)


def test_a_claim_gets_a_volume_that_a_person_without_rights_can_use(two_nodes: Testbed) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    server = pod(
        "keeper",
        "node2",
        ["-js", "-sd", "/data"],
        container={
            "securityContext": LOCKED_DOWN,
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        },
        securityContext=PERSON,
        volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    )
    machine.apply(two_nodes, claim, server)
    wait_ready(two_nodes, "pod/keeper")
    volumes = machine.kubectl(two_nodes, "get", "pv", "-o", "json")
    (volume,) = json.loads(volumes)["items"]
    folder = two_nodes.volumes / volume["metadata"]["name"]
    assert [path.name for path in folder.iterdir()] == ["jetstream"]

    larger = json.dumps({"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
    machine.kubectl(two_nodes, "patch", "pvc", "data", "--patch", larger)
    grown = "--for=jsonpath={.status.capacity.storage}=2Gi"
    machine.kubectl(two_nodes, "wait", grown, "pvc/data", "--timeout=30s")

    machine.kubectl(two_nodes, "delete", "pod/keeper", "pvc/data", "--now")
    name = f"pv/{volume['metadata']['name']}"
    machine.kubectl(two_nodes, "wait", "--for=delete", name, "--timeout=30s")
    assert not folder.exists()


SEEN_BY = (namespaces.CONTROL_PLANE, "node1", "node2")


def sizes(testbed: Testbed, folder: Path) -> set[str]:
    """How many bytes a volume holds, as the control plane and each node see it."""
    df = ["stat", "--file-system", "--format=%T %b*%S", str(folder)]
    return {namespaces.call(testbed, name, df).stdout.strip() for name in SEEN_BY}


def claim_of(storage_class: str, size: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": storage_class},
        "spec": {
            "storageClassName": storage_class,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
        },
    }


def test_a_limited_volume_gets_full_and_grows(two_nodes: Testbed) -> None:
    machine.apply(two_nodes, claim_of("limited", "8Mi"))
    bound = "--for=jsonpath={.status.phase}=Bound"
    machine.kubectl(two_nodes, "wait", bound, "pvc/limited", "--timeout=30s")
    name = machine.kubectl(two_nodes, "get", "pvc/limited", "-o", "jsonpath={.spec.volumeName}")
    folder = two_nodes.volumes / name
    assert sizes(two_nodes, folder) == {"tmpfs 2048*4096"}
    write = ["dd", "if=/dev/zero", f"of={folder}/data", "bs=1M", "count=12"]
    full = namespaces.call(two_nodes, "node1", write)
    assert "No space left on device" in full.stderr

    larger = json.dumps({"spec": {"resources": {"requests": {"storage": "16Mi"}}}})
    machine.kubectl(two_nodes, "patch", "pvc", "limited", "--patch", larger)
    grown = "--for=jsonpath={.status.capacity.storage}=16Mi"
    machine.kubectl(two_nodes, "wait", grown, "pvc/limited", "--timeout=30s")
    assert sizes(two_nodes, folder) == {"tmpfs 4096*4096"}
    assert namespaces.call(two_nodes, "node2", write).returncode == 0

    machine.kubectl(two_nodes, "delete", "pvc/limited")
    machine.kubectl(two_nodes, "wait", "--for=delete", f"pv/{name}", "--timeout=30s")
    assert not folder.exists()


def test_a_fixed_volume_never_grows(two_nodes: Testbed) -> None:
    machine.apply(two_nodes, claim_of("fixed", "8Mi"))
    bound = "--for=jsonpath={.status.phase}=Bound"
    machine.kubectl(two_nodes, "wait", bound, "pvc/fixed", "--timeout=30s")
    larger = json.dumps({"spec": {"resources": {"requests": {"storage": "16Mi"}}}})
    refused = machine.run(
        "exec", two_nodes, "--", "kubectl", "patch", "pvc", "fixed", "--patch", larger
    )
    assert refused.returncode == 1
    assert "must support resize" in refused.stderr
    machine.kubectl(two_nodes, "delete", "pvc/fixed")


def test_a_node_cut_off_is_noticed_and_comes_back(servers: Testbed) -> None:
    machine.done("node", servers, "cut", "2")
    wait_ready(servers, "node/node2", state="Unknown")
    wait_ready(servers, "pod/two", state="False")
    machine.done("node", servers, "heal", "2")
    wait_ready(servers, "node/node2", "pod/two")
    assert restarts(servers, "two") == 0


def test_a_node_killed_starts_its_pods_again(servers: Testbed) -> None:
    machine.done("node", servers, "kill", "2")
    assert machine.run("status", servers).returncode == 1
    machine.done("node", servers, "heal", "2")
    restarted = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1"
    machine.kubectl(servers, "wait", restarted, "pod/two", "--timeout=60s")
    wait_ready(servers, "node/node1", "node/node2", "pod/one", "pod/two")
    assert restarts(servers, "one") == 0
    machine.done("status", servers)


def restarts(testbed: Testbed, name: str) -> int:
    path = "jsonpath={.status.containerStatuses[0].restartCount}"
    return int(machine.kubectl(testbed, "get", "pod", name, "-o", path))
