"""The chart and the manifests agree with the code, with each other and with their documents."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import natsctl
from deploy import render
from natsctl.api.schema.crds import crds
from testbed import components
from testbed.layout import cache

VALUES = yaml.safe_load((render.CHART / "values.yaml").read_text())
SCHEMA = json.loads((render.CHART / "values.schema.json").read_text())
FREE = {"resources", "affinity"}
"""Values whose content is Kubernetes' own."""
SELECTORS = "serviceAccounts.namespaceSelectors=true"
ALPHA = "featureGates.jetStream=true"
NO_VOLUMES = "rbac.persistentVolumeClaims=false"
REPLACING = "rbac.deletePersistentVolumeClaims=true"


@pytest.fixture(scope="module")
def helm() -> str:
    """The testbed's helm; the end-to-end tests build it, and check the same."""
    found = cache() / components.key(components.BY_PROGRAM["helm"]) / "helm"
    if not found.exists():
        pytest.skip("helm is not built yet: make helm")
    return str(found)


def rules(objects: list[dict[str, Any]], kind: str) -> set[tuple[str, str]]:
    """`(resource, verb)` of all roles of a kind."""
    return {
        (resource, verb)
        for found in objects
        if found["kind"] == kind
        for rule in found["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def arguments(objects: list[dict[str, Any]]) -> list[str]:
    """What the operator is started with."""
    (deployment,) = (o for o in objects if o["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    found: list[str] = container["args"]
    return found


def test_its_crds_and_rights_are_those_of_the_code() -> None:
    """`make chart` writes them."""
    for name, text in render.chart_files().items():
        assert (render.ROOT / name).read_text() == text, name
        assert "{{" not in text


def test_its_version_is_that_of_the_code() -> None:
    chart = yaml.safe_load((render.CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == natsctl.__version__


def keys(values: dict[str, Any], schema: dict[str, Any], path: str = "") -> list[str]:
    """Where values and schema differ in the keys they know."""
    known = schema.get("properties", {})
    wrong = [f"{path}{key}" for key in values.keys() ^ known.keys()]
    for key in values.keys() & known.keys():
        if "properties" in known[key]:
            wrong += keys(values[key], known[key], f"{path}{key}.")
    return wrong


def test_the_schema_knows_each_value_and_no_other() -> None:
    """`global` is Helm's own; `cluster` and two numbers of the probe are told apart or left out."""
    others = {"global", "cluster"}
    others |= {f"startupProbe.{key}" for key in ("initialDelaySeconds", "successThreshold")}
    assert set(keys(VALUES, SCHEMA)) == others


def test_every_value_is_explained() -> None:
    """By a comment above it, above its group, or beside it."""
    text = (render.CHART / "values.yaml").read_text()
    groups = re.split(r"\n\n+", text)
    assert [group for group in groups if "#" not in group and len(group.splitlines()) > 9] == []


class TestRendered:
    def test_manifests_are_up_to_date(self, helm: str) -> None:
        """`make manifests` writes them."""
        for name, text in render.manifests(helm).items():
            assert (render.ROOT / name).read_text() == text, name

    def test_namespaced_it_has_no_right_outside(self, helm: str) -> None:
        objects = render.rendered(helm, "here")
        kinds = {o["kind"] for o in objects}
        assert not {kind for kind in kinds if kind.startswith("Cluster")}
        assert {o["metadata"].get("namespace", "here") for o in objects} == {"here"}
        assert ("pods", "create") in rules(objects, "Role")

    def test_cluster_scoped_only_the_lease_needs_a_role(self, helm: str) -> None:
        namespaced = render.rendered(helm, "here")
        everywhere = render.rendered(helm, "here", "clusterScoped=true")
        lease = {("leases", verb) for verb in ("create", "get", "update")}
        assert rules(everywhere, "Role") == lease
        assert rules(everywhere, "ClusterRole") == rules(namespaced, "Role") - lease | {
            ("customresourcedefinitions", "get"),
            ("leases", "get"),
        }

    @pytest.mark.parametrize("mode", ["clusterScoped=false", "clusterScoped=true"])
    def test_no_rule_is_a_wildcard(self, helm: str, mode: str) -> None:
        objects = render.rendered(helm, "here", mode)
        found = rules(objects, "Role") | rules(objects, "ClusterRole")
        assert not [rule for rule in found if "*" in rule]

    def test_every_rule_has_its_reason_in_the_documents(self, helm: str) -> None:
        objects = render.rendered(helm, "here", "clusterScoped=true", SELECTORS, ALPHA, REPLACING)
        told = documented(render.ROOT / "docs" / "security.md")
        assert told == rules(objects, "Role") | rules(objects, "ClusterRole")

    def test_tokens_can_be_left_out(self, helm: str) -> None:
        objects = render.rendered(helm, "here", "rbac.serviceAccountTokens=false")
        assert not [r for r, _ in rules(objects, "Role") if r.startswith("serviceaccounts")]

    def test_volumes_are_made_only_by_who_may(self, helm: str) -> None:
        without = rules(render.rendered(helm, "here", ALPHA, NO_VOLUMES), "Role")
        added = rules(render.rendered(helm, "here", ALPHA), "Role") - without
        verbs = ("get", "list", "watch", "create", "patch")
        assert added == {("persistentvolumeclaims", verb) for verb in verbs}

    def test_volumes_are_deleted_only_by_who_asks_for_it(self, helm: str) -> None:
        without = rules(render.rendered(helm, "here", ALPHA), "Role")
        found = rules(render.rendered(helm, "here", ALPHA, REPLACING), "Role")
        assert found - without == {("persistentvolumeclaims", "delete")}
        neither = render.rendered(helm, "here", ALPHA, REPLACING, NO_VOLUMES)
        assert not [rule for rule in rules(neither, "Role") if rule[0] == "persistentvolumeclaims"]

    def test_namespaces_are_read_only_by_who_asks_for_selectors(self, helm: str) -> None:
        without = render.rendered(helm, "here", "clusterScoped=true")
        objects = render.rendered(helm, "here", "clusterScoped=true", SELECTORS)
        assert rules(objects, "ClusterRole") - rules(without, "ClusterRole") == {
            ("namespaces", "list"),
            ("namespaces", "watch"),
        }
        assert not [rule for rule in rules(without, "ClusterRole") if rule[0] == "namespaces"]
        assert rules(objects, "Role") == rules(without, "Role")
        flag = "--namespace-selectors"
        assert [flag in arguments(each) for each in (objects, without)] == [True, False]

    def test_everything_optional_can_be_had_at_once(self, helm: str) -> None:
        switches = ("serviceMonitor", "prometheusRule", "networkPolicy", "flowSchema")
        objects = render.rendered(helm, "here", *(f"{name}.enabled=true" for name in switches))
        kinds = {o["kind"] for o in objects}
        assert kinds >= {"ServiceMonitor", "PrometheusRule", "NetworkPolicy", "FlowSchema"}

    def test_alerts_lead_to_the_runbooks_of_the_platform(self, helm: str) -> None:
        values = (
            "prometheusRule.enabled=true",
            "prometheusRule.runbookUrl=https://wiki.test/nats/",
        )
        objects = render.rendered(helm, "here", *values)
        (rule,) = (o for o in objects if o["kind"] == "PrometheusRule")
        alerts = [alert for group in rule["spec"]["groups"] for alert in group["rules"]]
        links = {alert["annotations"]["runbook_url"] for alert in alerts}
        assert len(links) == len(alerts) > 10
        assert all(link.startswith("https://wiki.test/nats/metrics-and-") for link in links)

    def test_dashboards_are_found_by_grafana(self, helm: str) -> None:
        objects = render.rendered(helm, "here", "dashboards.enabled=true")
        found = [o for o in objects if "grafana_dashboard" in o["metadata"].get("labels", {})]
        texts = [text for o in found for text in o["data"].values()]
        files = sorted((render.CHART / "files" / "dashboards").glob("*.json"))
        assert [json.loads(t) for t in texts] == [json.loads(f.read_text()) for f in files]
        assert len({json.loads(text)["uid"] for text in texts}) == len(files) == 2

    def test_crds_stay_when_the_release_goes(self, helm: str) -> None:
        found = [o for o in render.rendered(helm, "here") if o["kind"].endswith("Definition")]
        assert len(found) == len(crds())
        for crd, original in zip(found, crds(), strict=True):
            assert crd["metadata"]["annotations"].pop("helm.sh/resource-policy") == "keep"
            assert crd == original

    @pytest.mark.parametrize(
        ("value", "says"),
        [
            ("replicas=3", "'replicas' not allowed"),
            ("logLevel=loud", "logLevel"),
            ("cluster.create=true", "a NatsCluster is not part of the operator's release"),
            (SELECTORS, "serviceAccounts.namespaceSelectors is set and clusterScoped is not"),
            ("serviceAccounts.namespaceSelectors=some", "namespaceSelectors"),
            ("serviceMonitor.enabled=true,podMonitor.enabled=true", "scrape everything twice"),
        ],
    )
    def test_a_wrong_value_is_named(self, helm: str, value: str, says: str) -> None:
        with pytest.raises(ValueError, match=re.escape(says)):
            render.rendered(helm, "here", value)

    def test_hard_anti_affinity_makes_room_before_it_starts_another(self, helm: str) -> None:
        objects = render.rendered(helm, "here", "antiAffinity=hard")
        (deployment,) = (o for o in objects if o["kind"] == "Deployment")
        strategy = deployment["spec"]["strategy"]["rollingUpdate"]
        assert strategy == {"maxSurge": 0, "maxUnavailable": 1}

    def test_an_image_can_be_pinned(self, helm: str) -> None:
        digest = "sha256:" + "0" * 64
        objects = render.rendered(helm, "here", f"image.digest={digest}", "image.registry=r.test")
        (deployment,) = (o for o in objects if o["kind"] == "Deployment")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        image = f"r.test/natsctl/nats-operator@{digest}"
        assert container["image"] == image
        assert {"name": "NATSCTL_IMAGE", "value": image} in container["env"]

    def test_lint_has_nothing_to_say(self, helm: str) -> None:
        command = [helm, "lint", "--strict", "--quiet", str(render.CHART)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def documented(page: Path) -> set[tuple[str, str]]:
    """`(resource, verb)` of the tables of rules in a document."""
    rows = re.findall(r"^\| `([\w/, `]+)` \| ([\w, ]+) \|", page.read_text(), re.MULTILINE)
    return {
        (resource.strip(), verb.strip())
        for resources, verbs in rows
        for resource in resources.replace("`", "").split(",")
        for verb in verbs.split(",")
    }
