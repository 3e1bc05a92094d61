"""A whole Kubernetes with an operator in it: the testbed, or a cluster the user named."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

# Its plugin imports it when everything is over. What is collected while Python parses it may parse
# a line for a traceback, and Python 3.11 takes that for an error of its own (gh-106905).
import hypothesis  # noqa: F401
import pytest

from natsctl.api.schema.crds import crds, crds_yaml
from testbed import stock
from tests.e2e import images
from tests.e2e.api_server import served
from tests.e2e.clusters import Cluster
from tests.e2e.installed import Installed
from tests.e2e.kubectl import Kubectl, until
from tests.e2e.process import Operator
from tests.e2e.program import Program, of_the_checkout, of_the_image
from tests.e2e.release import Release
from tests.inside import MARK, enter
from tests.patience import patient

CONTEXT = os.environ.get("NATSCTL_CONTEXT")
HOME = f"natsctl-e2e-{os.getpid()}"
"""Where the session's operator has its lease."""
ONE_TEST = 300.0
"""Seconds that a test takes at most, with what it sets up."""
_numbers = itertools.count(1)
Managing = Installed | Operator
NewNamespace = Callable[..., Kubectl]


def pytest_configure(config: pytest.Config) -> None:
    """Everything here runs inside the testbed, unless the user named a cluster."""
    if not CONTEXT:
        if MARK not in os.environ and not config.option.collectonly:
            stock.prepare(["e2e"])
        enter(config, os.environ.get("NATSCTL_TESTBED") or "natsctl")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need Kubernetes; some a client that reaches the pods."""
    for item in items:
        item.add_marker(pytest.mark.e2e)
        item.add_marker(pytest.mark.timeout(patient(ONE_TEST)))
        if CONTEXT and "reaches_pods" in item.fixturenames:  # type: ignore[attr-defined] # functions
            item.add_marker(pytest.mark.skip("pods of a named cluster are not reached from here"))


@pytest.fixture
def reaches_pods() -> None:
    """Asks for pod addresses that can be dialled from here."""


def established(kubectl: Kubectl, crd: str) -> bool:
    """The API server tells of kinds a moment after it serves them."""
    conditions = kubectl.get("crd", crd).get("status", {}).get("conditions") or []
    true = {condition["type"] for condition in conditions if condition["status"] == "True"}
    return "Established" in true and kubectl.server.knows(crd)


@pytest.fixture(scope="session")
def kubectl() -> Iterator[Kubectl]:
    """kubectl for the whole cluster, with natsctl's CRDs installed as they are today."""
    where = ("--kubeconfig", os.environ["KUBECONFIG"]) if "KUBECONFIG" in os.environ else ()
    options = (*where, *(("--context", CONTEXT) if CONTEXT else ()))
    with served(["kubectl", *options]) as server:
        found = Kubectl(options, server)
        found("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=crds_yaml())
        for crd in crds():
            name = crd["metadata"]["name"]
            until(f"{name} is served", partial(established, found, name), 30)
        yield found


@contextmanager
def temporary_namespace(
    kubectl: Kubectl, labels: dict[str, str] | None = None
) -> Iterator[Kubectl]:
    """kubectl in a new namespace, which is deleted afterwards, its clusters first."""
    name = f"e2e-{os.getpid()}-{next(_numbers)}"
    found = kubectl.within(name)
    kubectl.apply(namespace_manifest(name, labels or {}))
    yield found
    found("delete", "nats", "--all", "--wait=false")
    kubectl("delete", "namespace", name, "--wait=false")


def namespace_manifest(name: str, labels: dict[str, str]) -> dict[str, Any]:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


@pytest.fixture
def new_namespace(kubectl: Kubectl) -> Iterator[NewNamespace]:
    """Makes namespaces: `new_namespace({"label": "value"})` is kubectl in a new one."""
    with ExitStack() as stack:
        yield lambda labels=None: stack.enter_context(temporary_namespace(kubectl, labels))


@pytest.fixture
def namespace(kubectl: Kubectl, operator: Managing) -> Iterator[Kubectl]:
    """kubectl in a namespace of this test alone, which the operator manages."""
    with temporary_namespace(kubectl) as found:
        yield found


@pytest.fixture(scope="module")
def common(kubectl: Kubectl, installed: Managing) -> Iterator[Kubectl]:
    """kubectl in a namespace that the tests of one module share, which the operator manages."""
    installed.ensure()
    with temporary_namespace(kubectl) as found:
        yield found


@pytest.fixture
def cluster(namespace: Kubectl) -> Callable[..., Cluster]:
    """Applies a NatsCluster: `cluster("name", size=3, ...)`."""
    return lambda name, **spec: Cluster(namespace, name).apply(**spec)


@pytest.fixture
def account(namespace: Kubectl) -> Iterator[str]:
    """A ServiceAccount whose pods may read nodes, as the manifests of natsctl have it."""
    name, where = "nats-server", namespace.namespace
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": where}
    namespace.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": where},
            "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": where},
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": where}],
        },
    )
    yield name
    namespace("delete", "clusterrole,clusterrolebinding", where)


@pytest.fixture(scope="session")
def program(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """natsctl's image as a process; in a cluster the user named, this checkout."""
    if CONTEXT:
        return of_the_checkout(kubectl)
    return of_the_image(kubectl, tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="session")
def installed(
    kubectl: Kubectl, program: Program, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Managing]:
    """The operator of the session, for all namespaces.

    In a cluster the user named, whose nodes can pull no image of natsctl, it is a process.
    """
    kubectl.apply(namespace_manifest(HOME, {"pod-security.kubernetes.io/enforce": "restricted"}))
    home = kubectl.within(HOME)
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    process = Operator(program, home, log, port=18180)
    if CONTEXT and "NATSCTL_IMAGE" not in os.environ:
        with process:
            yield process
    else:
        images.own()
        with Installed(Release(home), HOME, process) as release:
            yield release
    kubectl("delete", "namespace", HOME, "--wait=false")


@pytest.fixture
def operator(installed: Managing) -> Managing:
    """The operator of the session, which runs when a test begins."""
    installed.ensure()
    return installed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Show what the cluster and the operator say when a test fails.

    In a testbed everything can be had: a test that is skipped there fails.
    """
    report = yield
    if report.skipped and not CONTEXT:
        report.outcome = "failed"
    arguments: dict[str, Any] = getattr(item, "funcargs", {})
    if report.failed and report.when == "call":
        for name in ("namespace", "common"):
            if name in arguments:
                report.sections.append(("Kubernetes objects", _objects(arguments[name])))
        if "installed" in arguments or "operator" in arguments:
            found: Managing = arguments.get("operator") or arguments["installed"]
            report.sections.append(("Last lines of the operator", found.tail()))
    return report


def _objects(kubectl: Kubectl) -> str:
    asked = (
        ["get", "nats", "-o", "yaml"],
        ["get", "pods,services,secrets", "-o", "wide"],
        ["get", "events", "--sort-by", ".lastTimestamp"],
    )
    shown = (
        subprocess.run(kubectl.command(*a), capture_output=True, text=True).stdout for a in asked
    )
    return "\n".join(shown)[-12000:]
