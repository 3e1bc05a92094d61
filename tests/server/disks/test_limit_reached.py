"""Streams of real servers reach the limit of the stores, and nobody has to help.

Publishing and purging work again within seconds, because a reserve is lent. It is taken back when
there is room, and nothing that was acknowledged is missing at any time.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.patience import patient
from tests.server.disks.limits import (
    LENT,
    SOON,
    both_publish,
    have_limit,
    is_taken_back,
    loaded,
    nothing_is_lost,
    reach_the_limit,
)
from tests.server.disks.stores import (
    HEAVY,
    ON_DISKS,
    longest_waits,
    publishing,
    purged,
    small_disks,
    until_told,
    versions,
)
from tests.unit.simulated.clusters import uids

pytestmark = [*ON_DISKS, pytest.mark.usefixtures("rests_soon")]


@pytest.mark.parametrize("version", versions("2.12.15", "2.14.10"))
async def test_clients_go_on_soon_after_the_limit_is_reached(
    tmp_path: Path, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """From 2.12 on, servers take the higher limit without a restart."""
    async with small_disks(tmp_path) as found:
        await loaded(found, version, 96)
        before, waits = uids(found.kubelet.api), found.clients.waits
        waits.clear()
        async with publishing(found, "LIGHT"):
            await reach_the_limit(found)
            began = time.monotonic()
            async with publishing(found, "HEAVY", size=HEAVY):
                await purged(found, "SPARE")
                purging = time.monotonic() - began
                await have_limit(found, LENT, SOON)
                await until_told(found, "StorageLent")
                await both_publish(found)
            assert found.clients.acknowledged.pop("SPARE")
            longest = longest_waits(found)
            with capsys.disabled():
                print(f"\n{version}: purged after {purging:.1f} s, longest waits {longest}")
            assert max(*longest.values(), purging) < patient(SOON)
            assert uids(found.kubelet.api) == before
            await nothing_is_lost(found)
            await is_taken_back(found)
        await nothing_is_lost(found)
