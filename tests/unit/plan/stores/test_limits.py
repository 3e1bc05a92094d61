"""What is known of stores and their limits, and when a lower limit may come."""

from __future__ import annotations

import base64
from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.types.status import ClusterStatus, JetStreamStatus, StorageStatus
from natsctl.model.jetstream import JetStreamReport, Usage
from natsctl.model.jetstream_look import Look
from natsctl.model.objects import Pod, Secret
from natsctl.model.server_identity import server_name
from natsctl.plan.servers.server import runs_of
from natsctl.plan.stores.limits import OLD, Amount, Level, Levels, levels_of
from tests.unit.plan.claims.volumes import SPEC, servers
from tests.unit.plan.world import NAME, UID, cluster_state

GI, MI = 2**30, 2**20
PODS = servers(1, 2, 3)
NEEDED = (1, 2, 3)


def report(index: int, file: Usage | None = None, **changes: Any) -> JetStreamReport:
    said = JetStreamReport(server_name(NAME, UID, index), file=file or Usage(limit=7 * GI))
    return attrs.evolve(said, **changes)


def look(*reports: JetStreamReport, pods: tuple[Pod, ...] = PODS, at: float = 100.0) -> Look:
    told = {pod.metadata.uid: said for pod, said in zip(pods, reports, strict=False)}
    return Look(at, told, runs_of(pods))


def secret(block: str | None = None, spec: Any = SPEC) -> Secret:
    """As natsctl wrote it, or with something else in place of the block."""
    (found,) = cluster_state(spec).owned["Secret"].values()
    assert isinstance(found, Secret)
    if block is None:
        return found
    data = {**(found.data or {}), "jetstream.json": base64.b64encode(block.encode()).decode()}
    return msgspec.structs.replace(found, data=data)


def levels(
    *looks: Look,
    config: Secret | None = None,
    before: ClusterStatus | None = None,
    pods: tuple[Pod, ...] = PODS,
    needed: tuple[int, ...] = NEEDED,
    now: float = 101.0,
) -> Levels:
    return levels_of(NAME, config, before or ClusterStatus(), pods, looks, needed, now)


class TestStarting:
    def test_is_what_the_config_secret_has(self) -> None:
        spec = SPEC | {"jetstream": {"fileStore": {}, "memoryStore": {"maxSize": "1Gi"}}}
        found = levels(config=secret(spec=spec))
        assert (found.file.starting, found.memory.starting) == (7 * GI, GI)

    def test_is_so_however_much_else_servers_are_told(self) -> None:
        many = {"maxAckPending": 5000, "maxHaAssets": 400, "maxRequestBatch": 500}
        spec = SPEC | {"jetstream": {"domain": "hub", "limits": many, "syncInterval": "always"}}
        assert levels(config=secret(spec=spec)).file.starting == 7 * GI

    @pytest.mark.parametrize(
        "block",
        ["", "[]", "{", '{"max_file_store": "7"}', '{"max_file_store": true}', "[" * 99_999],
    )
    def test_is_nothing_in_a_secret_that_somebody_edited(self, block: str) -> None:
        assert levels(config=secret(block)).file.starting == 0

    def test_is_nothing_in_a_secret_without_data(self) -> None:
        assert levels(config=msgspec.structs.replace(secret(), data=None)).file.starting == 0
        odd = msgspec.structs.replace(secret(), data={"jetstream.json": "é"})
        assert levels(config=odd).file.starting == 0

    def test_is_told_by_the_status_while_there_is_no_secret(self) -> None:
        told = (StorageStatus("c-1", 5, "3Gi"), StorageStatus("c-2", 5, "4Gi"))
        odd = (*told, StorageStatus("c-3", 5, "much"))
        before = ClusterStatus(jetstream=JetStreamStatus(storage=odd))
        assert levels(before=before).file == Level(starting=4 * GI)
        assert levels().file == Level()


class TestLook:
    def test_tells_the_highest_limit_and_the_fullest_server(self) -> None:
        said = (Usage(GI, 7 * GI), Usage(2 * GI, 3 * GI), Usage(MI, 3 * GI))
        found = levels(look(*map(report, NEEDED, said)))
        assert found.file == Level(running=7 * GI, fullest=Amount("c-2", 2 * GI))
        assert found.whole

    def test_counts_what_streams_reserve(self) -> None:
        said = (Usage(GI, 7 * GI), Usage(0, 7 * GI, 2 * GI), Usage(0, 7 * GI))
        assert levels(look(*map(report, NEEDED, said))).file.fullest.server == "c-2"

    def test_tells_of_memory_alike(self) -> None:
        said = [report(index, memory=Usage(index * MI, GI)) for index in NEEDED]
        assert levels(look(*said)).memory == Level(running=GI, fullest=Amount("c-3", 3 * MI))

    def test_rounds_up_so_that_little_changes_nothing(self) -> None:
        def used(count: int) -> int:
            return levels(look(report(1, Usage(count)))).file.fullest.used

        assert used(0) == 0
        assert used(1) == used(2**16) == 2**16
        assert used(GI + 1) == used(GI + GI // 16) == GI + GI // 16

    @pytest.mark.parametrize(
        "odd",
        [
            {"problem": "no answer in time"},
            {"disabled": True},
            {"name": "somebody"},
        ],
    )
    def test_is_not_whole_if_a_server_does_not_tell(self, odd: dict[str, Any]) -> None:
        told = (report(1, Usage(GI, 7 * GI)), report(2), report(3, **odd))
        found = levels(look(*told))
        assert not found.whole
        assert found.file.fullest.used == GI

    def test_is_not_whole_while_a_server_with_a_volume_is_away(self) -> None:
        two = PODS[:2]
        taken = look(report(1), report(2), pods=two)
        assert not levels(taken, pods=two).whole
        assert levels(taken, pods=two, needed=(1, 2)).whole
        assert not levels(look(report(1), report(2))).whole

    def test_is_whole_without_servers_that_left_if_the_others_tell(self) -> None:
        """A volume of a server that was removed stays."""
        found = levels(look(*map(report, NEEDED)), needed=(1, 2, 3, 4))
        assert not found.without(()).whole
        assert not found.without({3}).whole
        assert found.without({4}).whole
        assert found.without({3, 4}).whole
        assert (found.silent, found.there) == (frozenset({4}), frozenset({1, 2, 3}))
        assert levels(look(*map(report, NEEDED))).without(()).whole
        assert not Levels(whole=False).without({4}).whole

    def test_of_another_run_or_of_long_ago_tells_nothing(self) -> None:
        taken = look(*map(report, NEEDED))
        assert levels(taken).whole
        assert not levels(taken, pods=servers(1, 2), needed=(1, 2)).whole
        assert levels(taken, now=100 + OLD).whole
        assert not levels(taken, now=101 + OLD).whole
        assert not levels().whole

    def test_of_no_servers_is_whole(self) -> None:
        assert levels(look(pods=()), pods=(), needed=()).whole


def kept(wanted: int, **changes: Any) -> int:
    """Of a limit of 100 that servers have and start with."""
    whole = changes.pop("whole", True)
    level = attrs.evolve(Level(starting=100, running=100), **changes)
    return Levels(file=level, whole=whole).kept(level, wanted)


class TestLimit:
    @pytest.mark.parametrize("wanted", [100, 101])
    def test_may_rise_whatever_is_known(self, wanted: int) -> None:
        assert kept(wanted, whole=False, fullest=Amount("c-1", 99)) == 0

    @pytest.mark.parametrize(("used", "stays"), [(0, 0), (45, 0), (46, 100), (99, 100)])
    def test_falls_only_to_more_than_what_is_used(self, used: int, stays: int) -> None:
        assert kept(50, fullest=Amount("c-1", used)) == stays

    @pytest.mark.parametrize(("reserved", "stays"), [(50, 0), (51, 100)])
    def test_falls_only_to_what_streams_reserve(self, reserved: int, stays: int) -> None:
        assert kept(50, fullest=Amount("c-1", 0, reserved)) == stays

    def test_stays_while_anything_is_unknown(self) -> None:
        assert kept(50, whole=False) == 100

    def test_that_fell_does_not_rise_because_servers_restart(self) -> None:
        assert kept(50, starting=50, running=0, whole=False) == 0
        assert kept(50, starting=50, whole=False) == 0

    @pytest.mark.parametrize(("used", "stays"), [(46, 0), (47, 0), (48, 100)])
    def test_rises_again_if_servers_fill_up_too_early(self, used: int, stays: int) -> None:
        assert kept(50, starting=50, fullest=Amount("c-1", used)) == stays

    def test_that_all_servers_have_is_what_they_may_fill(self) -> None:
        assert kept(50, starting=50, running=50, fullest=Amount("c-1", 50)) == 0

    def test_may_be_none_where_nothing_is_stored(self) -> None:
        assert kept(0) == 0
        assert kept(0, fullest=Amount("c-1", 1)) == 100

    def test_at_least_leaves_a_tenth_and_what_is_reserved(self) -> None:
        assert Amount("", 90).least == 100
        assert Amount("", 90, 101).least == 101
