"""Volumes grow by themselves before they are full: one step at a time, and up to a maximum."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.model import names
from natsctl.model.jetstream import Volume
from natsctl.model.objects import PersistentVolumeClaim
from natsctl.model.quantity import bytes_text, parse_bytes
from natsctl.plan.actions import GrowClaim
from natsctl.plan.claims.growth import growth_of
from natsctl.plan.claims.growth_steps import PAUSE, next_step, wanted_of
from natsctl.plan.claims.live import LiveClaim
from natsctl.plan.engine import plan
from natsctl.plan.growth_refused import FIRST_PAUSE
from natsctl.plan.jetstream import seen_in
from natsctl.plan.queries import JetStreamLook
from natsctl.plan.rules.claim_growth import grow_claims
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.growing import (
    GI,
    by_itself,
    filled,
    growing_to,
    refusing,
    sized,
    spec_of,
)
from tests.unit.plan.claims.volumes import annotated_claim, claim, noted
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import NAMES, Named, looked
from tests.unit.plan.world import NOW, context, decided, pod

THREE = (sized(1), sized(2), sized(3))
FULL = 5.25
"""GiB in a store that is 75 % full, on a volume of 10Gi."""


def of(size: str, spec: Any = None) -> tuple[PersistentVolumeClaim, ...]:
    """Volumes that all have grown to this."""
    return tuple(sized(index, size, size) for index in (1, 2, 3))


def grown(state: ClusterState) -> list[tuple[str, str]]:
    """Claims that are to ask for another size, and for which."""
    return [(each.name, each.size) for each in decided(grow_claims, state, GrowClaim)]


def bytes_(gib: float) -> int:
    return int(gib * GI)


def full(state: ClusterState, gib: float = FULL, limit: float = 7) -> ClusterState:
    return filled(state, bytes_(gib), bytes_(limit))


class TestAStep:
    def test_is_taken_by_the_first_claim_when_a_store_is_full(self) -> None:
        (action,) = decided(grow_claims, full(by_itself(*THREE)))
        text = (
            "growing PersistentVolumeClaim js-c-1 from 10Gi to 13Gi, because the file store of c-2 "
            "is 75 % full"
        )
        assert action == GrowClaim(
            *("js-c-1", "000001-volume", "1", "13Gi", 13 * GI, text),
            at=NOW,
        )

    def test_is_not_taken_before(self) -> None:
        assert grown(full(by_itself(*THREE), FULL - 0.1)) == []
        assert grown(by_itself(*THREE)) == []

    def test_is_not_taken_unless_the_spec_says_so(self) -> None:
        assert grown(full(by_itself(*THREE, spec=spec_of("10Gi")))) == []

    def test_is_taken_when_a_disk_is_full_whatever_servers_count(self) -> None:
        disk = Volume(bytes_(7.6), bytes_(2.2))
        (action,) = decided(grow_claims, filled(by_itself(*THREE), disk=disk), GrowClaim)
        assert action.message.endswith("because the volume of c-2 is 77 % full")
        assert grown(filled(by_itself(*THREE), disk=Volume(bytes_(7.2), bytes_(2.6)))) == []

    @pytest.mark.parametrize(("threshold", "due"), [(90, False), (50, True)])
    def test_is_taken_at_the_threshold_of_the_spec(self, threshold: int, *, due: bool) -> None:
        spec = growing_to(thresholdPercent=threshold)
        assert bool(grown(full(by_itself(*THREE, spec=spec), 5.0))) is due

    @pytest.mark.parametrize(
        ("size", "percent", "then"),
        [("10Gi", 10, "11Gi"), ("10Gi", 100, "20Gi"), ("11Gi", 25, "14Gi"), ("1Gi", 25, "1280Mi")],
    )
    def test_is_as_large_as_the_spec_says_and_easy_to_read(
        self, size: str, percent: int, then: str
    ) -> None:
        spec = growing_to(size=size, stepPercent=percent)
        state = by_itself(*of(size), spec=spec)
        assert grown(filled(state, GI * 9, parse_bytes(size) * 70 // 100))[0] == ("js-c-1", then)

    def test_ends_at_the_maximum(self) -> None:
        spec = growing_to("12Gi")
        assert grown(full(by_itself(*THREE, spec=spec))) == [("js-c-1", "12Gi")]
        assert grown(full(by_itself(*of("12Gi"), spec=spec), 8.4, 8.4)) == []

    def test_continues_from_what_there_is(self) -> None:
        assert grown(full(by_itself(*of("13Gi")), 6.9, 9.1)) == [("js-c-1", "17Gi")]

    def test_rests_on_a_fresh_look(self) -> None:
        state = full(by_itself(*THREE))
        assert grow_claims(context(state)).queries == {JetStreamLook(10.0)}
        old = filled(by_itself(*THREE), bytes_(FULL), ago=20.0)
        assert JetStreamLook(10.0) in plan(old).queries
        assert not any(isinstance(a, GrowClaim) for stage in plan(old).stages for a in stage)

    def test_is_taken_though_other_servers_say_nothing(self) -> None:
        found = full(by_itself(*THREE))
        assert found.seen is not None
        assert len(found.seen.summary.file) == 2
        assert grown(found) == [("js-c-1", "13Gi")]

    def test_is_not_taken_for_a_server_that_leaves(self) -> None:
        """What it has moves to others, and may fit there."""
        four = growing_to() | {"size": 4}
        pods = tuple(pod(index, four) for index in (1, 2, 3, 4))
        state = attrs.evolve(by_itself(*THREE), pods=pods)
        assert grown(filled(state, bytes_(6), server="c-4")) == []
        assert grown(filled(state, bytes_(6), server="c-3")) == [("js-c-1", "13Gi")]

    def test_is_taken_for_a_server_that_turned_jetstream_off_because_its_disk_is_full(self) -> None:
        world = Named(3, states={NAMES["nats-2"]: State.DISABLED})
        world.volumes[NAMES["nats-2"]] = Volume(bytes_(9.8), 0)
        state = looked(by_itself(*THREE), world)
        (action,) = decided(grow_claims, attrs.evolve(state, seen=seen_in(state)), GrowClaim)
        assert action.message.endswith("because the volume of c-2 is 100 % full")

    def test_tells_no_more_than_that_somebody_is_full(self) -> None:
        """A server may say anything."""
        (action,) = decided(grow_claims, filled(by_itself(*THREE), 2**62), GrowClaim)
        assert action.message.endswith("is 100 % full")


class TestTheOthers:
    """What one claim asks for, all are to have: nothing else remembers it."""

    def test_follow_the_first_one_at_a_time(self) -> None:
        first = sized(1, "13Gi", "13Gi")
        assert grown(by_itself(first, sized(2), sized(3))) == [("js-c-2", "13Gi")]
        second = sized(2, "13Gi", "13Gi")
        assert grown(by_itself(first, second, sized(3))) == [("js-c-3", "13Gi")]
        assert grown(by_itself(*of("13Gi"))) == []

    def test_wait_until_it_has_grown(self) -> None:
        assert grown(by_itself(sized(1, "13Gi"), sized(2), sized(3))) == []

    def test_follow_whoever_leads(self) -> None:
        state = by_itself(sized(1), sized(2), sized(3, "13Gi", "13Gi"))
        assert grown(state) == [("js-c-1", "13Gi")]

    def test_follow_to_the_maximum_at_most(self) -> None:
        state = by_itself(sized(1, "1Ti", "1Ti"), sized(2), sized(3))
        assert grown(state) == [("js-c-2", "100Gi")]

    def test_follow_nobody_who_belongs_to_somebody_else_or_is_beyond_size(self) -> None:
        owner = {"kind": "StatefulSet", "name": "c", "uid": "x", "controller": True}
        strange = sized(3, "13Gi", "13Gi", ownerReferences=[owner])
        assert grown(by_itself(sized(1), sized(2), strange)) == []
        four = sized(4, "13Gi", "13Gi", spec=growing_to() | {"size": 4})
        assert grown(by_itself(*THREE, four)) == []

    def test_stay_as_they_are_without_growth(self) -> None:
        state = by_itself(sized(1, "13Gi", "13Gi"), sized(2), sized(3), spec=spec_of("10Gi"))
        assert grown(state) == []

    def test_get_a_higher_size_of_the_spec(self) -> None:
        state = by_itself(*of("13Gi"), spec=growing_to(size="20Gi"))
        assert grown(state) == [("js-c-1", "20Gi")]

    def test_do_not_get_a_lower_one(self) -> None:
        assert grown(by_itself(*of("13Gi"), spec=growing_to(size="1Gi"))) == []

    def test_new_servers_start_with_the_same(self) -> None:
        state = by_itself(*of("13Gi"), spec=growing_to() | {"size": 4})
        assert state.desired is not None
        made = [it for it in state.desired.objects if it.name == "js-c-4"]
        assert made[0].manifest["spec"]["resources"]["requests"] == {"storage": "13Gi"}


class TestNoStep:
    """Is taken on top of another one."""

    def test_while_a_claim_is_short_of_the_last(self) -> None:
        state = full(by_itself(sized(1, "13Gi", "13Gi"), sized(2), sized(3)), 8, 9.1)
        assert grown(state) == [("js-c-2", "13Gi")]

    @pytest.mark.parametrize("condition", ["", "ControllerResizeError"])
    def test_while_a_volume_grows_or_is_stuck(self, condition: str) -> None:
        third = sized(3, "13Gi", "10Gi", condition=condition)
        done = (sized(1, "13Gi", "13Gi"), sized(2, "13Gi", "13Gi"))
        assert grown(full(by_itself(*done, third), 8, 9.1)) == []

    def test_while_servers_do_not_have_the_limit_of_the_last(self) -> None:
        """Larger volumes are of no use to a store with the limit of smaller ones."""
        state = by_itself(*of("13Gi"))
        assert grown(full(state, 7, 7)) == []
        assert grown(full(state, 7, 9.1)) == [("js-c-1", "17Gi")]

    def test_by_a_look_from_before_the_last(self) -> None:
        """Which tells of a smaller file system."""
        before = Volume(bytes_(7.6), bytes_(1.9))
        assert before.percent == 80
        assert grown(filled(by_itself(*of("13Gi")), disk=before)) == []

    def test_a_moment_after_the_last(self) -> None:
        def at(text: str) -> list[tuple[str, str]]:
            first = annotated_claim(sized(1), **{names.GROWN_ANNOTATION: text})
            return grown(full(by_itself(first, sized(2), sized(3))))

        assert at("2025-12-31T23:55:01Z") == []
        assert at(NOW) == []
        assert at("2025-12-31T23:55:00Z") != []
        assert PAUSE == 300

    @pytest.mark.parametrize("text", ["2027-01-01T00:00:00Z", "x", "", "9" * 200])
    def test_is_kept_off_by_a_moment_that_nobody_can_have_noted(self, text: str) -> None:
        first = annotated_claim(sized(1), **{names.GROWN_ANNOTATION: text})
        assert grown(full(by_itself(first, sized(2), sized(3)))) == [("js-c-1", "13Gi")]

    def test_while_claims_are_not_this_clusters_yet(self) -> None:
        assert grown(full(by_itself(*THREE, note=noted(2, 3)))) == []

    def test_without_any_volume(self) -> None:
        pending = tuple(sized(index, phase="Pending") for index in (1, 2, 3))
        assert grown(full(by_itself(*pending))) == []
        assert next_step(context(by_itself(*THREE)), ()) is None

    def test_while_claims_cannot_be_read(self) -> None:
        assert grown(full(by_itself(*THREE, known=False))) == []

    def test_while_the_cluster_is_paused(self) -> None:
        paused = full(by_itself(*THREE, spec=growing_to() | {"paused": True}))
        assert not any(isinstance(a, GrowClaim) for stage in plan(paused).stages for a in stage)


class TestAServerThatIsAway:
    def test_keeps_no_other_from_growing(self) -> None:
        state = by_itself(sized(1), sized(2), note=noted(1, 2, 3))
        assert grown(full(state)) == [("js-c-1", "13Gi")]

    def test_gives_no_reason_that_nobody_tells(self) -> None:
        state = full(by_itself(*THREE))
        assert grown(attrs.evolve(state, seen=None)) == []


class TestARefusedStep:
    STATE = by_itself(*THREE)

    def test_is_asked_for_again_after_a_while(self) -> None:
        state = refusing(full(self.STATE), 13 * GI)
        assert grown(state) == []
        assert grown(refusing(full(self.STATE), 13 * GI, ago=FIRST_PAUSE)) == [("js-c-1", "13Gi")]

    def test_is_wanted_until_it_is_clear_that_there_is_room(self) -> None:
        def wanted(gib: float) -> bool:
            return growth_of(context(refusing(full(self.STATE, gib), 13 * GI))).next is not None

        assert wanted(4.95)
        assert not wanted(4.85)
        assert growth_of(context(full(self.STATE, 4.95))).next is None

    def test_is_wanted_as_long_as_nobody_knows(self) -> None:
        found = growth_of(context(refusing(self.STATE, 13 * GI)))
        assert found.next is not None
        assert found.step is not None
        assert found.step.why == ""


SIZES = st.integers(1, 2**44)


@given(
    size=SIZES,
    most=SIZES,
    led=SIZES,
    step=st.integers(10, 100),
    threshold=st.integers(50, 90),
    percent=st.integers(0, 200),
)
def test_whatever_servers_say_and_claims_ask_for_nothing_grows_beyond_the_maximum(
    size: int, most: int, led: int, step: int, threshold: int, percent: int
) -> None:
    most = max(size, most)
    spec = growing_to(
        bytes_text(most), bytes_text(size), stepPercent=step, thresholdPercent=threshold
    )
    state = by_itself(*of(bytes_text(led)), spec=spec)
    wanted = wanted_of(context(state))
    assert size <= wanted <= most
    assert wanted >= min(led, most)
    limit = wanted * 70 // 100
    for action in decided(grow_claims, filled(state, limit * percent // 100, limit), GrowClaim):
        asked = parse_bytes(action.size)
        assert min(led, most) <= asked <= most
        assert asked == action.wanted
        assert asked == wanted or (asked > wanted and percent >= threshold)


@given(st.integers(1, 2**40), st.integers(10, 100), st.integers(50, 90), st.integers(0, 2**44))
def test_steps_end_where_there_is_room(size: int, step: int, threshold: int, used: int) -> None:
    """However much is stored: no step is taken twice for the same."""
    spec = growing_to("16Ti", bytes_text(size), stepPercent=step, thresholdPercent=threshold)
    now = size
    for _ in range(200):
        state = by_itself(*of(bytes_text(now)), spec=spec)
        found = next_step(
            context(filled(state, used, now * 70 // 100)),
            (LiveClaim(sized(1, bytes_text(now)), "uid"),),
        )
        if found is None:
            break
        assert found.size > now
        now = found.size
    else:
        raise AssertionError("it never ends")
    limit = now * 70 // 100
    assert now == 2**44 or not limit or used * 100 // limit < threshold


def test_a_claim_is_made_with_what_the_spec_says_unless_one_has_grown() -> None:
    assert claim(1, spec=growing_to()).requested == "10Gi"
    assert wanted_of(context(by_itself(*THREE))) == 10 * GI
    assert wanted_of(context(by_itself(*of("13Gi")))) == 13 * GI
