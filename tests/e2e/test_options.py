"""What the chart can bring beside the operator, where the cluster knows the kinds of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from testbed import prometheus_operator
from tests.e2e import images
from tests.e2e.clusters import NEW, Cluster
from tests.e2e.conftest import CONTEXT, Managing, established, temporary_namespace
from tests.e2e.kubectl import Json, Kubectl, until
from tests.e2e.release import NAME, Release

pytestmark = pytest.mark.skipif(bool(CONTEXT), reason="it adds CRDs to a whole cluster")
MONITORING = "monitoring.coreos.com"
KINDS = ("servicemonitors", "podmonitors", "prometheusrules")
EVERYTHING = (
    "crds.install=never",
    "dashboards.enabled=true",
    "flowSchema.enabled=true",
    "networkPolicy.enabled=true",
    "prometheusRule.enabled=true",
    "serviceMonitor.enabled=true",
    "serviceMonitor.scrapeTimeout=10s",
)
Addresses = set[tuple[str, int]]


@pytest.fixture
def release(kubectl: Kubectl, installed: Managing) -> Iterator[Release]:
    """With everything that is optional, beside the Prometheus Operator's CRDs."""
    images.own()
    installed.ensure()
    with ExitStack() as stack:
        stack.enter_context(installed.away())
        for kind in KINDS:
            manifest = str(prometheus_operator.crd(kind))
            stack.callback(kubectl, "delete", "--filename", manifest)
            kubectl("apply", "--server-side", "--filename", manifest)
            until(f"{kind} are served", partial(established, kubectl, f"{kind}.{MONITORING}"), 30)
        found = Release(stack.enter_context(temporary_namespace(kubectl)))
        found.install(*EVERYTHING)
        yield found
        if found.pods():
            found.uninstall()


def of(release: Release, kind: str) -> Json:
    """The specification of the release's object of a kind."""
    spec: Json = release.kubectl.get(kind, NAME)["spec"]
    return spec


def selected(release: Release, kind: str, monitor: Json) -> list[Json]:
    """What a monitor selects."""
    labels = ",".join(f"{key}={value}" for key, value in monitor["selector"]["matchLabels"].items())
    return release.kubectl.list(kind, labels)


def by_service(release: Release) -> Addresses:
    """What is scraped for the ServiceMonitor: the endpoints of Services, by the port's name."""
    monitor = of(release, f"servicemonitors.{MONITORING}")
    (endpoint,) = monitor["endpoints"]
    return {
        (address["ip"], port["port"])
        for endpoints in selected(release, "endpoints", monitor)
        for subset in endpoints["subsets"]
        for port in subset["ports"]
        for address in subset["addresses"]
        if port["name"] == endpoint["port"]
    }


def by_pod(release: Release) -> Addresses:
    """What is scraped for the PodMonitor: pods, by the name of a container's port."""
    monitor = of(release, f"podmonitors.{MONITORING}")
    (endpoint,) = monitor["podMetricsEndpoints"]
    return {
        (pod["status"]["podIP"], port["containerPort"])
        for pod in selected(release, "pods", monitor)
        for container in pod["spec"]["containers"]
        for port in container["ports"]
        if port["name"] == endpoint["port"]
    }


def replicas(release: Release) -> Addresses:
    return {(pod["status"]["podIP"], 8080) for pod in release.pods()}


def test_everything_optional_at_once(release: Release) -> None:
    """The API server takes it all, and monitors find each replica once.

    A cluster in the release's namespace brings Services and pods that are not to be scraped.
    """
    Cluster(release.kubectl, "a").apply(size=1, version=NEW).ready()
    assert len(of(release, f"prometheusrules.{MONITORING}")["groups"]) > 0
    dashboards = release.kubectl.list("configmaps", "grafana_dashboard=1")
    assert [json.loads(text)["title"] for d in dashboards for text in d["data"].values()]
    assert by_service(release) == replicas(release)

    release.upgrade("serviceMonitor.enabled=false", "podMonitor.enabled=true")
    until("only new replicas are there", lambda: len(release.all_pods()) == len(release.pods()))
    assert by_pod(release) == replicas(release)
    assert not release.kubectl.list(f"servicemonitors.{MONITORING}")


def test_requests_have_a_flow_of_their_own(release: Release) -> None:
    """The API server says which FlowSchema it put each request under."""
    schema = f"{release.kubectl.namespace}-{NAME}"
    counted = (
        f'apiserver_flowcontrol_dispatched_requests_total{{flow_schema="{schema}",'
        'priority_level="workload-high"}'
    )
    until("requests are counted", lambda: counted in release.kubectl.raw("/metrics"))
    release.uninstall()
    assert schema not in release.kubectl("get", "flowschemas", "-o", "name")
