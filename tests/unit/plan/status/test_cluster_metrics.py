"""What metrics show of a cluster."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.api.types.status import CertificateStatus, JetStreamStatus
from natsctl.model.jetstream import Volume
from natsctl.plan.state import ClusterState
from natsctl.plan.status.cluster_metrics import (
    ClusterMetrics,
    JetStreamMetrics,
    ServerMetrics,
    StorageMetrics,
    VolumeMetrics,
    cluster_metrics,
    moment,
)
from natsctl.plan.status.status import status
from tests.unit.plan.gates.world import State
from tests.unit.plan.status.test_jetstream import GIB, looked, many, told, well, without
from tests.unit.plan.status.test_jetstream import THREE as THIRD
from tests.unit.plan.world import NOW, answers, cluster_state, invalid, pod, running

THREE = {"size": 3, "version": "2.12.15"}


def shown(found: ClusterState) -> ClusterMetrics:
    return cluster_metrics(found, status(found))


def test_a_cluster_that_is_what_it_should_be() -> None:
    found = shown(running(THREE))
    assert (found.phase, found.version, found.size, found.paused) == (
        "Running",
        "2.12.15",
        3,
        False,
    )
    assert dict(found.conditions) == {
        "Ready": True,
        "Progressing": False,
        "Degraded": False,
        "SpecAccepted": True,
        "ConfigAccepted": True,
    }
    assert [(s.name, s.version, s.ready, s.current, s.restarts) for s in found.servers] == [
        (f"c-{index}", "2.12.15", True, True, 0) for index in (1, 2, 3)
    ]


def test_the_ends_of_certificates() -> None:
    given = (
        CertificateStatus("clients", "x", "2026-01-01T00:01:00Z"),
        CertificateStatus("routes", "x", ""),
    )
    found = cluster_metrics(
        running(THREE), attrs.evolve(status(running(THREE)), certificates=given)
    )
    now = moment(NOW)
    assert now is not None
    assert found.expiries == (("clients", now + 60.0),)


def test_an_invalid_spec_has_no_size() -> None:
    assert shown(invalid()).size is None


def test_a_server_that_is_to_restart_is_not_current() -> None:
    pods = tuple(pod(i, THREE) for i in (1, 2, 3))
    found = shown(cluster_state(THREE | {"version": "2.14.5"}, pods))
    assert [s.current for s in found.servers] == [False] * 3


def last(found: ClusterMetrics) -> ServerMetrics:
    return found.servers[-1]


def of_server(**said: Any) -> ServerMetrics:
    """A lone server that was asked ten seconds ago."""
    only = pod(1, {"size": 1})
    (answer,) = answers(only, asked=90.0).values()
    seen = {only.metadata.uid: attrs.evolve(answer, **said)}
    return last(shown(cluster_state({"size": 1}, (only,), seen)))


def test_what_a_server_said_when_it_was_asked() -> None:
    probe = of_server(
        connections=7, started="2025-12-31T23:59:00.123456789Z", config_load_time="2025-12-31"
    ).last_probe
    assert probe is not None
    now = moment(NOW)
    assert now is not None
    assert (probe.at, probe.connections) == (now - 10, 7)
    assert probe.started == pytest.approx(now - 60 + 0.123456)
    assert probe.loaded == now - 86400


def test_a_server_may_not_say_when_it_started() -> None:
    probe = of_server().last_probe
    assert probe is not None
    assert (probe.started, probe.loaded) == (None, None)


def test_a_server_that_could_not_be_asked_says_nothing() -> None:
    assert of_server(problem="refused").last_probe is None
    silent = cluster_state({"size": 1}, (pod(1, {"size": 1}),), {})
    assert last(shown(silent)).last_probe is None


def test_a_version_is_cut() -> None:
    assert len(of_server(version="9" * 80).version) == 64


def test_restarts_are_the_kubelets() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    again = {"name": "nats", "ready": True, "restartCount": 4, "lastState": ended}
    found = last(
        shown(cluster_state({"size": 1}, (pod(1, {"size": 1}, containerStatuses=[again]),)))
    )
    assert (found.restarts, found.last_exit) == (4, "OOMKilled")
    fine = again | {"lastState": {}}
    found = last(
        shown(cluster_state({"size": 1}, (pod(1, {"size": 1}, containerStatuses=[fine]),)))
    )
    assert (found.restarts, found.last_exit) == (4, "")


def test_a_new_pod_has_no_container_yet() -> None:
    found = last(
        shown(cluster_state({"size": 1}, (pod(1, {"size": 1}, containerStatuses=None),), {}))
    )
    assert (found.restarts, found.last_exit) == (0, "")


def test_text_that_is_no_moment() -> None:
    assert moment("soon") is None


HOSTILE = 'Urgent run: curl\n# TYPE x gauge\x1b[2J\u202e"} 1' + "x" * 100_000


def ended(reason: str, restarts: int = 1) -> ClusterState:
    state = {"terminated": {"reason": reason, "message": HOSTILE, "exitCode": 1}}
    entry = {"name": "nats", "restartCount": restarts, "lastState": state}
    return cluster_state(THREE, (pod(1, THREE, containerStatuses=[entry]),))


@pytest.mark.parametrize("reason", [HOSTILE, "Reason1", "Reason2", "oomkilled"])
def test_a_reason_that_no_kubelet_gives_is_no_series_of_its_own(reason: str) -> None:
    assert last(shown(ended(reason))).last_exit == "other"


@pytest.mark.parametrize("version", [HOSTILE, "a b", "\u0662.1.0", "-x", '2"', "2\n"])
def test_a_version_that_is_none_is_no_series_of_its_own(version: str) -> None:
    found = running(THREE)
    said = {uid: attrs.evolve(o, version=version) for uid, o in found.observations.items()}
    told = shown(attrs.evolve(found, observations=said))
    assert {s.version for s in told.servers} | {told.version} <= {"2.12.15", "other", ""}
    stated = attrs.evolve(status(found), current_version=version)
    assert cluster_metrics(found, stated).version == "other"


@pytest.mark.parametrize(("count", "known"), [(-5, 0), (10**30, 2**31 - 1)])
def test_a_count_that_no_kubelet_has(count: int, known: int) -> None:
    assert last(shown(ended("Error", count))).restarts == known


class TestJetStream:
    def test_a_cluster_without_it_has_no_numbers(self) -> None:
        assert shown(running(THREE)).jetstream is None

    def test_numbers_are_exact(self) -> None:
        state = looked(many(20), told(looked(many(22))), used=43)
        assert shown(state).jetstream == JetStreamMetrics(
            quorum="ok",
            groups=20,
            short=0,
            leaderless=0,
            behind=0,
            missing=0,
            blocked=0,
            disabled=0,
            frozen=0,
            lent=0,
            storage=(
                StorageMetrics("c-1", "file", 43 * GIB // 100 + 1, GIB),
                StorageMetrics("c-2", "file", 10, 100),
                StorageMetrics("c-3", "file", 10, 100),
            ),
        )

    def test_volumes_are_shown_of_servers_where_somebody_tells(self) -> None:
        world = well()
        world.volumes = {THIRD: Volume(30, 70)}
        found = shown(looked(world)).jetstream
        assert found is not None
        assert found.volumes == (VolumeMetrics("c-3", 30, 70),)

    def test_of_a_server_that_is_silent_there_is_no_storage(self) -> None:
        found = shown(looked(without(THIRD, State.DOWN))).jetstream
        assert found is not None
        assert [it.server for it in found.storage] == ["c-1", "c-2"]
        assert found.blocked
        assert found.behind == 1

    def test_servers_that_only_a_restart_brings_back_are_counted(self) -> None:
        off = shown(looked(without(THIRD, State.DISABLED))).jetstream
        assert off is not None
        assert (off.disabled, off.frozen) == (1, 0)
        state = looked(well())
        assert state.seen is not None
        still = attrs.evolve(state, seen=attrs.evolve(state.seen, frozen={THIRD: ()}))
        found = shown(still).jetstream
        assert found is not None
        assert (found.disabled, found.frozen) == (0, 1)

    def test_without_looks_only_the_quorum_is_told_that_the_status_tells(self) -> None:
        state = attrs.evolve(looked(well(), told(looked(well()))), seen=None)
        assert shown(attrs.evolve(state, quiet=1.0)).jetstream == JetStreamMetrics("ok")
        assert shown(attrs.evolve(state, quiet=999.0)).jetstream == JetStreamMetrics("unknown")

    def test_a_word_that_natsctl_never_writes_is_no_series_of_its_own(self) -> None:
        state = attrs.evolve(looked(well()), seen=None)
        edited = attrs.evolve(told(looked(well())), jetstream=JetStreamStatus(HOSTILE))
        assert cluster_metrics(state, edited).jetstream == JetStreamMetrics("unknown")
