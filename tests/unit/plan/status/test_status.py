"""What users read in `status`."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.api.problems import Problem
from natsctl.api.types.status import ClusterStatus, Condition, parse_status, to_json
from natsctl.model import names
from natsctl.model.objects import Pod
from natsctl.model.observation import Observation
from natsctl.model.words import listed
from natsctl.plan.servers.server import overdue_in
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status, troubled
from tests.unit.plan.world import (
    answers,
    changed,
    cluster_state,
    desired,
    failure,
    invalid,
    pod,
    previous,
    running,
    terminating,
)

THREE = {"size": 3, "version": "2.12.15"}
NEWER = {"size": 3, "version": "2.14.5"}
WAS_RUNNING = previous(phase="Running", current_version="2.12.15")


def condition(found: ClusterStatus, kind: str) -> Condition:
    return next(c for c in found.conditions if c.type == kind)


def told(found: ClusterState, kind: str) -> tuple[str, str]:
    verdict = condition(status(found), kind)
    return verdict.status, f"{verdict.reason}: {verdict.message}"


def messages(found: ClusterState) -> dict[str, str]:
    return {s.name: s.message for s in status(found).servers}


def test_a_cluster_that_is_what_it_should_be() -> None:
    found = status(running(THREE))
    assert (found.phase, found.size, found.ready_replicas) == ("Running", 3, 3)
    assert found.current_version == "2.12.15"
    assert found.selector == "app=nats,nats_cluster=c"
    assert found.observed_generation == 1
    assert {c.type: c.status for c in found.conditions} == {
        "Ready": "True",
        "Progressing": "False",
        "Degraded": "False",
        "SpecAccepted": "True",
        "ConfigAccepted": "True",
    }


def test_a_status_that_was_stored_is_not_written_again() -> None:
    first = status(running(THREE))
    stored = parse_status(to_json(first))
    again = running(THREE, status=stored, timestamp="2026-01-01T01:00:00Z")
    assert status(again) == stored


def test_a_condition_that_turns_gets_a_new_time() -> None:
    before = status(cluster_state(THREE))
    later = running(THREE, status=before, timestamp="2026-01-01T01:00:00Z")
    assert condition(status(later), "Ready").last_transition_time == "2026-01-01T01:00:00Z"
    assert condition(status(later), "Degraded").last_transition_time == "2026-01-01T00:00:00Z"


def test_a_new_cluster_is_being_created() -> None:
    new = cluster_state(THREE, services={})
    assert status(new).phase == "Creating"
    assert told(new, "Progressing") == ("True", "StartingServers: waiting for c-1, c-2, c-3")
    assert told(new, "Ready") == ("False", "ServersNotReady: 0 of 3 servers are ready")


def test_a_cluster_without_servers_waits_for_its_objects() -> None:
    new = cluster_state({"size": 0}, services={})
    assert told(new, "Progressing")[1].startswith("UpdatingObjects")
    assert told(new, "Ready") == (
        "False",
        "ObjectsMissing: not created yet: Service c; Service c-mgmt",
    )


def test_an_invalid_spec_is_named_and_changes_nothing_else() -> None:
    bad = invalid(status=WAS_RUNNING)
    assert status(bad).phase == "Failed"
    assert status(bad).current_version == "2.12.15"
    assert "spec.size: use a number" in told(bad, "SpecAccepted")[1]
    assert told(bad, "Ready")[1].startswith("InvalidSpec")
    assert told(bad, "Progressing")[1].startswith("SpecNotAccepted")


def test_the_servers_of_an_invalid_spec_are_still_told() -> None:
    bad = invalid(pods=(pod(1, THREE),), observations=answers(pod(1, THREE)))
    assert [s.name for s in status(bad).servers] == ["c-1"]


def test_an_unknown_field_is_named_and_holds_up_nothing() -> None:
    remark = Problem("spec.colour", "", "unknown field")
    goal = attrs.evolve(desired(THREE), remarks=(remark,))
    other = running(THREE, desired=goal)
    assert told(other, "SpecAccepted")[0] == "True"
    assert "spec.colour" in told(other, "SpecAccepted")[1]


def test_what_the_api_server_left_out_of_pods_is_told_once() -> None:
    """It is the one who knows; but what was told of the spec already is not told again."""
    remark = Problem("spec.template.spec.nodeselector", "", "unknown field")
    goal = attrs.evolve(desired(THREE), remarks=(remark,))
    noted = {names.DROPPED_ANNOTATION: "spec.nodeselector, spec.fromTomorrow"}
    pods = [pod(i, THREE) for i in (1, 2, 3)]
    pods[0] = changed(pods[0], annotations={**(pods[0].metadata.annotations or {}), **noted})
    text = told(cluster_state(THREE, tuple(pods), desired=goal), "SpecAccepted")[1]
    assert text.count("nodeselector") == 1
    assert 'does not support the pod field "spec.fromTomorrow"' in text
    stranger = changed(pods[0], owner_references=())
    assert (
        "fromTomorrow" not in told(cluster_state(THREE, (stranger, *pods[1:])), "SpecAccepted")[1]
    )


def test_an_advice_is_given() -> None:
    advised = running(THREE, desired=desired(THREE, advice="do this"))
    assert told(advised, "SpecAccepted") == ("True", "Accepted: do this")


def test_paused() -> None:
    paused = running(THREE | {"paused": True}, status=WAS_RUNNING)
    assert (status(paused).phase, status(paused).control_paused) == ("Paused", True)
    assert told(paused, "Progressing")[1].startswith("Paused")


class TestRolling:
    def rolling(self, *pods: Pod, **changes: Any) -> ClusterState:
        return cluster_state(NEWER, pods, status=WAS_RUNNING, **changes)

    def test_serving_servers_that_wait_are_counted_as_serving(self) -> None:
        found = self.rolling(*(pod(i, THREE) for i in (1, 2, 3)))
        assert status(found).ready_replicas == 3
        assert status(found).phase == "Updating"
        assert status(found).current_version == "2.12.15"
        assert told(found, "Ready")[1].startswith("ServersOutdated: all 3 servers are serving")

    def test_each_says_why_it_waits(self) -> None:
        found = self.rolling(pod(1, THREE), pod(2, THREE), pod(3, NEWER, ready=False))
        assert messages(found) == {
            "c-1": "waiting to restart: spec.version changed; waiting: c-2 restarts first",
            "c-2": "waiting to restart: spec.version changed",
            "c-3": "is starting",
        }
        assert told(found, "Progressing") == (
            "True",
            "Rolling: restarting c-2, c-1, one at a time: spec.version; waiting: c-3 is starting",
        )

    def test_a_server_that_leaves_is_waited_for(self) -> None:
        found = self.rolling(pod(1, THREE), terminating(pod(3, THREE)))
        assert messages(found)["c-1"].endswith("waiting: c-3 is shutting down")
        assert messages(found)["c-3"] == "is shutting down"
        assert "some servers do not exist yet" in told(found, "Progressing")[1]

    def test_a_pause_is_waited_for(self) -> None:
        found = cluster_state(NEWER | {"paused": True}, (pod(1, THREE),))
        assert messages(found) == {
            "c-1": "waiting to restart: spec.version changed; waiting: spec.paused"
        }

    def test_one_that_is_down_says_so_too(self) -> None:
        found = self.rolling(pod(1, THREE, ready=False))
        assert messages(found) == {"c-1": "waiting to restart: spec.version changed; is starting"}

    def test_a_wrong_version_is_named(self) -> None:
        pods = (pod(1, NEWER), pod(2, NEWER), pod(3, THREE))
        mesh = answers(*pods)
        mesh["pod-1-0"] = attrs.evolve(mesh["pod-1-0"], version="2.12.15")
        found = self.rolling(*pods, observations=mesh)
        assert messages(found)["c-1"] == ("reports version 2.12.15, but its image is 2.14.5")
        assert "c-1 runs 2.12.15, not the version of its image" in told(found, "Progressing")[1]


def test_routes_that_wait_for_the_next_start_are_named() -> None:
    spec = THREE | {"extraRoutes": [{"route": "nats://x:6222"}]}
    pods = tuple(pod(i, THREE) for i in (1, 2, 3))
    found = cluster_state(spec, pods)
    assert messages(found)["c-1"].startswith("spec.extraRoutes changed: takes effect at")
    assert told(found, "Ready")[0] == "True"


def test_scaling_down_names_who_leaves_and_what_it_waits_for() -> None:
    healthy = tuple(pod(i, THREE) for i in range(1, 6))
    assert told(cluster_state(THREE, healthy), "Progressing") == (
        "True",
        "ScalingDown: removing c-5, c-4, one at a time",
    )
    down = tuple(pod(i, THREE, ready=i == 4) for i in range(1, 5))
    assert (
        "none of the remaining servers is healthy"
        in told(cluster_state(THREE, down), "Progressing")[1]
    )


def test_a_mesh_with_holes_is_named() -> None:
    pods = tuple(pod(i, THREE) for i in (1, 2, 3))
    mesh = answers(*pods)
    mesh["pod-1-0"] = attrs.evolve(mesh["pod-1-0"], route_peers=frozenset({"pod-2-0"}))
    found = cluster_state(THREE, pods, mesh)
    assert messages(found)["c-1"] == "has no route to 1 of 2 other servers"


def test_a_server_never_asked_and_one_that_cannot_be() -> None:
    pods = tuple(pod(i, THREE) for i in (1, 2, 3))
    found = cluster_state(THREE, pods, {"pod-1-0": Observation(problem="monitoring port: refused")})
    assert messages(found)["c-1"] == "monitoring port: refused"
    assert messages(found)["c-2"] == "has not been queried yet"


class TestTrouble:
    def one(self, **changes: Any) -> ClusterState:
        return cluster_state({"size": 1}, (pod(1, {"size": 1}, ready=False, **changes),), {})

    def test_an_image_that_cannot_be_pulled(self) -> None:
        waiting = {"reason": "ErrImagePull", "message": "not found"}
        found = self.one(containerStatuses=[{"name": "nats", "state": {"waiting": waiting}}])
        assert status(found).phase == "Degraded"
        assert told(found, "Degraded") == (
            "True",
            'ErrImagePull: c-1 ErrImagePull: container nats: "not found"',
        )

    def test_a_crash_loop_names_how_it_ended_and_no_time(self) -> None:
        crash = {
            "name": "nats",
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
        }
        assert told(self.one(containerStatuses=[crash]), "Degraded")[1] == (
            "CrashLoopBackOff: c-1 CrashLoopBackOff: container nats ended with exit code 1 (Error)"
        )
        crash["lastState"] = {"terminated": {"exitCode": 137}}
        assert told(self.one(containerStatuses=[crash]), "Degraded")[1].endswith("exit code 137")

    def test_what_is_in_trouble_is_not_called_settled(self) -> None:
        waiting = {"name": "nats", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
        assert told(self.one(containerStatuses=[waiting]), "Progressing") == (
            "False",
            "Settled: nothing left to change: see condition Degraded",
        )

    @pytest.mark.parametrize(("name", "tells"), [("bootconfig", True), ("nats", False)])
    def test_last_words_are_told_of_our_own_program_alone(self, name: str, tells: bool) -> None:
        crash = {
            "name": name,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1, "message": "no address\n"}},
        }
        said = told(self.one(initContainerStatuses=[crash]), "Degraded")[1]
        assert said.endswith('exit code 1: "no address"' if tells else "exit code 1")

    def test_a_container_that_just_starts_is_no_trouble(self) -> None:
        creating = {"name": "nats", "state": {"waiting": {"reason": "ContainerCreating"}}}
        assert told(self.one(containerStatuses=[creating]), "Degraded")[0] == "False"
        assert told(self.one(containerStatuses=[{"name": "nats"}]), "Degraded")[0] == "False"

    def test_an_image_error_without_words(self) -> None:
        waiting = {"name": "nats", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
        assert told(self.one(containerStatuses=[waiting]), "Degraded")[1].endswith(
            "ErrImagePull: container nats"
        )

    def test_a_container_that_cannot_be_made(self) -> None:
        def says(**waiting: str) -> str:
            state = {"waiting": {"reason": "CreateContainerConfigError"} | waiting}
            container = {"name": "nats", "state": state}
            return told(self.one(containerStatuses=[container]), "Degraded")[1]

        assert says().endswith("CreateContainerConfigError: container nats")
        assert says(message="no such key").endswith('container nats: "no such key"')

    def test_a_crash_whose_end_nobody_knows(self) -> None:
        state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
        crash = {"name": "nats", "state": state, "lastState": {}}
        assert told(self.one(containerStatuses=[crash]), "Degraded")[1].endswith('"back-off"')

    def test_an_image_error_is_the_same_while_the_kubelet_backs_off(self) -> None:
        def says(reason: str, message: str) -> tuple[str, str]:
            state = {"waiting": {"reason": reason, "message": message}}
            return told(self.one(containerStatuses=[{"name": "nats", "state": state}]), "Degraded")

        assert says("ErrImagePull", "not found") == says(
            "ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: not found'
        )

    def test_a_pod_that_fits_nowhere(self) -> None:
        unscheduled = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}
        found = self.one(conditions=[unscheduled], containerStatuses=None)
        assert told(found, "Degraded")[1] == 'Unschedulable: c-1 Unschedulable: "0/1 nodes"'
        scheduled = {"type": "PodScheduled", "status": "True"}
        assert told(self.one(conditions=[scheduled]), "Degraded")[0] == "False"

    @pytest.mark.parametrize(
        ("reason", "says"), [("Evicted", "pod failed (Evicted)"), (None, "pod failed")]
    )
    def test_a_pod_that_failed(self, reason: str | None, says: str) -> None:
        assert messages(self.one(phase="Failed", reason=reason)) == {"c-1": says}

    def test_a_pod_that_outlives_its_grace_period(self) -> None:
        stuck = terminating(pod(1, THREE), "2025-12-31T23:59:00Z")
        found = cluster_state({"size": 1}, (stuck,))
        verdict = told(found, "Degraded")
        assert verdict[1].startswith("StuckTerminating")
        assert "kubectl delete pod c-1 --namespace ns --force" in verdict[1]


def test_what_failed_and_who_is_in_the_way_is_named() -> None:
    other = pod(2, THREE).metadata.owner_references
    assert other is not None
    import msgspec

    boss = (msgspec.structs.replace(other[0], uid="other", kind="Job", name="boss"),)
    theirs = changed(pod(2, THREE), owner_references=boss)
    alone = changed(pod(3, THREE), owner_references=None)
    odd = changed(pod(1, THREE), name="elsewhere", owner_references=boss)
    found = cluster_state(THREE, (theirs, alone, odd), failures=(failure(),))
    verdict = told(found, "Degraded")
    assert verdict[1].startswith("NotOurs: Secret c: belongs to somebody")
    assert "pod c-2 belongs to Job boss: it is left alone" in verdict[1]


def test_a_server_without_answer_or_label_has_no_version() -> None:
    bare = changed(pod(1, THREE), labels=None, annotations=None)
    assert status(cluster_state({"size": 1}, (bare,), {})).servers[0].version == ""


def test_long_lists_are_cut() -> None:
    assert listed([f"c-{i}" for i in range(1, 12)]).endswith("c-8 and 3 more")
    assert listed(["one thing", "another"]) == "one thing; another"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "no servers are requested"),
        (1, "the only server is ready"),
        (2, "all 2 servers are ready and connected"),
    ],
)
def test_readiness_is_told_in_words_that_fit_the_size(size: int, text: str) -> None:
    assert told(running({"size": size, "version": "2.12.15"}), "Ready")[1].endswith(text)


@pytest.mark.parametrize("asked", ["noon", "\u0663", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_moment_is_not_overdue(asked: str) -> None:
    pod_ = changed(pod(1, {"size": 1}), deletion_timestamp=asked)
    assert overdue_in(pod_, "2026-01-01T00:00:00Z") is None


def test_of_a_cluster_that_cannot_be_read_only_the_trouble_is_told_anew() -> None:
    """Nothing else is known: what was told of it before stays."""
    before = status(running(THREE))
    state = running(THREE)
    found = troubled(state.cluster, before, [failure("Pod c-1", "NotOurs")], "2026-01-01T01:00:00Z")
    assert found.phase == "Degraded"
    assert condition(found, "Degraded").reason == "NotOurs"
    assert {c for c in found.conditions if c.type != "Degraded"} == {
        c for c in before.conditions if c.type != "Degraded"
    }
    assert attrs.evolve(found, phase=before.phase, conditions=before.conditions) == before
