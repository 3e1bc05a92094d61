"""etcd, API server, controllers, scheduler, cluster DNS and kwok, all in one namespace."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import (
    api,
    build,
    certificates,
    cgroups,
    components,
    manifests,
    namespaces,
    network,
    processes,
)
from testbed.layout import (
    API_PORT,
    BRIDGE_ADDRESS,
    DNS_ADDRESS,
    POD_RANGE,
    SERVICE_RANGE,
    Testbed,
    TestbedError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.options import Options

OTHER = "NATSCTL_API_SERVER"
"""Names another version of the API server, for a control plane alone."""
ETCD = "http://127.0.0.1:2379"
ISSUER = "https://kubernetes.default.svc.cluster.local"
NODE_GRACE = "20s"
FAKE_NODE = "fake1"
RESOLV_CONF = f"""nameserver {DNS_ADDRESS}
search default.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
"""


def group(testbed: Testbed) -> str:
    return f"{testbed.cgroup}/control-plane"


def create_namespace(testbed: Testbed) -> None:
    """Make the namespace everything below runs in; programs in it resolve cluster names."""
    cgroups.create(group(testbed))
    (testbed.run / "resolv.conf").write_text(RESOLV_CONF)
    namespaces.create(testbed, namespaces.CONTROL_PLANE, shared_paths(testbed), group(testbed))
    network.create(testbed)


def shared_paths(testbed: Testbed) -> dict[Path, Path]:
    """What the control plane and all nodes see in place of the machine's own."""
    return {Path("/etc/resolv.conf"): testbed.run / "resolv.conf"}


def start_api(testbed: Testbed, options: Options) -> None:
    """Start etcd and the API server and wait until it serves."""
    _start(testbed, "etcd", _etcd(testbed))
    _start(testbed, "kube-apiserver", _api_server(testbed, options))
    processes.wait_ready(testbed, "kube-apiserver", lambda: api.answers(testbed, "/readyz"))


def start_controllers(testbed: Testbed, options: Options) -> None:
    """Start what makes objects come true, and create what every testbed has."""
    _start(testbed, "kube-controller-manager", _controller_manager(testbed))
    _start(testbed, "kube-scheduler", _scheduler(testbed))
    if not options.control_plane_only:
        _start_dns(testbed)
        start_proxy(testbed, namespaces.CONTROL_PLANE, group(testbed), BRIDGE_ADDRESS)
    for storage_class in manifests.STORAGE_CLASSES.values():
        api.create(testbed, "/apis/storage.k8s.io/v1/storageclasses", storage_class)
    _start_provisioner(testbed)
    if options.kwok:
        _start_kwok(testbed, options)


def await_accounts(testbed: Testbed) -> None:
    """Wait until pods can be created: the controllers have made the default ServiceAccount."""
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    processes.wait_ready(testbed, "kube-controller-manager", lambda: api.answers(testbed, account))


def _start(testbed: Testbed, label: str, argv: Sequence[str | Path]) -> None:
    namespaces.start(testbed, namespaces.CONTROL_PLANE, label, argv, group(testbed))


def _etcd(testbed: Testbed) -> list[str | Path]:
    return [
        build.program("etcd"),
        f"--data-dir={testbed.run}/etcd",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server() -> Path:
    """The program: the testbed's own, or of the version that NATSCTL_API_SERVER names.

    Raises TestbedError if that is none of `components.API_SERVERS`.
    """
    version = os.environ.get(OTHER) or components.KUBERNETES
    if version == components.KUBERNETES:
        return build.program("kube-apiserver")
    if version not in components.API_SERVERS:
        known = ", ".join((components.KUBERNETES, *components.API_SERVERS))
        raise TestbedError(f"{OTHER}={version}: there are {known}")
    return build.build(components.api_server(version)) / "kube-apiserver"


def _api_server(testbed: Testbed, options: Options) -> list[str | Path]:
    def crt(name: str) -> Path:
        return certificates.certificate(testbed, name)

    def key(name: str) -> Path:
        return certificates.key(testbed, name)

    argv: list[str | Path] = [
        api_server(),
        f"--etcd-servers={ETCD}",
        f"--advertise-address={BRIDGE_ADDRESS}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--client-ca-file={crt(certificates.AUTHORITY)}",
        f"--tls-cert-file={crt(certificates.API_SERVER)}",
        f"--tls-private-key-file={key(certificates.API_SERVER)}",
        f"--kubelet-client-certificate={crt(certificates.ADMIN)}",
        f"--kubelet-client-key={key(certificates.ADMIN)}",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-key-file={crt(certificates.SERVICE_ACCOUNTS)}",
        f"--service-account-signing-key-file={key(certificates.SERVICE_ACCOUNTS)}",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
        "--kubelet-preferred-address-types=InternalIP",
        "--profiling=false",
    ]
    if not options.controllers:
        # Nobody makes the ServiceAccounts this check wants to see on every pod.
        argv.append("--disable-admission-plugins=ServiceAccount")
    return argv


def _controller_manager(testbed: Testbed) -> list[str | Path]:
    kubeconfig = certificates.kubeconfig(testbed, "kube-controller-manager")
    return [
        build.program("kube-controller-manager"),
        f"--kubeconfig={kubeconfig}",
        f"--root-ca-file={certificates.certificate(testbed, certificates.AUTHORITY)}",
        "--service-account-private-key-file="
        f"{certificates.key(testbed, certificates.SERVICE_ACCOUNTS)}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        f"--node-monitor-grace-period={NODE_GRACE}",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]


def _scheduler(testbed: Testbed) -> list[str | Path]:
    return [
        build.program("kube-scheduler"),
        f"--kubeconfig={certificates.kubeconfig(testbed, 'kube-scheduler')}",
        "--leader-elect=false",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]


def start_proxy(testbed: Testbed, namespace: str, cgroup: str, address: str) -> None:
    """Start the kube-proxy of a namespace, so that services are reachable from it."""
    label = "kube-proxy" if namespace == namespaces.CONTROL_PLANE else f"{namespace}-kube-proxy"
    # The control plane is no node; its proxy borrows the name of one that always exists.
    host = "node1" if namespace == namespaces.CONTROL_PLANE else namespace
    argv: list[str | Path] = [
        build.program("kube-proxy"),
        f"--kubeconfig={certificates.kubeconfig(testbed, 'kube-proxy')}",
        f"--hostname-override={host}",
        f"--bind-address={address}",
        f"--cluster-cidr={POD_RANGE}",
        "--proxy-mode=iptables",
        "--iptables-min-sync-period=100ms",
        # Limits of the whole machine, which a namespace cannot and need not set.
        "--conntrack-max-per-core=0",
    ]
    namespaces.start(testbed, namespace, label, argv, cgroup)


def _start_dns(testbed: Testbed) -> None:
    corefile = testbed.run / "Corefile"
    corefile.write_text(
        f""".:53 {{
    bind {DNS_ADDRESS}
    errors
    ready 127.0.0.1:8181
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {testbed.kubeconfig}
        pods verified
        ttl 1
    }}
}}
"""
    )
    _start(testbed, "coredns", [build.program("coredns"), "-conf", corefile])


def _start_provisioner(testbed: Testbed) -> None:
    checkout = Path(__file__).parents[1]
    python = ["env", f"PYTHONPATH={checkout}", sys.executable, "-u", "-m"]
    _start(testbed, "provisioner", [*python, "testbed.provisioner", testbed.name])


def _start_kwok(testbed: Testbed, options: Options) -> None:
    argv: list[str | Path] = [
        build.program("kwok"),
        f"--kubeconfig={testbed.kubeconfig}",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-ip=10.250.0.200",
        "--cidr=10.245.0.0/16",
        "--server-address=127.0.0.1:10247",
    ]
    _start(testbed, "kwok", argv)
    fake = manifests.fake_node(FAKE_NODE, alone=options.control_plane_only)
    api.create(testbed, "/api/v1/nodes", fake)
    processes.wait_ready(testbed, "kwok", lambda: api.node_ready(testbed, FAKE_NODE))
