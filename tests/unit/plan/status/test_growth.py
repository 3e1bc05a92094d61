"""How volumes grow, and what keeps them from it, is told together with the way out."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.api.types.status import ClusterStatus, Condition, VolumeStatus
from natsctl.model.foreign import ANSWER
from natsctl.model.objects import PersistentVolumeClaim
from natsctl.plan.claims.growth_words import kept, way_to_room
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.claims.growing import (
    CLASS,
    GI,
    by_itself,
    filled,
    growing_to,
    refusing,
    sized,
    spec_of,
    wanting,
)
from tests.unit.plan.world import context, running


def made(
    index: int, asked: str = "10Gi", there: str | None = "10Gi", **changes: Any
) -> PersistentVolumeClaim:
    return sized(index, asked, there, spec=spec_of("20Gi"), **changes)


THREE = (made(1), made(2), made(3))


def told(state: ClusterState, kind: str = "VolumesReady") -> tuple[str, str, str]:
    found = {c.type: c for c in status(state).conditions}[kind]
    return found.status, found.reason, found.message


def test_what_grows_is_told() -> None:
    state = wanting("20Gi", made(1, "20Gi"), made(2), made(3))
    text = "js-c-1 grows from 10Gi to 20Gi, then js-c-2, js-c-3"
    assert told(state) == ("True", "VolumesGrowing", text)
    assert told(state, "Progressing") == ("True", "GrowingVolumes", text)
    assert told(state, "Degraded")[0] == "False"


def test_nothing_keeps_a_volume_that_is_to_grow_as_it_is() -> None:
    found = context(wanting("20Gi", *THREE))
    volumes = volumes_of(found)
    assert volumes is not None
    assert {kept(found, claim, 10 * GI) for claim in volumes.claims} == {""}


def test_each_server_has_its_volume_in_the_status() -> None:
    state = wanting("20Gi", made(1, "20Gi"), made(2), made(3, "10Gi", None))
    assert [server.volume for server in status(state).servers] == [
        VolumeStatus("js-c-1", "20Gi", "10Gi"),
        VolumeStatus("js-c-2", "10Gi", "10Gi"),
        VolumeStatus("js-c-3", "10Gi", ""),
    ]
    assert [server.volume for server in status(running({"size": 1})).servers] == [None]


class TestARefusal:
    def test_for_a_class_that_cannot_grow_says_so(self) -> None:
        state = refusing(wanting("20Gi", *THREE), 20 * GI)
        text = (
            "the API server does not let PersistentVolumeClaim js-c-1 ask for 20Gi instead of "
            "10Gi: \"persistentvolumeclaims 'js-c-1' is forbidden: only dynamically provisioned "
            'pvc can be resized and the storageclass that provisions the pvc must support resize"; '
            "if storage class none can grow, set its allowVolumeExpansion: true, or else set "
            "spec.jetstream.fileStore.pvc.size back to 10Gi"
        )
        assert told(state)[:2] == ("False", "VolumeNotGrown")
        assert told(state)[2].replace('"js-c-1"', "'js-c-1'") == text

    def test_degrades_the_cluster_which_makes_an_event(self) -> None:
        state = refusing(wanting("20Gi", *THREE), 20 * GI)
        assert told(state, "Degraded")[:2] == ("True", "VolumeNotGrown")
        assert told(state, "Progressing")[:2] == ("False", "Settled")
        assert told(state, "Ready")[0] == "True"

    @pytest.mark.parametrize(
        ("words", "way"),
        [
            ("exceeded quota: q, requested: requests.storage=10Gi", "raise the quota, or set"),
            ("User cannot patch resource", "resolve that, or set"),
        ],
    )
    def test_tells_the_way_out(self, words: str, way: str) -> None:
        message = told(refusing(wanting("20Gi", *THREE), 20 * GI, words))[2]
        assert f'{words}"; {way} spec.jetstream.fileStore.pvc.size back to 10Gi' in message


class TestAGrowthThatIsStuck:
    def test_is_told_in_the_words_of_the_storage(self) -> None:
        first = made(1, "20Gi", condition="ControllerResizeError", words="no room\nleft")
        state = wanting("20Gi", first, made(2), made(3))
        text = (
            "PersistentVolumeClaim js-c-1 does not grow from 10Gi to 20Gi: ControllerResizeError: "
            '"no room left"; see kubectl describe pvc js-c-1, or set '
            "spec.jetstream.fileStore.pvc.size lower, but to more than 10Gi"
        )
        assert told(state) == ("False", "VolumeNotGrown", text)
        assert told(state, "Degraded")[:2] == ("True", "VolumeNotGrown")
        assert told(state, "Progressing")[0] == "False"

    def test_is_no_trouble_once_it_was_given_up(self) -> None:
        """The spec has the size that is there: Kubernetes takes no request of just so much."""
        first = sized(1, "20Gi", condition="ControllerResizeError")
        state = wanting("10Gi", first, sized(2), sized(3))
        text = "js-c-1 asks for 20Gi, more than the spec, and cannot shrink"
        assert told(state) == ("True", "VolumesDiffer", text)
        assert told(state, "Degraded")[0] == "False"
        assert told(state, "Progressing")[:2] == ("False", "Settled")

    def test_is_bounded_whatever_the_storage_says(self) -> None:
        first = made(1, "20Gi", condition="NodeResizeError", words="x" * 9000)
        assert len(told(wanting("20Gi", first, made(2), made(3)))[2]) < 2 * ANSWER

    @pytest.mark.parametrize("status", ["ControllerResizeInfeasible", "NodeResizeFailed"])
    def test_is_known_without_words(self, status: str) -> None:
        first = made(1, "20Gi", status=status)
        message = told(wanting("20Gi", first, made(2), made(3)))[2]
        assert f"from 10Gi to 20Gi: {status}; see kubectl" in message

    def test_is_not_one_that_goes_on(self) -> None:
        first = made(1, "20Gi", status="NodeResizeInProgress")
        assert told(wanting("20Gi", first, made(2), made(3)))[0] == "True"


def test_the_fixture_has_the_words_of_kubernetes() -> None:
    assert "only dynamically provisioned pvc can be resized" in CLASS


class TestVolumesThatGrowByThemselves:
    GROWN = tuple(sized(index, "13Gi", "13Gi") for index in (1, 2, 3))

    def most(self, used: int = 0, before: str = "", limit: int = 91 * GI // 10) -> ClusterState:
        """They are as large as they may be."""
        state = filled(by_itself(*self.GROWN, spec=growing_to("13Gi")), used, limit)
        told_before = Condition("VolumesReady", "True", before)
        return attrs.evolve(state, status=ClusterStatus(conditions=(told_before,)))

    def test_are_told_with_how_far_they_may_grow(self) -> None:
        text = "the volumes have grown by themselves to 13Gi, and may grow to 100Gi"
        assert told(by_itself(*self.GROWN)) == ("True", "VolumesDiffer", text)

    def test_are_nothing_to_tell_before_they_have_grown(self) -> None:
        assert told(by_itself(sized(1), sized(2), sized(3))) == ("True", "AllVolumesBound", "")

    def test_are_told_while_they_grow(self) -> None:
        state = by_itself(sized(1, "13Gi"), sized(2), sized(3))
        text = "js-c-1 grows from 10Gi to 13Gi, then js-c-2, js-c-3"
        assert told(state) == ("True", "VolumesGrowing", text)

    def test_at_the_maximum_are_told_with_the_way_out_when_they_fill_up(self) -> None:
        grown = "the volumes have grown by themselves to 13Gi"
        assert told(self.most()) == ("True", "VolumesDiffer", grown)
        assert told(self.most(7 * GI)) == (
            *("True", "VolumesAtMaximum"),
            "the volumes have grown to the maximum of 13Gi, and are filling up: raise "
            "spec.jetstream.fileStore.growth.maxSize, or delete messages",
        )

    def test_at_the_maximum_are_told_until_there_is_room_again(self) -> None:
        """It does not come and go with each message."""
        assert told(self.most(66 * GI // 10))[1] == "VolumesDiffer"
        assert told(self.most(66 * GI // 10, "VolumesAtMaximum"))[1] == "VolumesAtMaximum"
        assert told(self.most(6 * GI, "VolumesAtMaximum"))[1] == "VolumesDiffer"
        unknown = attrs.evolve(self.most(0, "VolumesAtMaximum"), seen=None)
        assert told(unknown)[1] == "VolumesAtMaximum"

    def test_that_are_at_their_maximum_from_the_start_are_told_likewise(self) -> None:
        three = (sized(1), sized(2), sized(3))
        state = filled(by_itself(*three, spec=growing_to("10Gi")), 6 * GI)
        assert told(state)[1] == "VolumesAtMaximum"

    def test_of_a_class_that_cannot_are_told_with_the_way_out(self) -> None:
        three = (sized(1), sized(2), sized(3))
        state = refusing(filled(by_itself(*three), 6 * GI), 13 * GI)
        assert told(state)[:2] == ("False", "VolumeNotGrown")
        assert told(state)[2].endswith(
            "if storage class none can grow, set its allowVolumeExpansion: true, or else set "
            "spec.jetstream.fileStore.growth.maxSize, and pvc.size if that is more, to 10Gi"
        )

    def test_that_are_stuck_are_told_with_the_way_out(self) -> None:
        first = sized(1, "13Gi", condition="ControllerResizeError", words="no room")
        state = by_itself(first, sized(2), sized(3))
        assert told(state)[2].endswith(
            "or set spec.jetstream.fileStore.growth.maxSize lower, but to more than 10Gi"
        )
        assert told(by_itself(first, sized(2), sized(3), spec=growing_to("10Gi")))[1] == (
            "VolumesDiffer"
        )


class TestAFullStore:
    """What is said of it fits volumes that grow by themselves."""

    def way_out(self, most: str, size: str = "10Gi") -> str:
        three = (sized(1), sized(2), sized(3))
        return way_to_room(context(by_itself(*three, spec=growing_to(most, size))))

    def test_is_left_to_natsctl_until_they_are_at_their_maximum(self) -> None:
        assert self.way_out("100Gi") == (
            "natsctl grows the volumes, up to 100Gi, or VolumesReady says why not"
        )
        assert self.way_out("10Gi") == (
            "raise spec.jetstream.fileStore.growth.maxSize, or delete messages"
        )

    def test_is_left_to_the_user_without_growth(self) -> None:
        assert way_to_room(context(wanting("10Gi", sized(1), sized(2), sized(3)))) == ""
        state = filled(by_itself(sized(1), sized(2), sized(3)), 6 * GI)
        assert "natsctl grows the volumes, up to 100Gi" in told(state, "JetStream")[2]
