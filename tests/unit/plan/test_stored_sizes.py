"""A spec that asks for smaller volumes than there are is refused, and says what is possible."""

from __future__ import annotations

import json
from typing import Any

import pytest

from natsctl.api.types.status import ClusterStatus
from natsctl.model.objects import Cluster, Meta, PersistentVolumeClaim
from natsctl.plan.claims.stored import Stored, stored_of
from natsctl.plan.desired import ParsedSpec, parse_cluster
from tests.unit.plan.claims.growing import sized
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
