"""What is built, in which version, from which Go packages."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parent / "modules"
KUBERNETES = "1.34.4"
NATS_SERVERS = (
    *("2.0.0", "2.1.9", "2.2.6", "2.9.25", "2.10.29"),
    *("2.11.17", "2.12.15", "2.14.10", "2.15.3"),
)
API_SERVERS = ("1.32.13", "1.37.2")
"""Of the oldest and the newest Kubernetes to be had: a control plane alone runs with them."""
GO_OPERATOR = "github.com/nats-io/nats-operator/cmd/operator"
FLAGS = ("-trimpath",)
STRIP = "-s -w"


@dataclass(frozen=True)
class Component:
    """Programs that are built together.

    With `module`, a folder of `testbed/modules` pins everything and is built in place;
    without, the packages are installed at `version` as their authors pinned them.
    """

    name: str
    version: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    module: str | None = None
    variables: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def linker_flags(self) -> str:
        return " ".join([STRIP, *(f"-X {variable}" for variable in self.variables)])


def _version_of_kubernetes(version: str) -> tuple[str, ...]:
    major, minor, _ = version.split(".")
    told = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    return tuple(f"k8s.io/component-base/version.{key}={value}" for key, value in told.items())


def api_server(version: str) -> Component:
    """The API server of another Kubernetes than the testbed's."""
    name = f"kube-apiserver-{version}"
    return Component(
        name=name,
        version=version,
        programs=("kube-apiserver",),
        packages=("k8s.io/kubernetes/cmd/kube-apiserver",),
        module=name.rpartition(".")[0],
        variables=_version_of_kubernetes(version),
    )


def _kubernetes() -> Component:
    programs = (
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kube-proxy",
        "kubectl",
    )
    return Component(
        name="kubernetes",
        version=KUBERNETES,
        programs=programs,
        packages=tuple(f"k8s.io/kubernetes/cmd/{program}" for program in programs),
        module="kubernetes",
        variables=_version_of_kubernetes(KUBERNETES),
    )


def _installed(name: str, version: str, package: str, variable: str = "") -> Component:
    variables = (variable,) if variable else ()
    return Component(name, version, (name,), (package,), variables=variables)


def _nats_server(version: str) -> Component:
    package = "github.com/nats-io/nats-server/v2"
    return Component(f"nats-server-{version}", version, ("nats-server",), (package,))


def _prometheus(version: str) -> Component:
    """Without discovery of targets in clouds, which is most of the build."""
    programs = ("prometheus", "promtool")
    packages = tuple(f"github.com/prometheus/prometheus/cmd/{name}" for name in programs)
    return Component("prometheus", version, programs, packages, tags=("remove_all_sd",))


ALL: tuple[Component, ...] = (
    Component("pause", "1", ("pause",), (".",), module="pause"),
    Component("etcd", "3.6.6", ("etcd",), ("go.etcd.io/etcd/server/v3",), module="etcd"),
    _kubernetes(),
    Component("coredns", "1.12.4", ("coredns",), (".",), module="coredns"),
    *(_nats_server(version) for version in NATS_SERVERS),
    _installed("nats", "0.3.0", "github.com/nats-io/natscli/nats", "main.version=0.3.0"),
    _installed(
        "helm",
        "3.19.0",
        "helm.sh/helm/v3/cmd/helm",
        "helm.sh/helm/v3/internal/version.version=v3.19.0",
    ),
    _installed(
        "kwok", "0.7.0", "sigs.k8s.io/kwok/cmd/kwok", "sigs.k8s.io/kwok/pkg/consts.Version=v0.7.0"
    ),
)
BY_NAME = {component.name: component for component in ALL}
ON_REQUEST: tuple[Component, ...] = (
    Component("cert-manager", "1.21.2", ("cert-manager",), (".",), module="cert-manager"),
    Component("kube-router", "1.6.1", ("kube-router",), (".",), module="kube-router"),
    Component("nats-operator", "0.8.3", ("nats-operator",), (GO_OPERATOR,), module="nats-operator"),
    _installed("nats-sub", "1.45.0", "github.com/nats-io/nats.go/examples/nats-sub"),
    _prometheus("0.316.0"),
)
"""Built only when asked for by name: no testbed needs it to start."""
BY_PROGRAM = {
    program: component
    for component in (*ALL, *ON_REQUEST)
    for program in component.programs
    if program != "nats-server"
}


def key(component: Component) -> str:
    """A name that changes with everything the programs are made from."""
    digest = hashlib.sha256()
    recipe = [component.version, component.packages, component.linker_flags, FLAGS]
    recipe += [component.tags] if component.tags else []
    digest.update(json.dumps(recipe).encode())
    for file in _sources(component):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return f"{component.name}-{component.version}-{digest.hexdigest()[:16]}"


def _sources(component: Component) -> list[Path]:
    if component.module is None:
        return []
    return sorted(file for file in (MODULES / component.module).iterdir() if file.is_file())
