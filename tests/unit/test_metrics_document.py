"""docs/metrics-and-alerts.md names every metric and every alert, and nothing else."""

from __future__ import annotations

import re

from prometheus_client.metrics import MetricWrapperBase

import natsctl.controllers.runtime.metrics
import natsctl.kube.metrics
from deploy.render import ROOT
from natsctl.controllers.cluster.metrics_series import FAMILIES
from tests.compat import labels_of, name_and_type
from tests.unit.test_alerts import alerts

DOCUMENT = (ROOT / "docs" / "metrics-and-alerts.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) ?\| (.+) \|$", re.MULTILINE)
OF_SERVERS = {"server"}
Told = dict[str, tuple[str, frozenset[str]]]


def told() -> Told:
    """Type and labels by name; those of clusters and servers without the ones that all have."""
    return {
        name: (kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels, _ in ROW.findall(DOCUMENT)
    }


def counted() -> Told:
    """What modules define; the client shows labels of a metric only once it has series."""
    modules = (natsctl.kube.metrics, natsctl.controllers.runtime.metrics)
    found = (m for module in modules for m in vars(module).values())
    metrics = [m for m in found if isinstance(m, MetricWrapperBase)]
    return {
        name + ("_total" if kind == "counter" else ""): (kind, frozenset(labels_of(metric)))
        for metric in metrics
        for name, kind in (name_and_type(metric),)
    }


def shown() -> Told:
    return {
        f.name + ("_total" if f.kind == "counter" else ""): (
            f.kind,
            frozenset(f.labels) - OF_SERVERS,
        )
        for f in FAMILIES
    }


def test_every_metric_is_told_as_it_is() -> None:
    assert len(counted()) > 20
    assert told() == counted() | shown()


def test_every_alert_has_its_section() -> None:
    sections = re.findall(r"^### (\w+)\n\n(\w+), (?:after|immediately)", DOCUMENT, re.MULTILINE)
    assert dict(sections) == {
        name: alert["labels"]["severity"].capitalize() for name, alert in alerts().items()
    }
