"""What is done when: the policies and their order."""

from __future__ import annotations

import attrs
import msgspec
import pytest

from natsctl.api.types.status import CertificateStatus
from natsctl.model import names
from natsctl.model.objects import Service
from natsctl.model.observation import Observation
from natsctl.plan.actions import (
    Action,
    CreateServer,
    DeleteServer,
    Ensure,
    Plan,
    PodAction,
    ReplaceServer,
)
from natsctl.plan.engine import A_MINUTE, FIRST_LOOK, LAST_LOOK, plan
from natsctl.plan.queries import JetStreamLook, Probe
from natsctl.plan.rules.owned_objects import differs
from natsctl.plan.rules.rolling_update import FRESH
from tests.unit.plan.claims.volumes import without_budget
from tests.unit.plan.world import (
    answers,
    changed,
    cluster_state,
    evolved,
    invalid,
    pod,
    running,
    stamped,
    terminating,
)

THREE = {"size": 3, "version": "2.12.15"}
NEWER = {"size": 3, "version": "2.14.10"}


def actions(found: Plan) -> list[Action]:
    return [action for stage in found.stages for action in stage]


def names_of(found: Plan, kind: type[PodAction]) -> list[str]:
    return [a.name for a in actions(found) if isinstance(a, kind)]


def test_a_cluster_that_is_what_it_should_be_needs_nothing() -> None:
    assert plan(running(THREE)) == Plan()


def test_nothing_there_services_and_secret_come_before_all_servers_at_once() -> None:
    found = plan(cluster_state(THREE, services={}, secrets={}))
    assert [type(a) for a in found.stages[0]] == [Ensure] * 3
    assert [a.present for a in found.stages[0] if isinstance(a, Ensure)] == [False] * 3
    assert found.stages[1] == tuple(CreateServer(i, f"c-{i}") for i in (1, 2, 3))


def test_a_certificate_that_is_waited_for_is_looked_at_each_minute() -> None:
    """All that it lacks may be time, and nobody tells when that has passed."""
    found = running(THREE)
    assert found.desired is not None
    dated = (CertificateStatus("routes", "s", "2027-01-01T00:00:00Z"),)
    for missing, again in ((("it is not valid before",), A_MINUTE), ((), None)):
        resolved = attrs.evolve(found.desired.resolved, certificates=dated, missing=missing)
        desired = attrs.evolve(found.desired, resolved=resolved)
        assert plan(attrs.evolve(found, desired=desired)).again == again


def test_size_zero_needs_no_server() -> None:
    assert plan(running({"size": 0})) == Plan()


@pytest.mark.parametrize("key", ["paused", "spec"])
def test_nothing_is_touched_while_it_must_not_be(key: str) -> None:
    touchable = {
        "paused": cluster_state(THREE | {"paused": True}, services={}),
        "spec": invalid(services={}),
    }
    assert plan(touchable[key]).stages == ()


def test_streams_are_looked_at_while_nothing_may_be_touched() -> None:
    spec = THREE | {"jetstream": {}}
    paused = without_budget(running(spec | {"paused": True}))
    assert plan(paused).stages == ()
    assert {type(query) for query in plan(paused).queries} == {JetStreamLook}
    assert plan(running(THREE | {"paused": True})).queries == frozenset()


def test_an_edited_service_is_restored() -> None:
    base = running(THREE)
    service = base.owned["Service"]["c"]
    assert isinstance(service, Service)
    edited = msgspec.structs.replace(
        service, spec=msgspec.structs.replace(service.spec, selector={"app": "x"})
    )
    found = plan(evolved(base, services={**base.owned["Service"], "c": edited}))
    assert [(a.wanted.name, a.present) for a in actions(found) if isinstance(a, Ensure)] == [
        ("c", True)
    ]


def test_an_object_differs_by_its_digest_its_values_and_the_length_of_its_lists() -> None:
    base = running(THREE)
    assert base.desired is not None
    wanted = next(s for s in base.desired.objects if s.name == "c")
    live = base.owned["Service"]["c"]
    assert isinstance(live, Service)
    assert not differs(wanted, live)
    assert differs(stamped(dict(wanted.manifest) | {"kind": "Other"}), live)
    without_ports = msgspec.structs.replace(live.spec, ports=None)
    assert differs(wanted, msgspec.structs.replace(live, spec=without_ports))
    two_ports = msgspec.structs.replace(live.spec, ports=(live.spec.ports or ()) * 2)
    assert differs(wanted, msgspec.structs.replace(live, spec=two_ports))
    unlabelled = msgspec.structs.replace(live.metadata, labels=None)
    assert differs(wanted, msgspec.structs.replace(live, metadata=unlabelled))


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_a_pod_that_ended_is_removed_at_once(phase: str) -> None:
    pods = (pod(1, THREE), pod(2, THREE, ready=False, phase=phase), pod(3, THREE))
    found = plan(cluster_state(THREE, pods))
    [action] = actions(found)
    assert isinstance(action, DeleteServer)
    assert (action.name, action.grace) == ("c-2", 0)


def test_a_missing_server_is_made_even_while_another_is_in_trouble() -> None:
    waiting = {"name": "nats", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    pods = (pod(1, THREE), pod(2, THREE, ready=False, containerStatuses=[waiting]))
    assert names_of(plan(cluster_state(THREE, pods)), CreateServer) == ["c-3"]


def test_the_name_of_an_ending_pod_has_to_wait() -> None:
    pods = (pod(1, THREE), terminating(pod(2, THREE)), pod(3, THREE))
    assert plan(cluster_state(THREE, pods)).stages == ()


class TestScalingDown:
    def test_the_highest_goes_first_and_alone(self) -> None:
        pods = tuple(pod(i, THREE) for i in range(1, 6))
        [action] = actions(plan(cluster_state(THREE, pods)))
        assert isinstance(action, DeleteServer)
        assert (action.name, action.grace) == ("c-5", None)

    def test_the_next_waits_until_it_is_gone(self) -> None:
        pods = (*(pod(i, THREE) for i in range(1, 5)), terminating(pod(5, THREE)))
        assert plan(cluster_state(THREE, pods)).stages == ()

    def test_it_does_not_take_the_last_healthy_server(self) -> None:
        down = tuple(pod(i, THREE, ready=False) for i in (1, 2, 3))
        assert plan(cluster_state(THREE, (*down, pod(4, THREE)))).stages == ()

    def test_a_server_that_is_down_may_always_leave(self) -> None:
        down = tuple(pod(i, THREE, ready=False) for i in (1, 2, 3, 4))
        assert names_of(plan(cluster_state(THREE, down)), DeleteServer) == ["c-4"]

    def test_to_zero_takes_all(self) -> None:
        assert names_of(plan(cluster_state({"size": 0}, (pod(1, THREE),))), DeleteServer) == ["c-1"]

    def test_it_comes_before_a_restart(self) -> None:
        pods = tuple(pod(i, THREE) for i in (1, 2, 3, 4))
        found = plan(cluster_state(NEWER, pods))
        assert names_of(found, DeleteServer) == ["c-4"]
        assert names_of(found, ReplaceServer) == []


class TestRolling:
    def old(self, *indices: int) -> tuple[object, ...]:
        return tuple(pod(i, THREE if i in indices else NEWER) for i in (1, 2, 3))

    def test_the_highest_outdated_server_goes_first_and_alone(self) -> None:
        pods = tuple(pod(i, THREE) for i in (1, 2, 3))
        [action] = actions(plan(cluster_state(NEWER, pods)))
        assert isinstance(action, ReplaceServer)
        assert action.name == "c-3"
        assert "spec.version" in action.message

    def test_the_next_waits_for_it_to_be_healthy(self) -> None:
        pods = (pod(1, THREE), pod(2, THREE), pod(3, NEWER, ready=False))
        assert plan(cluster_state(NEWER, pods)).stages == ()
        pods = (pod(1, THREE), pod(2, THREE), pod(3, NEWER))
        assert names_of(plan(cluster_state(NEWER, pods)), ReplaceServer) == ["c-2"]

    def test_unknown_is_not_healthy(self) -> None:
        pods = tuple(pod(i, THREE) for i in (1, 2, 3))
        silent = answers(*pods) | {"pod-1-0": Observation(problem="connection refused", asked=99.9)}
        assert plan(cluster_state(NEWER, pods, silent)).stages == ()

    def test_a_route_that_is_missing_blocks(self) -> None:
        pods = tuple(pod(i, THREE) for i in (1, 2, 3))
        mesh = answers(*pods)
        mesh["pod-1-0"] = attrs.evolve(mesh["pod-1-0"], route_peers=frozenset(), asked=99.9)
        assert plan(cluster_state(NEWER, pods, mesh)).stages == ()

    def test_a_server_with_another_version_than_its_image_says_blocks(self) -> None:
        pods = (pod(1, THREE), pod(2, THREE), pod(3, NEWER))
        mesh = answers(*pods)
        mesh["pod-3-0"] = attrs.evolve(mesh["pod-3-0"], version="2.12.15")
        assert plan(cluster_state(NEWER, pods, mesh)).stages == ()

    def test_old_answers_are_asked_for_again_first(self) -> None:
        pods = tuple(pod(i, THREE) for i in (1, 2, 3))
        found = plan(cluster_state(NEWER, pods, answers(*pods, asked=90.0)))
        assert found.stages == ()
        assert found.queries == {Probe(f"pod-{i}-0", FRESH) for i in (1, 2, 3)}

    def test_an_outdated_server_that_is_down_goes_first_whatever_the_others_are(self) -> None:
        """How a reverted spec gets rid of what did not come up."""
        pods = (pod(1, THREE), pod(2, THREE, ready=False), pod(3, NEWER, ready=False))
        assert names_of(plan(cluster_state(THREE, pods)), ReplaceServer) == ["c-3"]

    def test_routes_alone_restart_nothing(self) -> None:
        pods = tuple(pod(i, THREE) for i in (1, 2, 3))
        spec = THREE | {"extraRoutes": [{"route": "nats://x:6222"}]}
        assert plan(cluster_state(spec, pods)).stages == ()

    def test_a_pod_with_an_edited_version_label_is_not_trusted(self) -> None:
        edited = changed(pod(1, THREE), labels={names.LABEL_VERSION: "x", "nats_cluster": "c"})
        found = plan(cluster_state({"size": 1, "version": "2.14.10"}, (edited,)))
        assert names_of(found, ReplaceServer) == ["c-1"]


class TestAsking:
    def test_a_server_that_was_never_asked_is(self) -> None:
        found = plan(running(THREE, observations={}))
        assert found.queries == {Probe(f"pod-{i}-0", LAST_LOOK) for i in (1, 2, 3)}
        assert found.again == LAST_LOOK

    def test_what_needs_answers_is_decided_with_them(self) -> None:
        """Of nearly all clusters that a process finds when it starts: it only asks at first."""
        pods = tuple(pod(i, THREE) for i in (1, 2, 3))
        found = cluster_state(THREE, pods, {}, services={})
        assert plan(found).stages == ()
        answered = plan(evolved(found, observations=answers(*pods)))
        assert [type(action) for action in actions(answered)] == [Ensure] * 2

    def test_streams_are_asked_about_together_with_servers(self) -> None:
        spec = {"size": 1, "version": "2.12.15", "jetstream": {}}
        found = plan(running(spec, observations={}))
        assert {type(query) for query in found.queries} == {Probe, JetStreamLook}

    def test_soon_after_a_change_and_rarely_later(self) -> None:
        assert plan(running(THREE, observations={}, quiet=0.0)).again == FIRST_LOOK
        assert plan(running(THREE, observations={}, quiet=8.0)).again == 2.0

    def test_a_plan_that_asks_is_not_the_last_one(self) -> None:
        """The answers may change nothing that anybody is told of, and still allow a step."""
        pods = tuple(pod(i, THREE) for i in (1, 2, 3))
        old = plan(cluster_state(NEWER, pods, answers(*pods, asked=90.0)))
        assert (bool(old.queries), old.again) == (True, 0.0)

    def test_an_unhealthy_one_again_when_it_is_due(self) -> None:
        pods = tuple(pod(i, THREE) for i in (1, 2, 3))
        silent = Observation(problem="refused", asked=90.0)
        late = answers(*pods) | {"pod-1-0": silent}
        assert plan(cluster_state(THREE, pods, late, quiet=4.0)).queries == {Probe("pod-1-0", 1.0)}
        early = answers(*pods) | {"pod-1-0": attrs.evolve(silent, asked=99.5)}
        assert plan(cluster_state(THREE, pods, early, quiet=4.0)).queries == set()

    def test_one_that_is_not_ready_for_the_kubelet_is_not_asked(self) -> None:
        pods = (pod(1, {"size": 1}, ready=False),)
        assert plan(cluster_state({"size": 1}, pods, {})) == Plan()

    def test_a_pod_on_its_way_out_is_looked_at_again_when_it_is_overdue(self) -> None:
        leaving = terminating(pod(1, THREE), "2026-01-01T00:00:10Z")
        assert plan(cluster_state({"size": 1}, (leaving,))).again == 40.0


def test_pods_of_an_earlier_cluster_of_that_name_and_odd_names_do_not_count() -> None:
    stranger = changed(pod(1, THREE), owner_references=None)
    odd = changed(pod(2, THREE), name="c-a")
    found = plan(cluster_state({"size": 1, "version": "2.12.15"}, (stranger, odd)))
    assert names_of(found, CreateServer) == ["c-1"]
