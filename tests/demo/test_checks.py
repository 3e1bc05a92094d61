"""What the demo takes for a settled cluster, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from demo.clusters import Change, Watched, manifest, unsettled
from demo.follow import Follower
from demo.history import Sighting
from demo.kubectl import Kubectl, documents
from demo.operator import Release
from demo.servers import Answer, check
from demo.teller import DemoFailed, Teller
from demo.traffic import Seats

GOOD = {"Ready": "True", "Progressing": "False", "Degraded": "False"}


def cluster(conditions: dict[str, str] | None = None, **status: Any) -> dict[str, Any]:
    facts = {
        "size": 3,
        "readyReplicas": 3,
        "currentVersion": "2.12.15",
        "phase": "Running",
        "observedGeneration": 2,
    }
    told = [{"type": t, "status": s} for t, s in (GOOD | (conditions or {})).items()]
    return {"metadata": {"generation": 2}, "status": facts | {"conditions": told} | status}


def answer(pod: str, *peers: str, version: str = "2.12.15") -> Answer:
    return Answer(pod, pod.upper(), version, frozenset(peers))


def test_a_cluster_that_is_as_asked_for_is_settled() -> None:
    assert unsettled(cluster(), 3, "2.12.15") == ""


@pytest.mark.parametrize(
    "found",
    [
        cluster(observedGeneration=1),
        cluster({"Ready": "False"}),
        cluster({"Progressing": "True"}),
        cluster({"Degraded": "True"}),
        cluster(size=4),
        cluster(readyReplicas=2),
        cluster(currentVersion="2.14.10"),
        {"metadata": {"generation": 1}},
    ],
)
def test_anything_else_is_not_and_says_why(found: dict[str, Any]) -> None:
    assert unsettled(found, 3, "2.12.15")


def test_a_full_mesh_of_one_version_passes() -> None:
    text = check([answer("a", "B"), answer("b", "A")], "2.12.15")
    assert "2 servers" in text


def test_a_route_to_a_server_that_was_killed_may_last_a_while() -> None:
    answers = [answer("a", "B", "X"), answer("b", "A")]
    assert check(answers, "2.12.15", frozenset({"X"}))


@pytest.mark.parametrize(
    "answers",
    [
        [answer("a", "B"), answer("b")],
        [answer("a", "B", "X"), answer("b", "A")],
        [answer("a", "B", version="2.14.10"), answer("b", "A")],
    ],
    ids=["a route is missing", "a stranger is connected", "another version"],
)
def test_other_servers_fail_the_demo(answers: list[Answer]) -> None:
    with pytest.raises(DemoFailed):
        check(answers, "2.12.15")


@pytest.fixture
def change() -> Change:
    """Of cluster `a`, whose two pods were there before; nothing has happened since."""
    kubectl = Kubectl((), "default")
    pods = Follower(kubectl, "pods")
    pods.sightings += [Sighting(0, "ADDED", name, "old") for name in ("a-1", "a-2")]
    teller, clusters = Teller.of(1), Follower(kubectl, "nats")
    return Watched("a", kubectl, teller, lambda: True, clusters, pods).begin()


def replace(change: Change, name: str) -> None:
    """The pod goes, and a new one comes."""
    change.cluster.pods.sightings += [
        Sighting(1, "DELETED", name, "old"),
        Sighting(1, "ADDED", name, "new"),
    ]


def test_a_pod_is_replaced_once_it_is_a_new_one(change: Change) -> None:
    assert change.not_replaced("a-1") == "a-1 to be replaced"
    replace(change, "a-1")
    assert change.not_replaced("a-1") == ""


def test_each_goes_once_in_any_order(change: Change) -> None:
    for name in ("a-1", "a-2", "b-1"):
        replace(change, name)
    change.expect_each_gone("a-2", "a-1")
    with pytest.raises(DemoFailed, match="in this order"):
        change.expect_gone("a-2", "a-1")
    replace(change, "a-1")
    with pytest.raises(DemoFailed, match="once"):
        change.expect_each_gone("a-2", "a-1")


@pytest.mark.parametrize(
    ("release", "values"),
    [
        (Release(Kubectl((), "x"), "", streams=True), ["featureGates.jetStream=true"]),
        (
            Release(Kubectl((), "x"), "r.example/a/b:1"),
            ["image.registry=r.example", "image.repository=a/b", "image.tag=1"],
        ),
    ],
    ids=["testbed", "a cluster of the user"],
)
def test_only_the_testbed_gets_the_feature_gate(release: Release, values: list[str]) -> None:
    assert release.values == values


def test_documents_that_arrive_in_pieces_are_put_together() -> None:
    found, rest = documents('{"a": 1}\n{"b": {"c": 2}}\n{"d"')
    assert found == [{"a": 1}, {"b": {"c": 2}}]
    assert documents(rest + ": 3}")[0] == [{"d": 3}]


def test_two_clients_never_choose_the_same_server() -> None:
    seats = Seats(["a.x", "b.x", "c.x", "d.x"], present=3)
    for _ in range(12):
        chosen = {seats.choose("one"), seats.choose("two")}
        assert len(chosen) == 2
        assert "d.x" not in chosen


def test_the_image_is_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATSCTL_NATS_IMAGE", "registry.example/nats")
    assert manifest("nats-demo.yaml")["spec"]["serverImage"] == "registry.example/nats"
