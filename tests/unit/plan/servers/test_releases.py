"""What an image whose tag does not say it is told by its servers, and what follows from that."""

from __future__ import annotations

import pytest

from natsctl.api.types.status import ClusterStatus, ServerStatus
from natsctl.api.version import ServerVersion
from natsctl.model.observation import Observation
from natsctl.plan.actions import ReloadServer, ReplaceServer
from natsctl.plan.engine import plan
from natsctl.plan.servers.releases import Report, learned, reports_of, tag_of
from natsctl.plan.status.status import status
from tests.unit.plan.world import answers, changed, cluster_state, pod, running

EDGE = ServerVersion.parse("edge")
ONE = {"size": 1, "version": "edge"}
THREE = {"size": 3, "version": "edge"}


def test_the_oldest_that_servers_of_the_tag_report_counts() -> None:
    """A moved tag: some of them pulled it earlier than others."""
    reports = (Report("edge", "2.12.15"), Report("edge", "2.14.5"), Report("2.9.25", "2.9.25"))
    assert learned(EDGE, reports).number == (2, 12, 15)


def test_until_one_of_them_reports_those_before_them_count() -> None:
    reports = (Report("edge"), Report("edge", "edge"), Report("2.12.15", "2.12.15"))
    assert learned(EDGE, reports).number == (2, 12, 15)
    assert learned(EDGE, (Report("edge"),)).guessed
    assert learned(EDGE, (Report("1.4.1", "1.4.1"),)).guessed


@pytest.mark.parametrize("tag", ["2.14.5", "2.14", "nightly"])
def test_a_tag_that_tells_is_believed(tag: str) -> None:
    version = ServerVersion.parse(tag)
    assert learned(version, (Report(tag, "2.9.25"),)) == version


def test_what_was_answered_counts_before_what_the_status_kept() -> None:
    pods = pod(1, THREE), pod(2, THREE), pod(3, THREE)
    before = ClusterStatus(servers=tuple(ServerStatus(f"c-{i}", "2.12.15") for i in (1, 2)))
    seen = {
        "pod-1-0": Observation(version="2.14.5"),
        "pod-2-0": Observation(problem="monitoring port: refused"),
    }
    assert reports_of(pods, before, seen) == (
        Report("edge", ""),
        Report("edge", "2.12.15"),
        Report("edge", "2.14.5"),
    )


def test_a_pod_tells_its_whole_tag_even_if_its_label_is_cut() -> None:
    long = "x" * 100
    made = pod(1, {"size": 1, "version": long})
    assert tag_of(made) == long
    assert made.metadata.label("nats_version") != long
    assert tag_of(changed(made, annotations=None)) == made.metadata.label("nats_version")
    assert tag_of(changed(made, annotations=None, labels=None)) == ""
    edited = changed(made, annotations={"nats.version": "x" * 9000})
    assert tag_of(edited) == made.metadata.label("nats_version")


def test_such_servers_are_ready_whatever_they_report() -> None:
    pods = tuple(pod(i, THREE) for i in (1, 2, 3))
    mesh = {u: o for u, o in answers(*pods).items()}
    found = cluster_state(THREE, pods, mesh)
    assert status(found).ready_replicas == 3
    assert status(found).current_version == "edge"
    assert plan(found).stages == ()


def test_a_roll_away_from_an_image_waits_for_nothing_that_it_reports() -> None:
    """The user's own tag 1.0.7 holds some release; the next image is another one."""
    old, new = {"size": 1, "version": "1.0.7"}, {"size": 1, "version": "2.14.5"}
    made = pod(1, old)
    mesh = answers(made)
    assert any(
        isinstance(action, ReplaceServer)
        for stage in plan(cluster_state(new, (made,), mesh)).stages
        for action in stage
    )


TOLD = ONE | {"serverVersion": "2.12.15"}


def actions(told: dict[str, object], *, ready: bool) -> list[type]:
    made = pod(1, ONE, ready=ready)
    found = cluster_state(told, (made,), answers(made))
    return [type(action) for stage in plan(found).stages for action in stage]


def test_to_tell_the_release_restarts_nothing_that_runs() -> None:
    assert ReplaceServer not in actions(TOLD, ready=True)
    assert ReloadServer not in actions(TOLD, ready=True)


def test_it_replaces_what_does_not_come_up_without() -> None:
    """Its pod may have been made for what an older release does not have."""
    assert actions(TOLD, ready=False) == [ReplaceServer]


def test_a_wrong_release_that_is_told_is_named() -> None:
    made = pod(1, TOLD)
    mesh = {"pod-1-0": Observation("pod-1-0", "2.14.5", asked=100.0)}
    found = status(running(TOLD, observations=mesh))
    assert made.metadata.uid in mesh
    assert found.ready_replicas == 0
    assert found.servers[0].message == "reports version 2.14.5, but its image is 2.12.15"


def test_what_several_say_alike_is_there_once() -> None:
    """So a pod that goes changes nothing, and nothing is computed anew for it."""
    pods = pod(1, THREE), pod(2, THREE), pod(3, THREE)
    assert reports_of(pods, ClusterStatus(), {}) == reports_of(pods[:1], ClusterStatus(), {})
