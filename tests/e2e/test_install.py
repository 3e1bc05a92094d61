"""Installed by Helm or kubectl, upgraded, rolled back and uninstalled, while clusters run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy import render
from tests.e2e import images
from tests.e2e.clusters import NEW, NEXT, Cluster
from tests.e2e.conftest import CONTEXT, Managing, namespace_manifest, temporary_namespace
from tests.e2e.kubectl import Kubectl, until
from tests.e2e.release import HelmFailed, Release, forget_owner, helm, nobody, owner
from tests.e2e.test_service_accounts import account, bound, role
from tests.patience import patient

pytestmark = pytest.mark.skipif(
    bool(CONTEXT), reason="the image of this checkout is known to a testbed only"
)
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
CRDS = ("natsclusters.nats.io", "natsserviceroles.nats.io")
NAMESPACED, EVERYWHERE = "clusterScoped=false", "clusterScoped=true"
Install = Callable[..., Release]


@pytest.fixture(scope="module")
def alone(kubectl: Kubectl, installed: Managing) -> Iterator[Kubectl]:
    """kubectl, while the operator of the session is away and the nodes have the chart's image."""
    images.own()
    installed.ensure()
    with installed.away():
        yield kubectl
        forget_owner(kubectl, *CRDS)


@pytest.fixture
def install(alone: Kubectl) -> Iterator[Install]:
    """Installs the chart in a new namespace, where only restricted pods may run."""
    made: list[Any] = []

    def new(*values: str) -> Release:
        context = temporary_namespace(alone, RESTRICTED)
        release = Release(context.__enter__())
        made.append((context, release))
        release.install(*values)
        return release

    yield new
    for context, release in made:
        if release.pods():
            release.uninstall()
        context.__exit__(None, None, None)


@pytest.fixture
def elsewhere(alone: Kubectl) -> Iterator[Kubectl]:
    """kubectl in another namespace."""
    with temporary_namespace(alone) as found:
        yield found


def test_the_chart_has_no_flaw_and_the_manifests_are_of_it() -> None:
    """`make chart` and `make manifests` were run."""
    helm("lint", "--strict", str(render.CHART))
    for name, text in (render.manifests("helm") | render.chart_files()).items():
        assert (render.ROOT / name).read_text() == text, name


def test_two_replicas_are_ready_in_seconds(alone: Kubectl) -> None:
    """One leads, both are ready, one may be evicted, and `helm test` is content."""
    with temporary_namespace(alone, RESTRICTED) as kubectl:
        release = Release(kubectl)
        assert release.install() < 30
        assert len(release.pods()) == 2
        assert set(release.get("readyz").values()) == {"ok"}
        assert set(release.get("healthz").values()) == {"ok"}
        leading = {
            name
            for name, text in release.get("metrics").items()
            if 'leader_election_master_status{name="nats-operator"} 1.0' in text
        }
        assert leading == {release.leader()}
        budget = kubectl.get("pdb", "nats-operator")["status"]
        assert budget["disruptionsAllowed"] == 1
        assert "Phase:          Succeeded" in release.test()
        release.uninstall()


@pytest.mark.parametrize("mode", [NAMESPACED, EVERYWHERE])
def test_its_rights_are_enough(install: Install, elsewhere: Kubectl, mode: str) -> None:
    """Nothing that a cluster may ask for is forbidden, and what leads to other rights is."""
    release = install(mode)
    kubectl = release.kubectl if mode == NAMESPACED else elsewhere
    kubectl.apply(account("worker"), role("worker", "a", publish=["x"], subscribe=["x"]))
    auth = {"enableServiceAccounts": True}
    found = Cluster(kubectl, "a").apply(size=2, version=NEXT, auth=auth).ready()
    bound(kubectl, "worker-a-bound-token")
    before = found.uids()
    found.patch(natsConfig={"maxPayload": 4096})
    found.ready()
    assert found.uids() == before
    kubectl.patch("service/a", {"spec": {"selector": {"nats_cluster": "b"}}})
    until("the Service is mended", lambda: _selects(kubectl, "a"))
    _policy_comes_and_goes(kubectl, found)
    kubectl("delete", "pod", "a-1", "--wait=false", "--grace-period=1")
    found.until_replaced("a-1", before["a-1"])
    found.patch(size=1)
    until("it has one server", lambda: len(found.uids()) == 1)
    found.ready()
    kubectl("delete", "natsserviceroles", "worker")
    until("the token is gone", lambda: "worker-a-bound-token" not in _names(kubectl, "secrets"))
    found.ready()
    events = kubectl("get", "events", "-o", "jsonpath={.items[*].reason}").split()
    assert {"CreatedServers", "BoundToken", "ReloadedServer", "UpdatedObjects"} <= set(events)
    said = [line for line in release.logs().splitlines() if "is forbidden: User" in line]
    assert [line for line in said if "cannot check the installed CRD" not in line] == []
    assert bool(said) == (mode == NAMESPACED)
    _has_none_beyond(release, elsewhere)


def _policy_comes_and_goes(kubectl: Kubectl, found: Cluster) -> None:
    found.patch(networkPolicy={})
    until("the NetworkPolicy is there", lambda: "a" in _names(kubectl, "networkpolicies"))
    found.patch(networkPolicy=None)
    until("the NetworkPolicy is gone", lambda: "a" not in _names(kubectl, "networkpolicies"))


def _names(kubectl: Kubectl, kind: str) -> set[str]:
    return {item["metadata"]["name"] for item in kubectl.list(kind)}


def _has_none_beyond(release: Release, elsewhere: Kubectl) -> None:
    """Rights that operators often have, and that lead to others."""
    for namespace in (release.kubectl.namespace, elsewhere.namespace):
        for verb, resource, *flags in (
            ("patch", "natsclusters"),
            ("create", "natsclusters"),
            ("create", "pods", "--subresource=exec"),
            ("get", "pods", "--subresource=log"),
            ("delete", "services"),
            ("create", "serviceaccounts"),
            ("create", "rolebindings"),
            ("escalate", "roles"),
            ("list", "customresourcedefinitions"),
            ("patch", "customresourcedefinitions"),
            ("list", "namespaces"),
            ("get", "nodes"),
            ("impersonate", "users"),
        ):
            assert not release.can(verb, resource, namespace, *flags), (verb, resource)
    assert not release.can("update", "leases/other", release.kubectl.namespace)
    assert not release.can("update", "leases/nats-operator", elsewhere.namespace)


def _selects(kubectl: Kubectl, cluster: str) -> bool:
    selector = kubectl.get("service", cluster)["spec"]["selector"]
    return bool(selector["nats_cluster"] == cluster)


def test_namespaced_it_has_no_right_outside(install: Install, elsewhere: Kubectl) -> None:
    """What a ServiceAccount without any role may do, and not a thing more."""
    release = install()
    other = elsewhere.namespace
    assert release.allowed(other) == nobody(elsewhere, other)
    here = release.kubectl.namespace
    assert release.allowed(here) > nobody(elsewhere, here)
    cluster = Cluster(elsewhere, "a").apply(size=1, version=NEW)
    Cluster(release.kubectl, "b").apply(size=1, version=NEW).ready()
    assert "status" not in cluster.get()


def test_several_namespaces_in_one_release(alone: Kubectl, elsewhere: Kubectl) -> None:
    """By Roles in each; it has no right in others, and its own namespace may be one of them."""
    with (
        temporary_namespace(alone, RESTRICTED) as home,
        temporary_namespace(alone) as first,
        temporary_namespace(alone) as second,
    ):
        release = Release(home)
        release.install(f"watchNamespaces={{{first.namespace},{second.namespace}}}")
        clusters = [Cluster(k, "a").apply(size=1, version=NEW) for k in (first, second)]
        outside = [Cluster(k, "a").apply(size=1, version=NEW) for k in (home, elsewhere)]
        for cluster in clusters:
            cluster.ready()
            assert cluster.get()["status"]["operator"] == f"{home.namespace}/nats-operator"
        assert ["status" in cluster.get() for cluster in outside] == [False, False]
        there = elsewhere.namespace
        assert release.allowed(there) == nobody(elsewhere, there)
        said = [line for line in release.logs().splitlines() if "is forbidden: User" in line]
        assert [line for line in said if "cannot check the installed CRD" not in line] == []
        release.uninstall()


OTHER = "docker.io/natsctl/nats-operator:9.9.9"
LABEL = "example.test/form"
"""An image that stands for another version, and what it writes on everything."""
OTHER_CODE = {
    "natsctl.render.metadata": f"""
_before = common_labels
def common_labels(target):
    return {{**_before(target), "{LABEL}": "other"}}
""",
    "natsctl.render.config.conf": """
_before = server_config
def server_config(target):
    return {**_before(target), "max_control_line": 8192}
""",
}
"""Modules whose forms of objects are others in that version, by the code at their ends."""


def forms(cluster: Cluster) -> set[str]:
    """What its Services and its Secret have in that label now."""
    found = cluster.kubectl.list("services,secrets", cluster.selector)
    return {o["metadata"]["labels"].get(LABEL, "") for o in found}


def test_two_versions_do_not_fight(install: Install, tmp_path: Path) -> None:
    """An upgrade and a rollback change the form of every object once, and disturb no server.

    The version upgraded to has other forms of objects and of the configuration. While replicas of
    both run, nothing is written back and forth.
    """
    release = install()
    reloads = {"enableConfigReload": True}
    cluster = Cluster(release.kubectl, "a").apply(size=2, version=NEW, pod=reloads).ready()
    images.other_version(OTHER, OTHER_CODE, tmp_path)
    tag = OTHER.rpartition(":")[2]
    with cluster.history() as history:
        first, led = release.names(), release.leader()
        with cluster.history("services") as services, cluster.history("secrets") as secrets:
            release.upgrade("logFormat=json", f"image.tag={tag}")
            until("no replica of before is left", lambda: not first & release.names())
            second = release.names()
            until("a new replica leads", lambda: release.leader() in second)
            assert release.leader() != led
            until("all objects are of the new version", lambda: forms(cluster) == {"other"})
            cluster.ready()
            assert cluster.config()["max_control_line"] == 8192
            assert release.logs().count('{"') > 2
            release.rollback()
            until("one of the rolled back leads", lambda: release.leader() in release.names())
            until("all objects are of the old version", lambda: forms(cluster) == {""})
            cluster.ready()
            assert "max_control_line" not in cluster.config()
        for told in (services.values(LABEL), secrets.values(LABEL)):
            assert told
            assert all(values == ["", "other", ""] for values in told.values()), told
    assert set(cluster.uids()) == {"a-1", "a-2"}
    assert history.removed() == []


def test_crds_are_upgraded_with_the_release(install: Install, alone: Kubectl) -> None:
    """And by no other release; one that needs newer ones says whose they are."""
    forget_owner(alone, *CRDS)
    release = install()
    here = release.kubectl.namespace
    assert {owner(alone.get("crd", name)) for name in CRDS} == {here}
    second = install()
    assert owner(alone.get("crd", CRDS[0])) == here
    old = {"metadata": {"annotations": {"nats.io/schema-revision": "1"}}}
    alone.patch(f"crd/{CRDS[0]}", old)
    with pytest.raises(HelmFailed, match=f"release nats-operator in namespace {here} installed it"):
        second.upgrade("logLevel=debug")
    release.upgrade("logLevel=debug")
    notes = alone.get("crd", CRDS[0])["metadata"]["annotations"]
    assert int(notes["nats.io/schema-revision"]) > 1
    second.upgrade("logLevel=debug")


def test_clusters_outlive_a_release(install: Install, alone: Kubectl) -> None:
    """Servers and CRDs stay; another release goes on with them as they are."""
    release = install()
    cluster = Cluster(release.kubectl, "a").apply(size=2, version=NEW).ready()
    before = cluster.uids()
    release.uninstall()
    assert all(alone.get("crd", name) for name in CRDS)
    cluster.meshed(2, NEW)
    release.install()
    cluster.patch(size=3)
    cluster.ready().meshed(3, NEW)
    assert before.items() <= cluster.uids().items()


@pytest.mark.parametrize(
    ("folder", "home", "mode"),
    [("deploy", "default", NAMESPACED), ("deploy/cluster-scoped", "nats-io", EVERYWHERE)],
)
def test_the_manifests_work_as_they_are(
    alone: Kubectl, elsewhere: Kubectl, folder: str, home: str, mode: str
) -> None:
    """`kubectl apply -f` of both files, in this order."""
    files = [str(render.ROOT / folder / name) for name in FILES]
    if home != "default":
        alone.apply(namespace_manifest(home, RESTRICTED))
    release = Release(alone.within(home))
    managed = release.kubectl if mode == NAMESPACED else elsewhere
    cluster = Cluster(managed, "example-nats-cluster")
    try:
        for file in files:
            release.kubectl("apply", "-f", file)
        release.kubectl(
            "rollout", "status", "deployment/nats-operator", f"--timeout={patient(60):.0f}s"
        )
        cluster.apply(size=3, version=NEW).ready().meshed(3, NEW)
        cluster.delete()
    finally:
        managed("delete", "nats", "example-nats-cluster", "--ignore-not-found")
        for file in reversed(files):
            _delete_all_but_crds(release.kubectl, Path(file))
        until("the operators end", lambda: not release.pods())


FILES = ("00-prereqs.yaml", "10-deployment.yaml")


def _delete_all_but_crds(kubectl: Kubectl, file: Path) -> None:
    """The CRDs are those of all tests."""
    documents = file.read_text().split("\n---\n")
    kept = [text for text in documents if "kind: CustomResourceDefinition" not in text]
    kubectl("delete", "--ignore-not-found", "-f", "-", stdin="\n---\n".join(kept))
