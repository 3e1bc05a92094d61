"""The operator dies before and after writes and requests while stores and disks are full.

It does so at every thirteenth moment, with each of three beginnings. It takes minutes, so it runs
with NATSCTL_MATRIX; `tests/unit/controllers/test_lent_reserve.py` dies at every write.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from natsctl.plan.gates import frozen
from natsctl.plan.rules import recovery
from natsctl.plan.stores import strain
from tests.server.crashes.deaths import Deaths
from tests.server.crashes.stories import Step, is_settled
from tests.server.crashes.worlds import World, world
from tests.server.disks.limits import (
    LENT,
    NORMAL,
    loaded,
    nothing_is_lost,
    reach_the_limit,
)
from tests.server.disks.stores import (
    ON_DISKS,
    disks,
    follower,
    limits,
    publishing,
    purged,
    until_told,
)
from tests.server.disks.volumes import Disks
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import condition, uids

pytestmark = ON_DISKS

EVERY, FIRSTS = 13, (3, 7, 11)
VERSIONS = ("2.12.15", "2.14.10", "2.15.3")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ten minutes before the reserve is taken back, or a server restarts."""
    monkeypatch.setattr(strain, "RESTED", 5.0)
    monkeypatch.setattr(recovery, "LIVED", 10.0)
    monkeypatch.setattr(frozen, "RECOVERED", 10.0)


def is_lent(api: ApiServer) -> bool:
    """Whether the user is told."""
    return str(condition(api, "JetStream")["reason"]) == "StorageLent"


def nothing(api: ApiServer) -> None:
    """Clients did it, or somebody else."""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("first", FIRSTS)
async def test_crashes_do_not_keep_servers_from_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], first: int, version: str
) -> None:
    deaths = Deaths(first, EVERY)
    async with world(tmp_path, deaths, Disks) as found:
        await loaded(found, version, 96)
        async with publishing(found, "LIGHT"):
            created = uids(found.kubelet.api)
            await reach_the_limit(found)
            await told(found, Step("lend", nothing, is_lent), capsys)
            assert await limits(found) == [LENT] * 3
            assert uids(found.kubelet.api) == created
            await nothing_is_lost(found)

            for stream in ("HEAVY", "SPARE"):
                await purged(found, stream)
                del found.clients.acknowledged[stream]
            await told(found, Step("take back", nothing, is_normal, away=1), capsys)
            assert await limits(found) == [NORMAL] * 3
            assert not created.items() & uids(found.kubelet.api).items()
            await nothing_is_lost(found)

            index = await follower(found, "LIGHT")
            before = uids(found.kubelet.api)
            disks(found).fill(index)
            await until_told(found, "JetStreamDisabled", "StreamsFrozen")
            disks(found).make_room(index)
            await told(found, Step("recover", nothing, is_settled, away=1), capsys)
            changed = before.items() ^ uids(found.kubelet.api).items()
            assert {pod for pod, _ in changed} == {f"c-{index}"}
        assert await found.late() == []
        await nothing_is_lost(found)
        assert found.kubelet.accidents == []


def is_normal(api: ApiServer) -> bool:
    """Whether the reserve is back, and nothing goes on."""
    return is_settled(api) and condition(api, "JetStream")["reason"] == "Ready"


async def told(found: World, step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    """What the operator does until it is at rest, and at which moments it died."""
    found.operator.deaths.next_step()
    await found.tell(step)
    assert found.kubelet.most_away <= step.away, found.operator.deaths.died
    with capsys.disabled():
        print(f"\n{step.name}, died at:", "; ".join(found.operator.deaths.died), end="")
