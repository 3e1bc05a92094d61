"""A spec that asks for smaller volumes than there are is refused, and says what is possible."""

from __future__ import annotations

import json
from typing import Any

import pytest

from natsctl.api.types.status import ClusterStatus
from natsctl.model.objects import Cluster, Meta, PersistentVolumeClaim
from natsctl.plan.claims.stored import Stored, stored_of
from natsctl.plan.desired import ParsedSpec, parse_cluster
from tests.unit.plan.claims.growing import GI, growing_to, sized
from tests.unit.plan.claims.volumes import SPEC, all_claims, claim
from tests.unit.plan.world import NAME, NAMESPACE, UID


def spec_of(size: str) -> dict[str, Any]:
    return SPEC | {"jetstream": {"fileStore": {"pvc": {"size": size}}}}


def cluster(spec: Any) -> Cluster:
    return Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1), spec=spec)


def stored(*claims: PersistentVolumeClaim) -> Stored:
    return stored_of(cluster(SPEC), claims)


def understood(spec: Any, found: Stored, accepted: Any = None) -> ParsedSpec:
    before = ClusterStatus(accepted_spec=json.dumps(accepted) if accepted else "")
    return parse_cluster(cluster(spec), before, (), stored=found)


class TestShrinking:
    def test_is_refused_with_the_least_that_is_possible(self) -> None:
        (problem,) = understood(spec_of("5Gi"), stored(*all_claims())).problems
        assert str(problem) == (
            "spec.jetstream.fileStore.pvc.size: is 5Gi, but there are volumes of 10Gi, which "
            "cannot shrink; use 10Gi or more"
        )

    @pytest.mark.parametrize("size", ["10Gi", "10240Mi", "11Gi"])
    def test_is_not_what_is_as_large_or_larger(self, size: str) -> None:
        assert understood(spec_of(size), stored(*all_claims())).problems == ()

    def test_of_volumes_that_the_cluster_does_not_need_is_nothing(self) -> None:
        four = stored(claim(4, spec=SPEC | {"size": 4}))
        assert understood(spec_of("5Gi"), four).problems == ()
        assert len(understood(spec_of("5Gi") | {"size": 5}, four).problems) == 1

    def test_is_found_by_the_last_spec_while_the_claims_are_not_known(self) -> None:
        unknown = Stored(known=False)
        assert len(understood(spec_of("5Gi"), unknown, spec_of("10Gi")).problems) == 1
        assert understood(spec_of("5Gi"), unknown, spec_of("5Gi")).problems == ()
        assert understood(spec_of("5Gi"), unknown, {"size": 3}).problems == ()
        assert understood(spec_of("5Gi"), unknown, {"jetstream": 1}).problems == ()
        assert understood(spec_of("5Gi"), unknown).problems == ()

    def test_leaves_the_last_spec_in_force(self) -> None:
        parsed = understood(spec_of("5Gi"), stored(*all_claims()), spec_of("10Gi"))
        assert len(parsed.problems) == 1
        assert parsed.version is not None


class TestVolumesThatGrowByThemselves:
    GROWN = stored(*(sized(index, "20Gi", "20Gi") for index in (1, 2, 3)))
    GROWING = growing_to("100Gi")

    def test_are_larger_than_the_spec_says(self) -> None:
        assert understood(self.GROWING, self.GROWN).problems == ()
        assert understood(growing_to("20Gi"), self.GROWN).problems == ()

    def test_are_no_larger_than_they_may_be(self) -> None:
        (problem,) = understood(growing_to("15Gi"), self.GROWN).problems
        assert str(problem) == (
            "spec.jetstream.fileStore.growth.maxSize: is 15Gi, but there are volumes of 20Gi, "
            "which cannot shrink; use 20Gi or more"
        )

    def test_keep_their_size_when_that_ends(self) -> None:
        (problem,) = understood(spec_of("10Gi"), self.GROWN, self.GROWING).problems
        assert "pvc.size: is 10Gi, but there are volumes of 20Gi" in str(problem)
        assert understood(spec_of("20Gi"), self.GROWN, self.GROWING).problems == ()

    def test_may_be_as_large_as_the_last_spec_allows_while_they_are_not_known(self) -> None:
        unknown = Stored(known=False)
        (problem,) = understood(spec_of("10Gi"), unknown, self.GROWING).problems
        assert "there may be volumes of 100Gi, which cannot shrink" in str(problem)
        assert understood(self.GROWING, unknown, self.GROWING).problems == ()
        assert len(understood(growing_to("99Gi"), unknown, self.GROWING).problems) == 1

    def test_are_taken_back_by_the_manifest_that_they_grew_under(self) -> None:
        parsed = understood(self.GROWING, self.GROWN)
        assert parsed.spec is not None
        assert parsed.spec.jetstream is not None
        assert self.GROWN.grown(parsed.spec.jetstream, 3) == 20 * GI


class TestAGrowthThatIsGivenUp:
    """As long as no volume has to be smaller than the smallest is, limits stay what they are."""

    def test_is_none_that_shrinks_anything(self) -> None:
        asking = stored(sized(1, "20Gi", "10Gi"), sized(2), sized(3))
        assert understood(spec_of("10Gi"), asking, spec_of("20Gi")).problems == ()
        assert len(understood(spec_of("9Gi"), asking, spec_of("20Gi")).problems) == 1

    def test_may_leave_volumes_that_have_grown(self) -> None:
        some = stored(sized(1, "20Gi", "20Gi"), sized(2, "20Gi", "10Gi"), sized(3))
        assert understood(spec_of("10Gi"), some, spec_of("20Gi")).problems == ()

    def test_is_too_late_once_all_have_grown(self) -> None:
        grown = stored(*(sized(index, "20Gi", "20Gi") for index in (1, 2, 3)))
        (problem,) = understood(spec_of("10Gi"), grown, spec_of("20Gi")).problems
        assert "there are volumes of 20Gi, which cannot shrink; use 20Gi or more" in str(problem)

    def test_is_nothing_where_no_streams_are_on_disk(self) -> None:
        memory = SPEC | {"jetstream": {"memoryStore": {"maxSize": "1Gi"}}}
        found = stored(*all_claims())
        assert [p for p in understood(memory, found).problems if "shrink" in p.message] == []
        assert understood({"size": 3}, found).problems == ()
