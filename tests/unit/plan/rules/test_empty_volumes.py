"""A lost volume is made empty, and its server starts, only while no other server can be missed.

A server with an empty volume counts to majorities before it has any data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model import names
from natsctl.model.jetstream import Replica, Store
from natsctl.model.objects import PersistentVolumeClaim, Pod
from natsctl.plan.actions import CreateServer, Ensure, ReplaceServer
from natsctl.plan.queries import JetStreamLook
from natsctl.plan.rules.claims import ensure_claims
from natsctl.plan.rules.empty_volumes import make_empty, start_empty
from natsctl.plan.rules.rolling_update import replace_outdated
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.volumes import SPEC, all_claims, claim, noted, servers, volumes
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import NAMES, Named, looked
from tests.unit.plan.restarts.test_gated import WAITING, process
from tests.unit.plan.world import changed, context, decided, pod, terminating

ONE, TWO, THREE = (NAMES[f"nats-{index}"] for index in (1, 2, 3))
LOSS = "js-c-2=000002"
AWAY = {TWO: State.DOWN}


def world(**states: State) -> Named:
    """The second of three servers is away; all others have all of a stream of three replicas."""
    made = Named(states=AWAY | {NAMES[name.replace("_", "-")]: it for name, it in states.items()})
    made.stream("ORDERS", members=made.names)
    return made


def lost(
    toy: Named | None = None,
    *,
    accepts: str = LOSS,
    pods: tuple[Pod, ...] | None = None,
    seconds: float = 0.5,
) -> ClusterState:
    """The volume of the second server is lost, and the user accepts an empty one."""
    standing = servers(1, 3) if pods is None else pods
    state = volumes(claim(1), claim(3), note=noted(1, 2, 3), pods=standing, accepts=accepts)
    return looked(state, toy or world(), seconds)


def marked(found: PersistentVolumeClaim) -> PersistentVolumeClaim:
    """As natsctl makes it instead of a lost one."""
    notes = {**(found.metadata.annotations or {}), names.REPLACES_ANNOTATION: "000002"}
    meta = msgspec.structs.replace(found.metadata, annotations=notes)
    return msgspec.structs.replace(found, metadata=meta)


def made(
    toy: Named | None = None, pods: tuple[Pod, ...] | None = None, **more: Any
) -> ClusterState:
    """Its volume was made empty, and is noted; no pod was made with it."""
    claims = (claim(1), marked(claim(2)), claim(3))
    note = more.pop("note", noted(1, 2, 3))
    standing = servers(1, 3) if pods is None else pods
    state = volumes(*claims, note=note, pods=standing, accepts=LOSS)
    return looked(state, toy or world(), **more)


Kind = type[Ensure] | type[CreateServer]
STEPS: dict[str, tuple[Callable[..., ClusterState], Any, Kind]] = {
    "the volume": (lost, make_empty, Ensure),
    "the start": (made, start_empty, CreateServer),
}


def lagging(toy: Named) -> None:
    toy.groups[0].seen[THREE] = Replica(THREE, current=True, active=0.5, lag=9000)


def not_current(toy: Named) -> None:
    toy.groups[0].seen[THREE] = Replica(THREE, active=0.5)


def without_a_member(toy: Named) -> None:
    toy.groups[0].members.remove(THREE)


def without_a_leader(toy: Named) -> None:
    toy.groups[0].leader = ""


def with_a_part_only(toy: Named) -> None:
    toy.groups[0].stores[THREE] = Store(50, 51, 100)


ILL: dict[str, Callable[[Named], None]] = {
    "a replica that lags": lagging,
    "one that is not current": not_current,
    "one that lacks a part": with_a_part_only,
    "a group that is short": without_a_member,
    "a group without a leader": without_a_leader,
    "one that does not answer": lambda toy: toy.states.update({THREE: State.DOWN}),
    "one whose JetStream is off": lambda toy: toy.states.update({THREE: State.DISABLED}),
    "the lost one still runs": lambda toy: toy.states.update({TWO: State.PAUSED}),
}


@pytest.mark.parametrize(("state_of", "rule", "kind"), STEPS.values(), ids=STEPS)
class TestEachStep:
    def test_is_done_while_all_others_have_all_data(
        self, state_of: Callable[..., ClusterState], rule: Any, kind: Kind
    ) -> None:
        (action,) = decided(rule, state_of())
        assert type(action) is kind
        assert action.evidence is not None
        assert action.evidence.runs.keys() == {"pod-1-0", "pod-3-0"}
        assert action.evidence.seen == pytest.approx(state_of().now - 0.5)

    @pytest.mark.parametrize("ill", ILL)
    def test_waits_for_every_other_one(
        self, state_of: Callable[..., ClusterState], rule: Any, kind: Kind, ill: str
    ) -> None:
        toy = world()
        ILL[ill](toy)
        found = rule(context(state_of(toy)))
        assert found.actions == ()
        assert found.waiting

    @pytest.mark.parametrize(
        "pods",
        [
            servers(1),
            (*servers(1), *servers(3, ready=False)),
            (*servers(1), terminating(pod(3, SPEC))),
        ],
        ids=["missing", "not ready", "shutting down"],
    )
    def test_waits_for_pods(
        self, state_of: Callable[..., ClusterState], rule: Any, kind: Kind, pods: tuple[Pod, ...]
    ) -> None:
        found = rule(context(state_of(pods=pods)))
        assert found.actions == ()
        assert found.waiting[0].startswith("c-3 ")

    def test_is_not_done_on_looks_of_before(
        self, state_of: Callable[..., ClusterState], rule: Any, kind: Kind
    ) -> None:
        for state in (state_of(seconds=30.0), attrs.evolve(state_of(), jetstream=())):
            found = rule(context(state))
            assert found.actions == found.waiting == ()
            assert any(isinstance(query, JetStreamLook) for query in found.queries)

    def test_waits_on_looks_that_do_not_belong_together(
        self, state_of: Callable[..., ClusterState], rule: Any, kind: Kind
    ) -> None:
        state = state_of()
        first, second = state.jetstream
        reports = {
            uid: attrs.evolve(said, server_id="another") for uid, said in second.reports.items()
        }
        looks = (first, attrs.evolve(second, reports=reports))
        assert decided(rule, attrs.evolve(state, jetstream=looks)) == ()

    def test_may_be_decided_by_somebody_in_spite_of_what_blocks(
        self, state_of: Callable[..., ClusterState], rule: Any, kind: Kind
    ) -> None:
        toy = world()
        without_a_leader(toy)
        state = state_of(toy)
        assert f"nats.io/override-no-leader={LOSS}" in rule(context(state)).waiting[-1]
        for value, count in ((LOSS, 1), ("js-c-2=5c1e77", 0)):
            notes = {"nats.io/new-volume": LOSS, "nats.io/override-no-leader": value}
            meta = msgspec.structs.replace(state.cluster.metadata, annotations=notes)
            cluster = msgspec.structs.replace(state.cluster, metadata=meta)
            actions = decided(rule, attrs.evolve(state, cluster=cluster))
            assert len(actions) == count
            told = [notice.message for action in actions for notice in action.notices]
            assert ["nats.io/override-no-leader" in text for text in told] == [True] * count

    def test_does_not_wait_for_a_leader_of_what_comes_back_with_the_server_only(
        self, state_of: Callable[..., ClusterState], rule: Any, kind: Kind
    ) -> None:
        toy = world()
        toy.stream("PAIR", members=(TWO, THREE), leader="")
        assert len(decided(rule, state_of(toy))) == 1
        toy.stream("OTHERS", members=(ONE, THREE), leader="")
        assert decided(rule, state_of(toy)) == ()


class TestASecondLoss:
    """The first server has an empty volume and gets its data from the third one."""

    def filling(self, **changes: Any) -> tuple[Named, ClusterState]:
        toy = Named(states=AWAY, meta_leader=THREE)
        orders = toy.stream("ORDERS", members=toy.names, leader=THREE)
        orders.seen[ONE] = Replica(ONE, current=True, active=0.1, lag=40_000)
        orders.stores[ONE] = Store(60, 1, 60)
        state = volumes(
            *(claim(1, uid="5c1e77-new"), claim(3)),
            note="1=5c1e77," + noted(2, 3),
            pods=servers(1, 3),
            accepts=LOSS,
        )
        return toy, state

    def test_waits_until_the_first_server_has_all(self) -> None:
        toy, state = self.filling()
        found = make_empty(context(looked(state, toy)))
        assert found.actions == ()
        assert f"the replica of stream A/ORDERS on {ONE} is not healthy" in found.waiting
        toy.groups[0].seen.clear()
        toy.groups[0].stores[ONE] = toy.groups[0].stores[THREE]
        assert len(decided(make_empty, looked(state, toy))) == 1

    def test_waits_while_groups_have_not_got_the_first_server_yet(self) -> None:
        toy, state = self.filling()
        toy.groups[0] = attrs.evolve(toy.groups[0], members=[TWO, THREE], seen={})
        found = make_empty(context(looked(state, toy)))
        assert found.actions == ()
        assert "stream A/ORDERS has too few members" in found.waiting

    def test_waits_for_a_first_server_that_has_not_started(self) -> None:
        toy, state = self.filling()
        alone = attrs.evolve(state, pods=servers(3))
        found = make_empty(context(looked(alone, toy)))
        assert found.actions == ()
        assert found.waiting[0] == "c-1 does not exist"

    def test_while_the_empty_volume_of_the_first_has_no_pod_lets_neither_start(self) -> None:
        """Only the third server is left with data."""
        toy = Named(states=AWAY | {ONE: State.DOWN}, meta_leader=THREE)
        toy.stream("ORDERS", members=toy.names, leader=THREE)
        claims = (marked(claim(1)), claim(3))
        state = volumes(*claims, note=noted(1, 2, 3), pods=servers(3), accepts=LOSS)
        for rule in (make_empty, start_empty):
            assert decided(rule, looked(state, toy)) == ()


class TestTheVolume:
    def test_says_instead_of_which_it_is_and_what_was_noted(self) -> None:
        (action,) = decided(make_empty, lost(), Ensure)
        notes = action.wanted.manifest["metadata"]["annotations"]
        assert (action.wanted.name, action.present) == ("js-c-2", False)
        assert notes["nats.io/replaces"] == "000002"
        assert notes["nats.io/claims"].endswith(noted(1, 2, 3))

    @pytest.mark.parametrize("accepts", ["", "js-c-2=5c1e77", "js-c-1=000001", "all=0f3c138930"])
    def test_is_made_for_this_loss_only_and_nobody_is_asked_otherwise(self, accepts: str) -> None:
        found = make_empty(context(lost(accepts=accepts)))
        assert (found.actions, found.queries) == ((), frozenset())

    def test_is_not_made_while_the_pod_of_its_server_is_there(self) -> None:
        """It may hold what was lost, and would start with the empty one at once."""
        waits = (*servers(1), *servers(2, ready=False), *servers(3))
        found = make_empty(context(lost(pods=waits)))
        assert found.actions == ()
        assert found.waiting == (
            "pod c-2 is still there: delete it, if nothing of it is to be saved",
        )
        going = (*servers(1), terminating(pod(2, SPEC, ready=False)), *servers(3))
        assert make_empty(context(lost(pods=going))).waiting == ("c-2 is shutting down",)

    def test_of_a_server_that_runs_waits_for_what_only_that_one_has(self) -> None:
        toy = Named()
        toy.stream("ALONE", members=(TWO,))
        runs = {"name": "nats", "ready": True, "state": {"running": {}}}
        pods = (*servers(1), pod(2, SPEC, containerStatuses=[runs]), *servers(3))
        (waits, *_) = make_empty(context(lost(toy, pods=pods))).waiting
        assert waits == f"{TWO} still holds stream A/ALONE"

    def test_is_not_made_before_it_is_certain_who_needs_one(self) -> None:
        state = lost()
        unknown = {kind: it for kind, it in state.owned.items() if kind != "PersistentVolumeClaim"}
        assert decided(make_empty, attrs.evolve(state, owned=unknown)) == ()
        edited = volumes(claim(1), claim(3), note="x", pods=servers(1, 3), accepts=LOSS)
        assert decided(make_empty, looked(edited, world())) == ()


class TestTheStart:
    def test_is_left_to_nobody_else(self) -> None:
        state = made()
        found = scale_up(context(state))
        assert found.actions == ()
        assert found.waiting == (
            "c-2: PersistentVolumeClaim js-c-2 is there instead of a lost one and may be empty",
        )
        (action,) = decided(start_empty, state, CreateServer)
        assert (action.index, action.name) == (2, "c-2")

    def test_comes_after_the_note(self) -> None:
        assert decided(start_empty, made(note=noted(1, 3) + ",2=000001")) == ()

    def test_waits_for_a_volume_that_is_of_use(self) -> None:
        state = made()
        claims = dict(state.owned["PersistentVolumeClaim"])
        bad: Any = claims["js-c-2"]
        claims["js-c-2"] = changed(bad, deletion_timestamp="2026-01-01T00:00:00Z")
        owned = {**state.owned, "PersistentVolumeClaim": claims}
        assert decided(start_empty, attrs.evolve(state, owned=owned)) == ()

    @pytest.mark.parametrize("phase", ["Pending", "Failed", "Unknown"])
    def test_is_asked_for_again_until_its_server_has_run(self, phase: str) -> None:
        """No node has room, or the kubelet refuses the pod, and hours later somebody deletes it."""
        idle = pod(2, SPEC, ready=False, phase=phase)
        state = made(pods=(*servers(1), idle, *servers(3)))
        written = decided(ensure_claims, state, Ensure)
        assert not any(
            names.REPLACES_ANNOTATION in action.wanted.manifest["metadata"]["annotations"]
            for action in written
        )
        assert decided(start_empty, state) == ()

    def test_holds_up_no_other_spec_of_a_server_that_never_ran(self) -> None:
        """Such as one whose image does not exist: its next pod passes the gate like this one."""
        idle = process(2, SPEC | {"version": "2.14.9"}, ready=False, state=WAITING)
        state = made(pods=(*servers(1), idle, *servers(3)))
        (action,) = decided(replace_outdated, state, ReplaceServer)
        assert action.name == "c-2"

    def test_ends_what_is_told_of_the_volume(self) -> None:
        """From then on it is a volume like any other."""
        assert decided(ensure_claims, made()) == ()
        (written,) = decided(ensure_claims, made(pods=servers(1, 2, 3)), Ensure)
        assert written.wanted.manifest["metadata"]["annotations"]["nats.io/replaces"] is None
        assert decided(start_empty, made(pods=servers(1, 2, 3))) == ()

    def test_is_nothing_where_all_volumes_hold_data_or_there_are_none(self) -> None:
        state = volumes(*all_claims(), note=noted(1, 2, 3), pods=servers(1, 3))
        assert decided(start_empty, state) == ()
        plain = volumes(spec={"size": 3, "version": "2.14.10"})
        assert decided(start_empty, plain) == decided(make_empty, plain) == ()

    def test_lets_no_other_server_restart_before(self) -> None:
        old = tuple(pod(index, SPEC | {"version": "2.14.9"}) for index in (1, 2, 3))
        assert decided(replace_outdated, made(pods=old)) == ()
