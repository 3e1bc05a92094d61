"""How near stores are to their limit, what disks could take, and how long a reserve rests."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.api.types.status import ClusterStatus, JetStreamStatus, LentStatus
from natsctl.model.jetstream import JetStreamReport, Usage, Volume
from natsctl.plan.stores.limits import levels_of
from natsctl.plan.stores.strain import AT_LIMIT, GROWS, NEAR, RESTED, Loan, Strain, strain_of
from tests.unit.plan.stores.test_limits import GI, PODS, look, report, secret
from tests.unit.plan.world import NAME, NOW

LIMIT = 7 * GI


def reports(used: int, *others: int, free: int | None = 3 * GI) -> list[JetStreamReport]:
    """Servers with such stores, on disks of 10 GiB of which so much is free."""
    volume = None if free is None else Volume(10 * GI - free, free)
    return [
        report(index, Usage(count, LIMIT), volume=volume)
        for index, count in enumerate((used, *others), 1)
    ]


@pytest.mark.parametrize(("percent", "filled"), [(94, 0), (95, NEAR), (98, NEAR), (99, AT_LIMIT)])
def test_the_fullest_store_is_told_by_marks(percent: int, filled: int) -> None:
    found = strain_of(reports(-(-LIMIT * percent // 100), GI), whole=True)
    assert found.filled == filled


def test_a_store_without_a_limit_is_never_full() -> None:
    assert strain_of([report(1, Usage(GI, 0))], whole=True) == Strain()


def test_a_disk_takes_what_is_free_but_for_a_spare_part_by_what_servers_do_not_count() -> None:
    found = strain_of(reports(LIMIT, GI), whole=True)
    most = GI + (3 * GI - GI // 2) * 100 // GROWS
    assert most * 31 // 32 <= found.ceiling <= most


def test_no_disk_takes_anything_beyond_its_spare_part() -> None:
    found = strain_of(reports(LIMIT, free=GI // 4), whole=True)
    assert found.ceiling <= LIMIT


@pytest.mark.parametrize(("free", "whole"), [(None, True), (3 * GI, False)])
def test_what_some_server_does_not_tell_is_not_known(free: int | None, whole: bool) -> None:
    assert strain_of(reports(LIMIT, free=free), whole=whole) == Strain(AT_LIMIT)


def test_while_there_is_room_disks_change_nothing() -> None:
    """What depends on it is not computed with each message."""
    assert strain_of(reports(GI), whole=True) == strain_of(reports(GI, free=GI), whole=True)


def levels(lent: LentStatus | None, timestamp: str = NOW, config: Any = None) -> Any:
    before = ClusterStatus(jetstream=JetStreamStatus(lent=lent))
    taken = look(*reports(LIMIT, LIMIT, LIMIT))
    config = config or secret()
    return levels_of(NAME, config, before, PODS, (taken,), (1, 2, 3), 101.0, timestamp)


def test_levels_have_all_of_it() -> None:
    found = levels(None)
    assert found.strain.filled == AT_LIMIT
    assert found.strain.ceiling > LIMIT
    assert found.loan == Loan()


@pytest.mark.parametrize(
    ("below", "now", "rested"),
    [
        ("", NOW, False),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:09:59Z", False),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z", True),
        ("yesterday", NOW, False),
        ("2026-01-01T00:00:00Z", "", False),
    ],
)
def test_a_reserve_rests_for_ten_minutes(below: str, now: str, rested: bool) -> None:
    assert RESTED == 600
    lent = LentStatus("7Gi", "2026-01-01T00:00:00Z", below)
    assert levels(lent, now).loan == Loan(LIMIT, rested)


@pytest.mark.parametrize("limit", ["8Gi", "much"])
def test_a_reserve_that_servers_do_not_start_with_is_none(limit: str) -> None:
    assert levels(LentStatus(limit)).loan == Loan()


def test_the_status_alone_lends_nothing() -> None:
    edited = attrs.evolve(LentStatus("0"))
    assert levels(edited, config=secret("{}")).loan == Loan()
