"""A node: its namespaces with containerd, kubelet and kube-proxy, each at its usual paths."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import (
    api,
    build,
    certificates,
    cgroups,
    control_plane,
    images,
    namespaces,
    network,
    processes,
)
from testbed.layout import DNS_ADDRESS, Node, TestbedError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Sequence

# Every node sees folders of its own here; the machine has them too, empty.
PRIVATE = (
    Path("/run/containerd"),
    Path("/run/netns"),
    Path("/var/lib/containerd"),
    Path("/var/lib/kubelet"),
    Path("/var/lib/cni"),
    Path("/var/log/pods"),
    Path("/var/log/containers"),
    Path("/usr/libexec/kubernetes"),
)
SOCKET = "/run/containerd/containerd.sock"
PLUGINS = "/usr/lib/cni"
# The kubelet wants to set these for the whole machine; it sets private files instead.
KERNEL_SETTINGS = {
    "/proc/sys/vm/overcommit_memory": "1",
    "/proc/sys/vm/panic_on_oom": "0",
    "/proc/sys/kernel/panic": "10",
    "/proc/sys/kernel/panic_on_oops": "1",
    "/proc/sys/kernel/keys/root_maxkeys": "1000000",
    "/proc/sys/kernel/keys/root_maxbytes": "25000000",
}


def label(node: Node, program: str) -> str:
    return f"{node.name}-{program}"


def create(node: Node, others: Sequence[Node]) -> None:
    """Make the node's control groups and namespaces, and connect it."""
    cgroups.create(node.cgroup)
    cgroups.create(node.system_cgroup)
    namespaces.create(
        node.testbed,
        node.name,
        _binds(node),
        node.system_cgroup,
        follows=namespaces.CONTROL_PLANE,
    )
    network.plug(node, others)


def _binds(node: Node) -> dict[Path, Path]:
    binds = control_plane.shared_paths(node.testbed)
    for path in PRIVATE:
        own = node.run / "root" / path.relative_to("/")
        own.mkdir(parents=True, exist_ok=True)
        path.mkdir(parents=True, exist_ok=True)
        binds[path] = own
    for name, value in KERNEL_SETTINGS.items():
        own = node.run / "root" / name.removeprefix("/")
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(value + "\n")
        binds[Path(name)] = own
    return binds


def start_containerd(node: Node) -> None:
    """Start containerd and give it all images."""
    configuration = node.run / "containerd.toml"
    configuration.write_text(_containerd(node))
    network_configuration = node.run / "cni" / "10-pods.conflist"
    network_configuration.parent.mkdir(exist_ok=True)
    network_configuration.write_text(json.dumps(_cni(node), indent=2))
    name = label(node, "containerd")
    _start(node, name, ["containerd", "--config", configuration])
    socket = node.run / "root" / SOCKET.removeprefix("/")
    processes.wait_ready(node.testbed, name, socket.is_socket)


def load(node: Node, archives: Iterable[Path]) -> None:
    """Give the node the images in docker-archive files."""
    for archive in archives:
        done = _images(node, "import", str(archive))
        if done.returncode:
            raise TestbedError(f"{node.name} cannot import {archive}: {done.stderr.strip()}")


def tag(node: Node, reference: str, names: Iterable[str]) -> None:
    """Give an image that the node has other names too."""
    for name in names:
        done = _images(node, "tag", "--force", reference, name)
        if done.returncode:
            raise TestbedError(f"{node.name} cannot name {reference} {name}: {done.stderr.strip()}")


def _images(node: Node, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["ctr", "--namespace=k8s.io", "images", *arguments]
    return namespaces.call(node.testbed, node.name, command)


def start_kubelet(node: Node) -> None:
    """Start kubelet and kube-proxy; the API server must be ready."""
    configuration = node.run / "kubelet.json"
    configuration.write_text(json.dumps(_kubelet(node), indent=2))
    (node.run / "resolv.conf").touch()
    argv: list[str | Path] = [
        build.program("kubelet"),
        f"--config={configuration}",
        f"--kubeconfig={certificates.kubeconfig(node.testbed, node.name)}",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
    ]
    _start(node, label(node, "kubelet"), argv)
    control_plane.start_proxy(node.testbed, node.name, node.system_cgroup, node.address)


def await_ready(node: Node) -> None:
    """Wait until the API server says that the node is ready."""
    kubelet = label(node, "kubelet")
    processes.wait_ready(node.testbed, kubelet, lambda: api.node_ready(node.testbed, node.name))


def kill(node: Node) -> None:
    """What a power cut does: all processes of the node end at once, its pods' too."""
    cgroups.kill(node.system_cgroup)
    cgroups.kill(node.cgroup)
    network.unplug(node)


def dead(node: Node) -> bool:
    return not processes.alive(node.testbed, namespaces.holder(node.name))


def boot(node: Node, others: Sequence[Node]) -> None:
    """Start a killed node again: its disk is what it was, /run and cgroups are empty."""
    cgroups.remove(node.cgroup)
    shutil.rmtree(node.run / "root" / "run")
    create(node, others)
    start_containerd(node)
    start_kubelet(node)


def _start(node: Node, name: str, argv: Sequence[str | Path]) -> None:
    namespaces.start(node.testbed, node.name, name, argv, node.system_cgroup)


def _containerd(node: Node) -> str:
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE no pod would start otherwise.
    return f"""version = 2
disabled_plugins = ["io.containerd.internal.v1.opt"]

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{images.PAUSE}"
  restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{PLUGINS}"
  conf_dir = "{node.run}/cni"
"""


def _cni(node: Node) -> dict[str, object]:
    """Point to point: pods of one node reach each other through routes, never a bridge.

    So answers of a service pass the node's address translation whatever the kernel's
    settings for bridges are.
    """
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": node.pod_range}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _kubelet(node: Node) -> dict[str, object]:
    authority = certificates.certificate(node.testbed, certificates.AUTHORITY)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup}",
        "failSwapOn": False,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(node.run / "resolv.conf"),
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
        "nodeStatusUpdateFrequency": "4s",
        "maxPods": 200,
        # Images come from no registry: one that is collected is gone for good.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
    }
