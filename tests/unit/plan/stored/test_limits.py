"""A limit below what servers store is refused or does not come, and the words say what to do."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from natsctl.api.types.status import ClusterStatus, ServerStatus
from natsctl.api.version import ServerVersion
from natsctl.model.objects import Pod
from natsctl.plan.claims.stored import Stored
from natsctl.plan.desired import ParsedSpec, desired_of, parse_cluster
from natsctl.plan.references import References
from natsctl.plan.servers.releases import Report
from natsctl.plan.state import Desired
from natsctl.plan.stored.limits import Share, share_of
from natsctl.plan.stores.limits import Amount, Level, Levels
from natsctl.render.config.jetstream import jetstream_block
from natsctl.render.inputs import Images
from natsctl.render.revision.revision import FILE_LIMIT, MEMORY_LIMIT
from tests.unit.plan.stored.test_sizes import cluster
from tests.unit.plan.world import pod

GI, MI = 2**30, 2**20
VOLUMES = {1: 10 * GI, 2: 10 * GI, 3: 10 * GI}


def spec_of(max_size: str | None = None, memory: str | None = None, **more: Any) -> dict[str, Any]:
    store: dict[str, Any] = {"fileStore": {"maxSize": max_size} if max_size else {}}
    if memory:
        store["memoryStore"] = {"maxSize": memory}
    return {"size": 3, "version": "2.14.10", "jetstream": store} | more


def stored(
    used: int = 0, limit: int = 7 * GI, reserved: int = 0, *, whole: bool = True, **changes: Any
) -> Stored:
    """Servers that start with a limit, and have it."""
    level = Level(limit, limit, Amount("c-2", used, reserved))
    made = Stored(asked=VOLUMES, room=VOLUMES, levels=Levels(level, Level(), whole))
    return attrs.evolve(made, **changes)


def in_memory(used: int, limit: int = 2 * GI, *, whole: bool = True) -> Stored:
    level = Level(limit, limit, Amount("c-2", used))
    return stored(levels=Levels(Level(7 * GI, 7 * GI), level, whole))


def understood(
    spec: Any, found: Stored, accepted: Any = None, pods: tuple[Pod, ...] = (), **before: Any
) -> ParsedSpec:
    text = json.dumps(accepted) if accepted else ""
    return parse_cluster(
        cluster(spec), ClusterStatus(accepted_spec=text, **before), pods, stored=found
    )


def refused(spec: Any, found: Stored, accepted: Any, pods: tuple[Pod, ...] = ()) -> str:
    """The words; empty if the spec is accepted."""
    return "; ".join(map(str, understood(spec, found, accepted, pods).problems))


def wanted(spec: Any, found: Stored, accepted: Any = None, pods: tuple[Pod, ...] = ()) -> Desired:
    parsed = understood(spec, found, accepted, pods)
    made = desired_of(cluster(spec), parsed, pods, References(), Images(), stored=found)
    assert made is not None
    return made


def limits(spec: Any, found: Stored, accepted: Any = None, pods: tuple[Pod, ...] = ()) -> Any:
    block = jetstream_block(wanted(spec, found, accepted, pods).target)
    return block["max_file_store"], block["max_memory_store"]


class TestLowerMaxSize:
    def test_is_refused_below_what_is_stored(self) -> None:
        assert refused(spec_of("3Gi"), stored(5 * GI), spec_of("7Gi")) == (
            "spec.jetstream.fileStore.maxSize: is 3Gi, but c-2 stores 5Gi, and streams have no "
            "leader at the limit; set it to 5689Mi or more, or delete messages first"
        )

    def test_leaves_the_last_one_in_force(self) -> None:
        assert limits(spec_of("3Gi"), stored(5 * GI), spec_of("7Gi")) == (7 * GI, 0)

    def test_is_refused_while_not_every_server_tells(self) -> None:
        assert refused(spec_of("3Gi"), stored(whole=False), spec_of("7Gi")) == (
            "spec.jetstream.fileStore.maxSize: is 3Gi, lower than the limit of 7Gi that servers "
            "have, and not every server reports how much it stores; wait until all servers answer, "
            "or set it to 7Gi"
        )

    @pytest.mark.parametrize(
        ("silent", "left", "there", "accepted"),
        [
            ({4}, {4}, (), True),
            ({4}, (), (), False),
            ({4, 5}, {5}, (), False),
            ({4}, {4}, {4}, False),
            ({3}, {3}, (), False),
        ],
        ids=["left empty", "gone by itself", "one of two", "is there", "is to be"],
    )
    def test_is_accepted_only_without_servers_that_left_empty(
        self, silent: Any, left: Any, there: Any, accepted: bool
    ) -> None:
        found = stored(GI, whole=False)
        levels = attrs.evolve(found.levels, silent=frozenset(silent), there=frozenset(there))
        known = attrs.evolve(found, levels=levels, left=frozenset(left))
        assert (refused(spec_of("3Gi"), known, spec_of("7Gi")) == "") == accepted
        assert limits(spec_of("3Gi"), known, spec_of("7Gi"))[0] == (3 if accepted else 7) * GI

    def test_is_refused_below_what_is_reserved(self) -> None:
        assert refused(spec_of("3Gi"), stored(GI, reserved=4 * GI), spec_of("7Gi")) == (
            "spec.jetstream.fileStore.maxSize: is 3Gi, but the streams on c-2 reserve 4Gi; set it "
            "to 4Gi or more, or lower their max_bytes"
        )

    def test_asks_for_no_more_than_there_is(self) -> None:
        text = refused(spec_of("6Gi"), stored(7 * GI), spec_of("7Gi"))
        assert "set it to 7Gi or more" in text

    def test_is_accepted_where_there_is_room(self) -> None:
        assert refused(spec_of("3Gi"), stored(2 * GI), spec_of("7Gi")) == ""
        assert limits(spec_of("3Gi"), stored(2 * GI), spec_of("7Gi")) == (3 * GI, 0)

    def test_is_refused_if_it_is_the_default_in_place_of_a_given_one(self) -> None:
        volumes = stored(7 * GI, 7680 * MI)
        assert refused(spec_of(), volumes, spec_of("7680Mi")) == (
            "spec.jetstream.fileStore.maxSize: is not set, which means 7Gi, but c-2 stores 7Gi, "
            "and streams have no leader at the limit; set it to 7680Mi or more, or delete messages "
            "first"
        )

    def test_is_nothing_new_after_it_was_accepted(self) -> None:
        falling = stored(2 * GI, 3 * GI, whole=False)
        assert refused(spec_of("3Gi"), falling, spec_of("3Gi")) == ""
        assert limits(spec_of("3Gi"), falling, spec_of("3Gi")) == (3 * GI, 0)

    def test_keeps_the_limit_if_the_last_spec_is_not_known(self) -> None:
        """Without one, nobody would look at the servers while the spec is refused."""
        assert refused(spec_of("3Gi"), stored(5 * GI), None) == ""
        assert limits(spec_of("3Gi"), stored(5 * GI)) == (7 * GI, 0)
        assert limits(spec_of("3Gi"), stored(5 * GI), {"size": 3}) == (7 * GI, 0)


class TestStoreOnDisk:
    def test_is_not_removed(self) -> None:
        memory = {"size": 3, "version": "2.14.10", "jetstream": {"memoryStore": {"maxSize": "1Gi"}}}
        for accepted in (spec_of(), spec_of() | {"jetstream": {}}):
            assert refused(memory, stored(), accepted) == (
                "spec.jetstream.fileStore: cannot be removed while servers may store streams on "
                "disk; put it back"
            )
        assert refused(memory, stored(limit=0), memory) == ""


class TestMemory:
    def test_is_refused_below_what_is_stored(self) -> None:
        before = spec_of(memory="2Gi")
        assert refused(spec_of(memory="1Gi"), in_memory(GI), before) == (
            "spec.jetstream.memoryStore.maxSize: is 1Gi, but c-2 stores 1Gi, and streams have no "
            "leader at the limit; set it to 1138Mi or more, or delete messages first"
        )
        assert refused(spec_of(memory="1Gi"), in_memory(MI), before) == ""
        assert refused(spec_of(memory="1Gi"), in_memory(MI, whole=False), before) != ""

    def test_is_not_removed_while_anything_is_stored_there(self) -> None:
        before = spec_of(memory="2Gi")
        assert refused(spec_of(), in_memory(MI), before) == (
            "spec.jetstream.memoryStore: is not set, but c-2 stores 1Mi, and streams have no "
            "leader at the limit; put it back, or delete messages first"
        )
        assert refused(spec_of(), in_memory(0), before) == ""

    def test_keeps_its_limit_and_tells_servers_so(self) -> None:
        found = in_memory(GI)
        for spec in (spec_of(), spec_of(memory="1Gi")):
            assert limits(spec, found) == (7 * GI, 2 * GI)
            revision = wanted(spec, found).revision
            before = wanted(spec_of(memory="2Gi"), found).revision
            assert revision[MEMORY_LIMIT] == before[MEMORY_LIMIT]


class TestDefaultLimit:
    def test_does_not_fall_because_one_volume_is_smaller(self) -> None:
        smaller = {**VOLUMES, 3: 5 * GI}
        full, spare = stored(5 * GI, room=smaller), stored(2 * GI, room=smaller)
        assert refused(spec_of(), full, spec_of()) == ""
        assert limits(spec_of(), full, spec_of()) == (7 * GI, 0)
        assert limits(spec_of(), spare, spec_of()) == (3584 * MI, 0)
        assert limits(spec_of("7Gi"), full, spec_of("7Gi")) == (7 * GI, 0)

    def test_that_stays_is_told_and_restarts_nobody(self) -> None:
        found = wanted(spec_of(), stored(5 * GI, room={**VOLUMES, 3: 5 * GI}), spec_of())
        assert found.advice == (
            "servers keep their limit of 7Gi for streams on disk: a lower one is possible only "
            "once every server answers and stores less"
        )
        before = wanted(spec_of(), stored(5 * GI), spec_of())
        assert before.advice == ""
        assert found.revision[FILE_LIMIT] == before.revision[FILE_LIMIT]


class TestVersion:
    old, new = spec_of(version="2.9.25"), spec_of(version="2.10.29")

    def pods(self, *versions: str) -> tuple[Pod, ...]:
        return tuple(pod(i, spec_of(version=v)) for i, v in enumerate(versions, 1))

    def test_raises_the_limit_once_no_server_of_2_9_is_left(self) -> None:
        found = stored(GI, 1536 * MI)
        mixed = self.pods("2.9.25", "2.10.29", "2.10.29")
        assert limits(self.new, found, self.old, mixed) == (1536 * MI, 0)
        assert limits(self.new, found, self.new, self.pods(*["2.10.29"] * 3)) == (7 * GI, 0)

    def test_back_to_2_9_is_refused_if_the_stores_are_too_full_for_it(self) -> None:
        there = self.pods(*["2.10.29"] * 3)
        assert refused(self.old, stored(3 * GI), self.new, there) == (
            "spec.version: is 2.9.25, with which servers may store 1536Mi on these volumes, "
            "but c-2 stores or reserves 3Gi; keep the version, or delete messages first"
        )
        assert refused(self.old, stored(whole=False), self.new, there) == (
            "spec.version: is 2.9.25, with which servers may store 1536Mi on these volumes, "
            "but not every server reports how much it stores; wait until all servers answer, or "
            "keep the version"
        )

    def test_back_to_2_9_is_possible_with_little_in_the_stores(self) -> None:
        there = self.pods(*["2.10.29"] * 3)
        assert refused(self.old, stored(GI), self.new, there) == ""
        assert limits(self.old, stored(GI), self.new, there) == (1536 * MI, 0)

    def test_that_cannot_be_reached_yet_counts_as_the_one_that_runs(self) -> None:
        found = stored(GI, 7 * GI)
        there = self.pods(*["2.10.29"] * 3)
        later = spec_of(version="2.15.3")
        assert wanted(later, found, self.new, there).unreached != ""
        assert limits(later, found, self.new, there) == (7 * GI, 0)

    @pytest.mark.parametrize(
        ("version", "reports", "share"),
        [
            ("2.14.10", (), Share(70, 70)),
            ("2.9.25", (), Share(15, 15)),
            ("2.14.10", (Report("2.9.25"), Report("2.14.10")), Share(15, 15)),
            ("2.9.25", (Report("2.14.10"),), Share(70, 15)),
            ("2.14.10", (Report("custom", "2.9.25"),), Share(15, 15)),
            ("2.14.10", (Report("2.14.10", "2.9.25"),), Share(15, 15)),
            ("2.14.10", (Report("custom"),), Share(70, 70)),
            ("2.14.10", (Report("", "2.9.25"),), Share(15, 15)),
            ("2.14.10", (Report(""), Report("no tag at all", "x y")), Share(70, 70)),
        ],
    )
    def test_share_is_the_lowest_of_all_that_run_and_are_to_run(
        self, version: str, reports: tuple[Report, ...], share: Share
    ) -> None:
        assert share_of(ServerVersion.parse(version), reports) == share

    def test_that_the_status_tells_counts(self) -> None:
        custom = pod(1, spec_of(version="custom"))
        before = (ServerStatus("c-1", "2.9.25"),)
        spec = spec_of(version="2.14.10")
        parsed = understood(spec, stored(), None, (custom,), servers=before)
        assert parsed.share == 15
