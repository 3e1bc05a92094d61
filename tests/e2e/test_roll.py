"""A change that needs a restart takes one server at a time, and stops at the first that fails."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.clusters import NEW, NEXT, Cluster
from tests.e2e.conftest import Managing
from tests.e2e.history import History
from tests.e2e.kubectl import Kubectl, until

Apply = Callable[..., Cluster]
BROKEN: dict[str, Any] = {"spec": {"containers": [{"name": "nats", "args": ["--no-such-flag"]}]}}


@pytest.fixture(scope="module")
def kept(common: Kubectl) -> Cluster:
    """A cluster of two that the tests of single changes share."""
    return Cluster(common, "a").apply(size=2, version="2.9.25").ready()


def each_once(history: History, *pods: str) -> None:
    """The pods were replaced in this order, each once, and one at a time."""
    assert history.removed() == list(pods)
    assert sorted(history.created()) == sorted([*pods, *pods])
    assert history.fewest_serving(len(pods)) == len(pods) - 1


CHANGES: dict[str, dict[str, Any]] = {
    "version": {"version": NEW},
    "serverImage": {"serverImage": "docker.io/library/nats"},
    "template": {"template": {"metadata": {"labels": {"tier": "one"}}}},
    "pod.resources": {"pod": {"resources": {"requests": {"cpu": "10m"}}}},
    "pod.natsEnv": {"pod": {"natsEnv": [{"name": "COLOUR", "value": "red"}]}},
    "natsConfig.maxPending": {"natsConfig": {"maxPending": 1048576}},
    "lameDuckDurationSeconds": {"lameDuckDurationSeconds": 30},
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_change_restarts_one_server_at_a_time(
    kept: Cluster, operator: Managing, field: str
) -> None:
    """From the highest index; the events say which field it was."""
    with kept.ready().history() as history:
        kept.patch(**CHANGES[field])
        kept.ready()
        each_once(history, "a-2", "a-1")
    events = kept.kubectl("get", "events")
    assert f"restarting a-2: spec.{field} changed" in events
    assert f"restarting a-1: spec.{field} changed" in events


def test_a_change_of_routes_restarts_nothing(cluster: Apply) -> None:
    """It is in nats.conf, and where nobody can reload the status says when it takes effect."""
    found = cluster("a", size=1, version="2.9.25").ready()
    before = found.uids()
    found.patch(extraRoutes=[{"route": "nats://127.0.0.1:7222"}])
    found.ready()
    assert "nats://127.0.0.1:7222" in found.config()["cluster"]["routes"]
    until(
        "the server says so",
        lambda: "spec.extraRoutes changed: takes effect at" in messages(found).get("a-1", ""),
    )
    assert found.uids() == before


def messages(cluster: Cluster) -> dict[str, str]:
    """What each server in the status waits for."""
    return {s["name"]: s.get("message", "") for s in cluster.status().get("servers", [])}


def test_a_roll_stops_at_the_first_server_that_fails(cluster: Apply) -> None:
    """The others keep serving and say why they wait; reverting the spec ends it cleanly."""
    found = cluster("a", size=3, version=NEW).ready()
    before = found.uids()
    with found.history() as history:
        found.patch(template=BROKEN)
        found.until_condition("Degraded", "True", "a-3", reason="CrashLoopBackOff", seconds=90)
        found.until_condition("Progressing", "True", "restarting a-2, a-1", "waiting: a-3")
        assert "spec.template changed" in messages(found)["a-2"]
        assert "waiting: a-2 restarts first" in messages(found)["a-1"]
        status = found.status()
        assert (status["readyReplicas"], status["currentVersion"]) == (2, NEW)
        assert history.fewest_serving(3) == 2
        found.patch(template=None)
        found.ready().meshed(3, NEW)
        assert history.removed() == ["a-3", "a-3"]
    after = found.uids()
    assert {n: after[n] for n in ("a-1", "a-2")} == {n: before[n] for n in ("a-1", "a-2")}


@pytest.fixture(params=[signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def interrupted(request: pytest.FixtureRequest, operator: Managing) -> Callable[[], None]:
    """Ends the operator, a process meanwhile, and starts another, which goes on."""
    running = operator.as_process()

    def again() -> None:
        running.signal(request.param)
        running.start()

    return again


def test_another_operator_goes_on_with_an_upgrade(
    cluster: Apply, interrupted: Callable[[], None]
) -> None:
    """No step is done twice: every pod is replaced exactly once."""
    found = cluster("a", size=3, version=NEW).ready()
    with found.history() as history:
        found.patch(version=NEXT)
        until("the first server leaves", history.removed, pause=0.01)
        interrupted()
        found.ready().meshed(3, NEXT)
        each_once(history, "a-3", "a-2", "a-1")


def test_another_operator_goes_on_with_a_creation(
    cluster: Apply, interrupted: Callable[[], None]
) -> None:
    """Nothing is created twice."""
    found = cluster("a", size=3, version=NEW)
    until("the first pod is there", found.uids, pause=0.01)
    early = found.uids()
    interrupted()
    found.ready().meshed(3, NEW)
    assert {n: uid for n, uid in found.uids().items() if n in early} == early
