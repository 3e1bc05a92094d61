"""A volume that cannot grow is deleted only while all others have all data, and made anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.model import names
from natsctl.model.jetstream import Replica, Store
from natsctl.plan.actions import CreateServer, Ensure, GrowClaim, NoteClaims
from natsctl.plan.claims.renewal import PATIENCE
from natsctl.plan.claims.renewal_note import REST
from natsctl.plan.engine import plan
from natsctl.plan.rules.disruption_budget import ensure_budget
from natsctl.plan.rules.empty_volumes import delete_given_up, make_empty, start_empty
from natsctl.plan.rules.rolling_update import PAUSED
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.rules.volume_renewal import (
    FIRST,
    LEAVE,
    is_about_to_stop,
    note_renewals,
    renew_volumes,
)
from natsctl.plan.state import ClusterState, Failure
from natsctl.plan.status.status import status
from natsctl.plan.volume_actions import DeleteClaim, GiveUpVolume, NoteRenewals
from tests.unit.plan.claims.growing import sized, spec_of
from tests.unit.plan.claims.renewing import (
    BACK,
    DONE,
    SPEC,
    TWO,
    away,
    claim_of,
    claims,
    full,
    pods,
    state_of,
    stopped,
    with_claim,
)
from tests.unit.plan.claims.volumes import EARLIER, noted, volumes
from tests.unit.plan.departures.test_renewal import ILL
from tests.unit.plan.gates.world import State
from tests.unit.plan.restarts.test_gated import process
from tests.unit.plan.world import changed, cluster_state, context, decided, terminating

SOON, LATE, LATER = "2026-01-01T00:01:59Z", "2026-01-01T00:02:01Z", "2026-01-01T00:10:01Z"
RETURNED = "2=000002!{}"


def notes(state: ClusterState) -> list[str]:
    actions = decided(note_renewals, state)
    return [action.text for action in actions if isinstance(action, NoteRenewals)]


def told(state: ClusterState, kind: str = "VolumesReady") -> tuple[str, str, str]:
    found = {c.type: c for c in status(state).conditions}[kind]
    return found.status, found.reason, found.message


def waiting(state: ClusterState) -> tuple[str, ...]:
    found = renew_volumes(context(state))
    assert found.actions == ()
    assert [server.name for server in found.servers] == ["c-2"]
    return found.waiting


def paused(spec: Any) -> Any:
    return {**spec, "rollout": {"paused": True}}


class TestBeforeAServerStops:
    def test_the_spec_restarts_servers_first(self) -> None:
        old = {**SPEC, "version": "2.14.9"}
        assert waiting(state_of(standing=pods(1, 2, 3, spec=old))) == (FIRST,)

    def test_servers_beyond_size_leave_first(self) -> None:
        four = full()
        four.size = 4
        there = (*claims(1, 2, 3), sized(4, "20Gi", "20Gi", spec={**SPEC, "size": 4}))
        state = state_of(four, pods(1, 2, 3, 4), there, note=noted(1, 2, 3, 4))
        assert LEAVE in waiting(state)

    def test_all_are_there(self) -> None:
        state = state_of(full(nats_3=State.DOWN), pods(1, 2))
        assert renew_volumes(context(state)) == type(renew_volumes(context(state)))()

    def test_a_name_that_another_pod_has_is_waited_for(self) -> None:
        """The Go operator counts in hexadecimal: its `-10` is its sixteenth."""
        found = context(state_of())
        standing = (attrs.evolve(s, index=16 if s.index == 2 else s.index) for s in found.servers)
        assert renew_volumes(attrs.evolve(found, servers=tuple(standing))).actions == ()

    def test_all_are_ready(self) -> None:
        standing = (*pods(1, 2), process(3, SPEC, ready=False))
        assert waiting(state_of(standing=standing))[0].startswith("c-3 ")

    def test_nobody_waits_while_restarts_are_paused(self) -> None:
        assert waiting(state_of(spec=paused(SPEC))) == (PAUSED,)

    def test_no_volume_is_in_trouble(self) -> None:
        there = (DONE, *claims(2), sized(3, spec=SPEC, phase="Lost"))
        assert "js-c-3 lost its volume" in waiting(state_of(there=there))[0]
        missing = state_of(there=claims(1, 2))
        assert "js-c-3" in waiting(missing)[0]

    def test_the_last_attempt_is_some_minutes_ago(self) -> None:
        text = "c-2 came back with the volume that it had; natsctl tries again in a few minutes"
        assert waiting(state_of(given=BACK)) == (text,)
        assert decided(renew_volumes, state_of(given=BACK, timestamp=LATER))

    def test_that_is_told(self) -> None:
        state = state_of()
        assert told(state) == (
            "True",
            "VolumesReplacing",
            "js-c-2 is to be replaced with a volume of 20Gi, because storage class none cannot "
            "grow, then js-c-3",
        )
        assert told(state, "Progressing") == (
            "True",
            "ReplacingVolumes",
            "replacing the volume of c-2 with an empty one",
        )
        assert "olume" not in told(state, "Degraded")[1]
        assert told(state_of(there=(DONE, *claims(2), sized(3, "20Gi", "20Gi", spec=SPEC))))[
            2
        ].endswith("cannot grow")

    def test_with_fewer_than_three_servers_the_way_out_is_told(self) -> None:
        state = state_of(
            spec={**SPEC, "size": 2}, standing=pods(1, 2), there=claims(1, 2), note=noted(1, 2)
        )
        status_, reason, message = told(state)
        assert (status_, reason) == ("False", "VolumeNotGrown")
        assert (
            "natsctl replaces volumes only where there are 3 servers or more, because others have "
            "to fill the new ones: set spec.size to 3, or set spec.jetstream.fileStore.pvc.size "
            "back to 10Gi"
        ) in message
        quota = attrs.evolve(state, growths=state_of(said="exceeded quota").growths)
        assert "raise the quota, or set" in told(quota)[2]

    def test_nobody_may_evict_a_server_any_more(self) -> None:
        assert is_about_to_stop(context(state_of()))
        assert not is_about_to_stop(context(state_of(given=BACK)))
        failed = (Failure("pod c-2", "Forbidden", "it may not"),)
        assert not is_about_to_stop(context(state_of(failures=failed)))
        world = full()
        state = volumes(*claims(1, 2, 3), note=noted(1, 2, 3), pods=pods(1, 2, 3), spec=SPEC)
        made = state_of(world)
        open_ = attrs.evolve(made, owned=state.owned)
        (budget,) = decided(ensure_budget, open_)
        assert isinstance(budget, Ensure)
        assert budget.wanted.manifest["spec"]["maxUnavailable"] == 0


class TestTheClaim:
    def test_is_deleted_while_all_others_have_all_data(self) -> None:
        state = stopped()
        (action,) = decided(delete_given_up, state)
        assert isinstance(action, DeleteClaim)
        assert (action.name, action.uid, action.resource_version) == (
            "js-c-2",
            "000002-volume",
            "1",
        )
        assert action.message == "deleting PersistentVolumeClaim js-c-2, to make a new one of 20Gi"
        assert action.evidence is not None
        assert action.evidence.objection(state.pods, state.now) == ""
        assert action.evidence.objection((*state.pods, *pods(2)), state.now)
        assert action.evidence.objection(state.pods, state.now + 30)

    @pytest.mark.parametrize("ill", sorted(ILL.keys() - {"JetStream is off on it"}))
    def test_waits_for_every_other_one(self, ill: str) -> None:
        world = away()
        ILL[ill](world)
        found = delete_given_up(context(stopped(world)))
        assert found.actions == ()
        assert found.waiting

    def test_is_not_deleted_on_looks_of_before(self) -> None:
        state = stopped()
        found = delete_given_up(context(attrs.evolve(state, now=state.now + 60)))
        assert (found.actions, bool(found.queries)) == ((), True)

    def test_is_not_deleted_while_its_server_shuts_down(self) -> None:
        standing = (*pods(1), *map(terminating, pods(2)), *pods(3))
        found = delete_given_up(context(stopped(full(), standing=standing)))
        assert found.actions == ()
        assert found.waiting == ("c-2 is shutting down",)

    @pytest.mark.parametrize(
        "state",
        [
            lambda: stopped(given=BACK),
            lambda: stopped(given=""),
            lambda: stopped(given="2=5c1e77@2026-01-01T00:00:00Z"),
            lambda: stopped(timestamp=LATE),
            lambda: stopped(spec=spec_of("20Gi")),
            lambda: stopped(spec=spec_of("10Gi", resizePolicy="Replace")),
            lambda: stopped(standing=pods(1)),
            lambda: with_claim(stopped(), None),
            lambda: stopped(note=noted(1, 3)),
            lambda: stopped(note="garbled"),
            lambda: cluster_state({"size": 3}),
        ],
        ids=[
            *("came back", "nothing noted", "another volume", "too late", "in place"),
            *("large enough", "another is away", "gone already"),
            *("no note tells of it", "a note that cannot be read", "no JetStream"),
        ],
    )
    def test_is_not_deleted(self, state: Callable[[], ClusterState]) -> None:
        assert delete_given_up(context(state())).actions == ()

    def test_is_not_deleted_twice(self) -> None:
        state = stopped()
        going = changed(claim_of(state), deletion_timestamp="2026-01-01T00:00:00Z")  # type: ignore[arg-type]  # any object has metadata
        assert decided(delete_given_up, with_claim(state, going)) == ()  # type: ignore[arg-type]  # as above
        assert told(with_claim(state, going))[1] == "VolumeReplacing"  # type: ignore[arg-type]  # as above

    def test_is_not_deleted_while_claims_cannot_be_read(self) -> None:
        state = stopped()
        unknown = {kind: it for kind, it in state.owned.items() if kind != "PersistentVolumeClaim"}
        assert decided(delete_given_up, attrs.evolve(state, owned=unknown)) == ()
        assert notes(attrs.evolve(state, owned=unknown, timestamp=LATE)) == []

    def test_that_somebody_else_controls_stays(self) -> None:
        state = stopped()
        owner = {"kind": "NatsCluster", "name": "c", "uid": EARLIER, "controller": True}
        foreign = sized(2, spec=SPEC, ownerReferences=[owner])
        assert decided(delete_given_up, with_claim(state, foreign)) == ()

    @pytest.mark.parametrize("there", ["20Gi", "30Gi"])
    def test_is_deleted_too_where_storage_gave_it_more_than_it_asked_for(self, there: str) -> None:
        """The limit follows what was asked for: if its server came back for that, it would be
        stopped again and again."""
        rounded = (DONE, sized(2, "10Gi", there, spec=SPEC), *claims(3))
        (stop,) = decided(renew_volumes, state_of(there=rounded))
        assert isinstance(stop, GiveUpVolume)
        state = stopped(there=rounded)
        assert notes(state) == []
        assert decided(delete_given_up, state, DeleteClaim)

    def test_that_stays_although_it_was_deleted_is_told(self) -> None:
        going = sized(2, spec=SPEC, deletionTimestamp="2026-01-01T00:00:00Z")
        assert told(with_claim(stopped(), going))[2] == (
            "PersistentVolumeClaim js-c-2 is being replaced with an empty one: the claim was "
            "deleted and is still there; if that lasts, look at its finalizers with kubectl get "
            "pvc js-c-2 --namespace ns --output yaml"
        )

    def test_keeps_its_server_from_starting(self) -> None:
        found = scale_up(context(stopped()))
        assert found.actions == ()
        assert found.waiting == (
            "c-2: PersistentVolumeClaim js-c-2 is being replaced with an empty one",
        )

    def test_is_told_but_is_nothing_that_anybody_has_to_do(self) -> None:
        state = stopped()
        text = "PersistentVolumeClaim js-c-2 is being replaced with an empty one"
        assert told(state) == ("False", "VolumeReplacing", text)
        assert "olume" not in told(state, "Degraded")[1]
        world = away()
        ILL["a group without a leader"](world)
        assert told(stopped(world))[2].startswith(f"{text}: stream A/ORDERS has no leader")


class TestTheServerComesBack:
    @pytest.mark.parametrize(
        "state",
        [
            lambda: stopped(timestamp=LATE),
            lambda: stopped(spec=spec_of("20Gi")),
            lambda: stopped(spec={**SPEC, "jetstream": spec_of("10Gi")["jetstream"]}),
            lambda: stopped(standing=pods(1)),
            lambda: stopped(standing=(*pods(1), process(3, SPEC, ready=False))),
            lambda: stopped(standing=(*pods(1), *map(terminating, pods(3)))),
            lambda: stopped(full(), standing=pods(1, 2, 3)),
        ],
        ids=[
            *("after some time", "another policy", "another size", "another is away"),
            *("another is not ready", "another shuts down", "its pod is there"),
        ],
    )
    def test_as_soon_as_it_may_be_needed(self, state: Callable[[], ClusterState]) -> None:
        made = state()
        assert notes(made) == [RETURNED.format(made.timestamp)]

    def test_if_a_stream_came_in_the_moment_in_which_it_stopped(self) -> None:
        standing = (*pods(1), *map(terminating, pods(2)), *pods(3))
        world = full()
        state = stopped(world, standing=standing)
        assert notes(state) == []
        world.stream("ALONE", members=[TWO])
        assert notes(stopped(world, standing=standing)) == [RETURNED.format(state.timestamp)]

    def test_once_that_is_noted(self) -> None:
        """Before that, its pod might go again, and nobody would know what came to it."""
        (action,) = decided(scale_up, stopped(given=BACK))
        assert isinstance(action, CreateServer)
        assert action.name == "c-2"

    def test_not_before(self) -> None:
        assert notes(stopped(timestamp=SOON)) == []
        assert PATIENCE == 120

    def test_never_once_its_claim_is_gone(self) -> None:
        for changes in ({"timestamp": LATER}, {"spec": spec_of("20Gi")}):
            state = with_claim(stopped(**changes), None)
            assert notes(state) == []
            assert decided(make_empty, with_claim(stopped(**changes), None))

    def test_not_while_its_claim_goes(self) -> None:
        going = sized(2, spec=SPEC, deletionTimestamp="2026-01-01T00:00:00Z")
        for changes in ({"timestamp": LATER}, {"spec": spec_of("20Gi")}):
            assert notes(with_claim(stopped(**changes), going)) == []

    def test_and_that_is_forgotten_after_a_while(self) -> None:
        assert notes(state_of(given=BACK)) == []
        assert notes(state_of(given=BACK, timestamp=LATER)) == [""]
        assert REST == 600

    @pytest.mark.parametrize(
        "given", ["2=5c1e77@2026-01-01T00:00:00Z", "4=000004@2026-01-01T00:00:00Z"]
    )
    def test_is_nothing_of_another_volume_or_server(self, given: str) -> None:
        assert notes(state_of(given=given)) == [""]

    def test_is_forgotten_without_jetstream(self) -> None:
        plain = state_of(given=BACK, spec={"size": 3, "version": "2.14.10"})
        assert notes(plain) == [""]


class TestTheNextVolume:
    def test_is_made_as_the_spec_says_and_noted_as_empty(self) -> None:
        state = with_claim(stopped(), None)
        (action,) = decided(make_empty, state)
        assert isinstance(action, Ensure)
        manifest = action.wanted.manifest
        assert manifest["spec"]["resources"]["requests"]["storage"] == "20Gi"
        assert manifest["metadata"]["annotations"][names.REPLACES_ANNOTATION] == "000002"
        text = "PersistentVolumeClaim js-c-2 is being replaced with an empty one"
        assert told(state) == ("False", "VolumeReplacing", text)

    def test_is_not_made_while_others_are_not_well(self) -> None:
        world = away()
        ILL["a replica that lags"](world)
        assert decided(make_empty, with_claim(stopped(world), None)) == ()

    def test_of_another_server_that_was_lost_meanwhile_is_for_somebody_to_decide(self) -> None:
        state = with_claim(stopped(there=claims(1, 2), standing=pods(1)), None)
        assert decided(make_empty, state) == ()
        assert "js-c-3" in told(state)[2]

    def test_starts_its_server_and_what_was_noted_is_forgotten(self) -> None:
        made = sized(2, "20Gi", "20Gi", spec=SPEC, uid="5c1e77-new")
        text = {**(made.metadata.annotations or {}), names.REPLACES_ANNOTATION: "000002"}
        meta = msgspec.structs.replace(made.metadata, annotations=text)
        state = stopped(
            there=(DONE, msgspec.structs.replace(made, metadata=meta), *claims(3)),
            note=f"1=000001,2=5c1e77,{noted(3)}",
        )
        assert notes(state) == [""]
        (action,) = decided(start_empty, state)
        assert isinstance(action, CreateServer)


MEMBERS = st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=3, unique=True)
BAD = st.sampled_from(["", "lags", "lacks", "leaderless"])


@given(
    groups=st.lists(st.tuples(MEMBERS, BAD), max_size=4),
    down=st.sampled_from([0, 1, 3]),
    seconds=st.integers(0, 1000),
    gone=st.booleans(),
)
def test_whatever_servers_say_nothing_goes_that_others_lack(
    groups: list[tuple[list[int], str]], down: int, seconds: int, gone: bool
) -> None:
    """A server stops only if each stream has two other good copies, or all that it should have;
    and while it is away, its claim goes only if all others are whole."""
    world = full()
    every = world.names
    for number, (members, bad) in enumerate(groups):
        on = [every[index - 1] for index in members]
        toy = world.stream(f"S{number}", members=on, leader="" if bad == "leaderless" else None)
        if bad == "lags":
            toy.seen[on[-1]] = Replica(on[-1], current=True, active=0.5, lag=9000)
        elif bad == "lacks":
            toy.stores[on[-1]] = Store(50, 51, 100)
    if down:
        world.states[every[down - 1]] = State.DOWN
    if gone:
        world.states[TWO] = State.DOWN
    stamp = f"2026-01-01T00:{seconds // 60:02}:{seconds % 60:02}Z"
    state = stopped(world, timestamp=stamp) if gone else state_of(world)
    actions = [action for stage in plan(state).stages for action in stage]
    others = set(every) - {TWO}
    whole = not down and all(
        bad == "" or (len(members) == 1 and bad != "leaderless") for members, bad in groups
    )
    for action in actions:
        if isinstance(action, GiveUpVolume):
            copies = [{every[i - 1] for i in members} & others for members, _ in groups]
            holds = [2 in members for members, _ in groups]
            assert whole
            assert all(len(it) >= 2 for it, held in zip(copies, holds, strict=True) if held)
        if isinstance(action, DeleteClaim):
            assert gone
            assert seconds <= PATIENCE
            assert not down


def test_the_rest_goes_on_meanwhile() -> None:
    """What is asked of the API server again, and what is noted of volumes, waits for nothing."""
    kinds = {type(action) for stage in plan(stopped()).stages for action in stage}
    assert DeleteClaim in kinds
    assert kinds <= {DeleteClaim, NoteClaims, NoteRenewals, GrowClaim}
