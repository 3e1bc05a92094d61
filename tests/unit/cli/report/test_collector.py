"""What a report takes along of a cluster, and what it says of what it may not read."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from natsctl.cli.report.collector import Evidence
from natsctl.cli.report.report import files_of
from natsctl.cli.status.reader import Reader
from natsctl.kube.errors import error_of
from natsctl.kube.transport import Response
from tests.unit.cli.sights import Json, cluster

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
META = {"namespace": "ns", "labels": {"app": "nats", "nats_cluster": "x", "team": "c4nary-team"}}
CLAIM: Json = {
    "metadata": {
        **META,
        "name": "js-x-1",
        "annotations": {"nats.io/server-name": "x-1", "example.com/note": "c4nary-note"},
    },
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "volumeName": "pvc-1",
        "resources": {"requests": {"storage": "10Gi"}},
        "unknown": "c4nary-unknown",
    },
    "status": {"phase": "Bound", "capacity": {"storage": "10Gi"}},
}
BUDGET: Json = {
    "metadata": {**META, "name": "x"},
    "spec": {"maxUnavailable": 0, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
    "status": {"disruptionsAllowed": 0, "currentHealthy": 3, "disruptedPods": {}},
}
STORED = {"persistentvolumeclaims": CLAIM, "poddisruptionbudgets": BUDGET}


@attrs.define
class Answers:
    """A Transport that finds these objects by the plural of their kind, and nothing else."""

    items: dict[str, Json]
    refused: frozenset[str] = frozenset()
    asked: list[tuple[str, Any]] = attrs.field(factory=list)
    host: str = "memory"

    async def request(self, method: str, path: str, **more: Any) -> Response:
        """A list has what there is; an object on its own is not there."""
        plural = path.rpartition("/")[2]
        self.asked.append((plural, more.get("params")))
        if plural in self.refused:
            raise error_of(403, b"{}")
        if "/namespaces/ns/" not in path or plural == "x":
            raise error_of(404, b"{}")
        found = [self.items[plural]] if plural in self.items else []
        return Response(200, json.dumps({"metadata": {}, "items": found}).encode())


def report(api: Answers, **spec: Any) -> dict[str, str]:
    """The files of a report about `ns/x`."""
    evidence = Evidence(Reader(api), NOW, 10)  # type: ignore[arg-type] # not a real Transport
    asyncio.run(evidence.all_of((cluster({"size": 3, **spec}),)))
    return files_of(evidence.documents, evidence.unread, NOW)


@pytest.fixture
def api() -> Answers:
    return Answers(dict(STORED))


def test_claims_and_budgets_of_servers_that_store_streams(api: Answers) -> None:
    files = report(api, jetstream={})
    claims, budgets = files["ns/x/claims.yaml"], files["ns/x/budgets.yaml"]
    shown = ("js-x-1", "storage: 10Gi", "storageClassName: fast", "volumeName: pvc-1", "Bound")
    assert [words for words in shown if words not in claims] == []
    assert "nats.io/server-name: x-1" in claims
    numbers = ("maxUnavailable: 0", "AlwaysAllow", "disruptionsAllowed: 0", "currentHealthy: 3")
    assert [words for words in numbers if words not in budgets] == []
    assert "c4nary" not in "".join(files.values())


def test_only_those_of_the_cluster_are_asked_for(api: Answers) -> None:
    report(api, jetstream={})
    selected = {plural: params["labelSelector"] for plural, params in api.asked if plural in STORED}
    assert selected == dict.fromkeys(STORED, "app=nats,nats_cluster=x")


def test_without_jetstream_nobody_needs_the_right_to_read_them(api: Answers) -> None:
    files = report(api)
    assert not {plural for plural, _ in api.asked} & set(STORED)
    assert not {"ns/x/claims.yaml", "ns/x/budgets.yaml"} & set(files)


def test_an_invalid_spec_may_ask_for_them_too(api: Answers) -> None:
    assert "ns/x/claims.yaml" in report(api, jetstream={"nonsense": 1})


def test_who_may_not_read_them_is_told(api: Answers) -> None:
    api.refused = frozenset(STORED)
    files = report(api, jetstream={})
    assert "ns/x/claims.yaml" not in files
    told = files["unread.txt"].splitlines()
    assert {f"you may not list {plural} in namespace ns" for plural in STORED} <= set(told)
