"""One volume grows after the other, and only what is this cluster's."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.model.objects import PersistentVolumeClaim
from natsctl.plan.actions import GrowClaim
from natsctl.plan.engine import plan
from natsctl.plan.growth_refused import FIRST_PAUSE
from natsctl.plan.rules.claim_growth import grow_claims, next_growth_in
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.growing import GI, refusing, sized, spec_of, wanting
from tests.unit.plan.claims.volumes import EARLIER, noted
from tests.unit.plan.world import NOW, cluster_state, context, decided


def grown(state: ClusterState) -> list[tuple[str, str]]:
    """Claims that are to ask for another size, and for which."""
    return [(each.name, each.size) for each in decided(grow_claims, state, GrowClaim)]


def waiting(state: ClusterState) -> tuple[str, ...]:
    return grow_claims(context(state)).waiting


THREE = (sized(1), sized(2), sized(3))
DONE = sized(1, "20Gi", "20Gi")


class TestOneAfterTheOther:
    def test_the_first_claim_asks_for_more(self) -> None:
        state = wanting("20Gi", *THREE)
        (action,) = decided(grow_claims, state)
        assert action == GrowClaim(
            *("js-c-1", "000001-volume", "1", "20Gi", 20 * GI),
            *("growing PersistentVolumeClaim js-c-1 from 10Gi to 20Gi", NOW),
        )
        assert waiting(state) == ("js-c-1 grows from 10Gi to 20Gi, then js-c-2, js-c-3",)

    def test_the_next_waits_until_it_has_grown(self) -> None:
        state = wanting("20Gi", sized(1, "20Gi"), sized(2), sized(3))
        assert grown(state) == []
        assert waiting(state) == ("js-c-1 grows from 10Gi to 20Gi, then js-c-2, js-c-3",)

    def test_whichever_is_growing(self) -> None:
        assert grown(wanting("20Gi", sized(1), sized(2), sized(3, "20Gi"))) == []

    def test_then_it_is_the_next(self) -> None:
        assert grown(wanting("20Gi", DONE, sized(2), sized(3))) == [("js-c-2", "20Gi")]

    def test_until_all_have_grown(self) -> None:
        state = wanting("20Gi", *(sized(index, "20Gi", "20Gi") for index in (1, 2, 3)))
        assert grown(state) == []
        assert waiting(state) == ()

    def test_storage_that_gave_more_has_to_be_asked_all_the_same(self) -> None:
        """What counts is what was asked for."""
        state = wanting("20Gi", sized(1, "10Gi", "32Gi"), sized(2), sized(3))
        assert grown(state) == [("js-c-1", "20Gi")]

    def test_a_file_system_that_is_still_to_grow_is_waited_for(self) -> None:
        first = sized(1, "20Gi", condition="FileSystemResizePending")
        (text,) = waiting(wanting("20Gi", first, sized(2), sized(3)))
        assert "its file system is next; some storage needs a restart" in text

    def test_a_growth_that_somebody_else_began_is_waited_for(self) -> None:
        state = wanting("15Gi", sized(1, "30Gi", "20Gi"), sized(2), sized(3))
        assert grown(state) == []
        assert waiting(state) == ("js-c-1 grows from 20Gi to 30Gi, then js-c-2, js-c-3",)

    def test_a_growth_that_the_spec_does_not_want_is_nothing_to_wait_for(self) -> None:
        state = wanting("10Gi", sized(1, "20Gi"), sized(2), sized(3))
        assert grown(state) == []
        assert waiting(state) == ()


class TestASpecThatIsLoweredAgain:
    """Kubernetes takes a smaller request while a volume grows, if it is more than there is."""

    def test_has_the_claim_ask_for_less(self) -> None:
        state = wanting("15Gi", sized(1, "20Gi"), sized(2), sized(3))
        assert grown(state) == [("js-c-1", "15Gi")]

    def test_to_what_is_there_changes_no_claim(self) -> None:
        failed = sized(1, "20Gi", condition="ControllerResizeError")
        assert grown(wanting("10Gi", failed, sized(2), sized(3))) == []

    def test_does_not_concern_what_has_grown(self) -> None:
        state = wanting("15Gi", DONE, sized(2, "20Gi"), sized(3))
        assert grown(state) == [("js-c-2", "15Gi")]


OWNER = {"kind": "StatefulSet", "name": "c", "uid": "x", "controller": True}
HELD: dict[str, dict[str, Any]] = {
    "of a stranger": {"ownerReferences": [OWNER]},
    "that is being deleted": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
    "that is lost": {"phase": "Lost"},
    "that is not bound yet": {"phase": "Pending"},
}


class TestAClaim:
    @pytest.mark.parametrize("what", HELD)
    def test_that_is_held_is_never_changed_nor_waited_for(self, what: str) -> None:
        first = sized(1, "15Gi", **HELD[what])
        assert grown(wanting("20Gi", first, sized(2), sized(3))) == [("js-c-2", "20Gi")]

    def test_that_is_missing_keeps_no_other_from_growing(self) -> None:
        state = wanting("20Gi", sized(2), sized(3), note=noted(1, 2, 3))
        assert grown(state) == [("js-c-2", "20Gi")]

    def test_of_an_earlier_cluster_is_first_made_this_ones(self) -> None:
        """It may be growing already: no other begins before that is known."""
        told = f"{noted(1, origin='7e57ab1e')},{noted(2, 3)}"
        first = sized(1, "20Gi", of=EARLIER)
        assert grown(wanting("20Gi", first, sized(2), sized(3), note=told)) == []
        assert grown(wanting("20Gi", *(sized(index, of=EARLIER) for index in (1, 2, 3)))) == []

    def test_that_is_not_noted_is_noted_first(self) -> None:
        assert grown(wanting("20Gi", *THREE, note=noted(2, 3))) == []
        assert grown(wanting("20Gi", *THREE, note="x")) == []

    def test_beyond_size_stays_as_it_is(self) -> None:
        four = {**spec_of("10Gi"), "size": 4}
        done = tuple(sized(index, "20Gi", "20Gi") for index in (1, 2, 3))
        assert grown(wanting("20Gi", *done, sized(4, spec=four))) == []

    @pytest.mark.parametrize("odd", [sized(1, "x"), sized(1, "10Gi", "x"), sized(1, "10Gi", None)])
    def test_of_a_size_that_nobody_can_read_is_left_alone(self, odd: PersistentVolumeClaim) -> None:
        assert grown(wanting("20Gi", odd, sized(2), sized(3))) == [("js-c-2", "20Gi")]


class TestNothingGrows:
    def test_by_itself_if_the_policy_says_so(self) -> None:
        state = wanting("20Gi", *THREE, spec=spec_of("20Gi", resizePolicy="Manual"))
        assert grown(state) == []

    def test_differently_where_volumes_may_be_replaced(self) -> None:
        """What can grow in its place does."""
        state = wanting("20Gi", *THREE, spec=spec_of("20Gi", resizePolicy="Replace"))
        assert grown(state) == [("js-c-1", "20Gi")]

    def test_while_claims_cannot_be_read(self) -> None:
        assert grown(wanting("20Gi", *THREE, known=False)) == []

    def test_without_jetstream(self) -> None:
        assert grown(cluster_state({"size": 3})) == []

    def test_while_the_cluster_is_paused(self) -> None:
        state = attrs.evolve(wanting("20Gi", *THREE), paused=True)
        assert plan(state).stages == ()


class TestARefusal:
    def test_is_not_asked_for_again_at_once(self) -> None:
        state = refusing(wanting("20Gi", *THREE), 20 * GI)
        assert grown(state) == []
        assert waiting(state) == ()
        assert next_growth_in(context(state)) == FIRST_PAUSE

    def test_is_when_its_time_has_come(self) -> None:
        state = refusing(wanting("20Gi", *THREE), 20 * GI, ago=FIRST_PAUSE)
        assert grown(state) == [("js-c-1", "20Gi")]
        assert next_growth_in(context(state)) is None

    def test_wakes_no_cluster_that_is_paused_again_and_again(self) -> None:
        late = refusing(wanting("20Gi", *THREE), 20 * GI, ago=FIRST_PAUSE + 1)
        assert next_growth_in(context(attrs.evolve(late, paused=True))) is None

    def test_of_another_size_does_not_count(self) -> None:
        state = refusing(wanting("20Gi", *THREE), 30 * GI)
        assert grown(state) == [("js-c-1", "20Gi")]
        assert next_growth_in(context(state)) is None

    def test_is_the_time_for_the_next_look(self) -> None:
        state = refusing(wanting("20Gi", *THREE), 20 * GI, ago=FIRST_PAUSE - 5)
        again = plan(state).again
        assert again is not None
        assert again <= 5

    def test_of_the_first_claim_keeps_the_others_as_they_are(self) -> None:
        state = refusing(wanting("20Gi", *THREE), 20 * GI)
        assert [a for stage in plan(state).stages for a in stage if isinstance(a, GrowClaim)] == []
