"""Dashboards and alerts, asked of a real Prometheus that scrapes the installed operator."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.render import CHART
from natsctl.controllers.cluster.metrics_series import FAMILIES
from testbed import prometheus
from testbed.prometheus import Prometheus
from tests.dashboards import DASHBOARDS, OF_STREAMS, panels
from tests.e2e.certificates import Authority
from tests.e2e.clusters import NEW, NEXT, Cluster
from tests.e2e.conftest import Managing
from tests.e2e.containers import process
from tests.e2e.installed import Installed
from tests.e2e.kubectl import Kubectl, until, until_same

ADDRESS = "127.0.0.1:19090"
ALERTS = CHART / "files" / "alerts.yaml"
METRICS_OF_STREAMS = "natsctl_jetstream_"
"""What only clusters with JetStream have, as the first one here has not."""
OF_CLUSTERS = next(path for path in DASHBOARDS if path.stem == "clusters")
METRIC = re.compile(r"\b(?:natsctl|controller_runtime|leader_election)_\w+")


def queries(dashboard: Path, of_row: str = "", namespace: str = ".*") -> list[tuple[str, str]]:
    """Title and expression of all panels of a row, or of those in none, with all selected."""
    return [
        (panel["title"], selected(target["expr"], namespace))
        for row, panel in panels(dashboard)
        for target in panel["targets"]
        if row == of_row
    ]


def selected(expression: str, namespace: str) -> str:
    """With the values that Grafana would put in."""
    chosen = expression.replace("$namespace", namespace).replace("$__rate_interval", "1m")
    return re.sub(r"\$(job|cluster)\b", ".*", chosen)


def choices(dashboard: Path) -> Iterator[tuple[str, str]]:
    """Name of a variable and an expression that counts what it offers."""
    for variable in json.loads(dashboard.read_text())["templating"]["list"]:
        if variable["type"] == "query":
            (found,) = re.findall(r"^label_values\((.*), (\w+)\)$", variable["query"]["query"])
            metric, label = re.sub(r"\$\w+", ".*", found[0]), found[1]
            yield (
                variable["name"],
                f'count by ({label}) ({metric[:-1]}, {label}!="" }})'
                if (metric.endswith("}"))
                else f'count by ({label}) ({metric}{{{label}!=""}})',
            )


def alerts() -> Iterator[tuple[str, str]]:
    """Name and expression."""
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def numbers(vector: list[dict[str, Any]]) -> list[float]:
    """The values that are numbers."""
    found = (float(sample["value"][1]) for sample in vector)
    return [value for value in found if not math.isnan(value)]


def asked(metric: str, namespace: str) -> str:
    """An expression for the sum of a metric in a namespace."""
    return f'sum({metric}{{nats_namespace="{namespace}"}})'


@pytest.fixture(scope="module")
def seen(
    installed: Managing, common: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A Prometheus that was there when a cluster with a certificate was made, upgraded and hit."""
    installed.ensure()
    if not isinstance(installed, Installed):
        pytest.skip("the operator is a process here")
    replicas = [f"{pod['status']['podIP']}:8080" for pod in installed.release.pods()]
    common.apply(Authority().for_clients("a", common.namespace))
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus.running(folder, ADDRESS, {"nats-operator": replicas}) as found:
        a = Cluster(common, "a").apply(size=1, version=NEW, tls={"serverSecret": "clients-tls"})
        a.ready()
        a.patch(version=NEXT)
        until("the upgrade", lambda: a.status().get("currentVersion") == NEXT)
        a.ready()
        os.kill(process(common, "a-1", "nats-server"), signal.SIGKILL)
        exits = asked("natsctl_server_last_exit_info", common.namespace)
        until_same("the crash is told", lambda: numbers(found.query(exits)), [1.0], 30)
        a.ready()
        again = time.time()
        until("all is scraped since", lambda: scraped(found) > again, 10)
        restarts = asked("natsctl_cluster_restarts_total", common.namespace)
        assert numbers(found.query(restarts)) == [1.0]
        yield found


def scraped(found: Prometheus) -> float:
    """Since when every replica was scraped again, in seconds since 1970."""
    return min(numbers(found.query("timestamp(up)")))


@pytest.mark.usefixtures("reaches_pods")
class TestScraped:
    @pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
    def test_every_panel_has_data(self, seen: Prometheus, dashboard: Path) -> None:
        found = queries(dashboard)
        assert len(found) > 15
        assert [title for title, query in found if not numbers(seen.query(query))] == []

    def test_panels_of_streams_are_empty_without_them(
        self, seen: Prometheus, common: Kubectl
    ) -> None:
        """Neither a zero nor a line: the row says that there is no cluster with JetStream."""
        found = queries(OF_CLUSTERS, OF_STREAMS, common.namespace)
        assert len(found) > 10
        assert [title for title, query in found if seen.query(query)] == []

    @pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
    def test_every_variable_has_choices(self, seen: Prometheus, dashboard: Path) -> None:
        assert [name for name, query in choices(dashboard) if not seen.query(query)] == []

    def test_alerts_ask_for_what_there_is(self, seen: Prometheus) -> None:
        for name, expression in alerts():
            seen.query(expression)
            metrics = METRIC.findall(expression)
            assert metrics, name
            expected = [metric for metric in metrics if not metric.startswith(METRICS_OF_STREAMS)]
            assert [metric for metric in expected if not seen.query(metric)] == [], name

    def test_only_the_leader_tells_of_clusters(self, seen: Prometheus, common: Kubectl) -> None:
        mine = f'{{nats_namespace="{common.namespace}"}}'
        assert numbers(seen.query("sum(up)")) == [2.0]
        assert numbers(seen.query("sum(leader_election_master_status)")) == [1.0]
        assert numbers(seen.query(f"count(natsctl_cluster_info{mine})")) == [1.0]

    def test_figures_are_true(self, seen: Prometheus, common: Kubectl) -> None:
        (info,) = seen.query(f'natsctl_server_info{{nats_namespace="{common.namespace}"}}')
        assert (info["metric"]["server"], info["metric"]["version"]) == ("a-1", NEXT)
        ages = [
            numbers(seen.query(f"time() - {asked(metric, common.namespace)}"))[0]
            for metric in (
                "natsctl_server_start_timestamp_seconds",
                "natsctl_server_config_load_timestamp_seconds",
                "natsctl_server_observed_timestamp_seconds",
            )
        ]
        assert all(-2 < age < 60 for age in ages), ages

    def test_a_crash_has_its_reason(self, seen: Prometheus, common: Kubectl) -> None:
        """And is no restart of ours."""
        mine = f'{{nats_namespace="{common.namespace}", server="a-1"}}'
        (crash,) = seen.query(f"natsctl_server_last_exit_info{mine}")
        assert crash["metric"]["reason"] == "Error"
        assert numbers(seen.query(f"natsctl_server_container_restarts_total{mine}")) == [1.0]

    def test_series_go_with_the_cluster(self, seen: Prometheus, common: Kubectl) -> None:
        """The last test: it deletes the cluster."""
        ours = "natsctl_(cluster|server|certificate)_.*"
        mine = f'{{__name__=~"{ours}", nats_namespace="{common.namespace}"}}'
        names = {sample["metric"]["__name__"] for sample in seen.query(mine)}
        kept = [f for f in FAMILIES if not f.name.startswith(METRICS_OF_STREAMS)]
        totals = {f.name + ("_total" if f.kind == "counter" else "") for f in kept}
        assert names == totals
        Cluster(common, "a").delete()
        until("the series are gone", lambda: not seen.query(mine), 20)


@pytest.fixture(scope="module")
def storing(seen: Prometheus, common: Kubectl) -> Iterator[Prometheus]:
    """The same Prometheus, once it knows the streams of another cluster, which has JetStream.

    Its reloader tells how full the volume is.
    """
    spec = {
        "jetstream": {"fileStore": {"pvc": {"size": "64Mi"}}},
        "pod": {"enableConfigReload": True},
    }
    made = Cluster(common, "s").apply(size=1, version=NEXT, **spec)
    made.ready(120)
    groups = asked("natsctl_jetstream_groups", common.namespace)
    until_same("the streams are counted", lambda: numbers(seen.query(groups)), [0.0], 150)
    used = asked("natsctl_jetstream_volume_used_bytes", common.namespace)
    until("the bytes on its volume are known", lambda: numbers(seen.query(used)), 150)
    yield seen
    made.delete()


@pytest.mark.usefixtures("reaches_pods")
class TestStreams:
    """After the other cluster is gone: that has none."""

    def test_every_panel_has_data(self, storing: Prometheus, common: Kubectl) -> None:
        found = queries(OF_CLUSTERS, OF_STREAMS, common.namespace)
        assert [title for title, query in found if not numbers(storing.query(query))] == []

    def test_alerts_ask_for_what_there_is(self, storing: Prometheus) -> None:
        metrics = {m for _, expression in alerts() for m in METRIC.findall(expression)}
        of_streams = {metric for metric in metrics if metric.startswith(METRICS_OF_STREAMS)}
        assert len(of_streams) > 2
        assert {metric for metric in of_streams if not storing.query(metric)} == set()
