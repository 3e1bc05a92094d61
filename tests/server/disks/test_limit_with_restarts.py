"""Servers before 2.12 restart for a higher limit, which takes leaders: so they do it before.

It takes minutes, so it runs with NATSCTL_MATRIX.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.patience import patient
from tests.server.disks.limits import (
    LENT,
    NORMAL,
    SOON,
    both_publish,
    have_limit,
    is_taken_back,
    loaded,
    nothing_is_lost,
)
from tests.server.disks.stores import (
    HEAVY,
    ON_DISKS,
    fill,
    longest_waits,
    publishing,
    small_disks,
    until_told,
)
from tests.unit.simulated.clusters import uids

pytestmark = [*ON_DISKS, pytest.mark.usefixtures("rests_soon")]


@pytest.mark.parametrize("version", ["2.10.29", "2.11.17"])
async def test_servers_that_have_to_restart_for_it_do_so_before(
    tmp_path: Path, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before 2.12, the limit is raised while streams have leaders, and is not reached at all."""
    async with small_disks(tmp_path) as found:
        await loaded(found, version, 92)
        before, waits = uids(found.kubelet.api), found.clients.waits
        waits.clear()
        async with publishing(found, "LIGHT"), publishing(found, "HEAVY", size=HEAVY):
            await have_limit(found, LENT, 60)
            await until_told(found, "StorageLent")
            await both_publish(found)
        async with publishing(found, "LIGHT"):
            await fill(found, "HEAVY", NORMAL, 101)
            longest = longest_waits(found)
            with capsys.disabled():
                print(f"\n{version}: longest waits {longest}")
            assert max(longest.values()) < patient(SOON)
            assert not before.items() & uids(found.kubelet.api).items()
        async with publishing(found, "LIGHT"):
            await nothing_is_lost(found)
            await is_taken_back(found)
        await nothing_is_lost(found)
