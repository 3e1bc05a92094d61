"""How full volumes are: told in steps, of servers with a reloader only, and warned of."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.api.types.status import ClusterStatus, VolumeStatus
from natsctl.model.jetstream import Volume
from natsctl.plan.state import ClusterState
from tests.unit.plan.gates.world import State, World
from tests.unit.plan.restarts.test_gated import BEFORE, RUNNING
from tests.unit.plan.status.test_jetstream import GIB, THREE, condition, looked, told, well
from tests.unit.plan.world import pod


def watched(index: int, *, reloader: bool = True) -> Any:
    names = ("nats", "reloader") if reloader else ("nats",)
    containers = [{"name": n, "ready": True, "restartCount": 0, "state": RUNNING} for n in names]
    return pod(index, BEFORE, containerStatuses=containers)


def filled(
    percent: int | None,
    before: ClusterStatus | None = None,
    world: World | None = None,
    *,
    reloader: bool = True,
) -> ClusterState:
    """The third server's volume has 10 GiB, of which so much is used; None: nobody tells."""
    seen = world or well()
    if percent is not None:
        seen.volumes = {THREE: Volume(percent * GIB // 10 + 5, 10 * GIB - percent * GIB // 10 - 5)}
    pods = tuple(watched(index, reloader=reloader) for index in (1, 2, 3))
    return looked(seen, before, pods=pods)


def volume(status: ClusterStatus) -> tuple[str, int]:
    found = status.servers[2].volume
    assert found is not None
    return found.used, found.used_percent


def test_it_is_what_the_file_system_has() -> None:
    found = told(filled(42))
    assert found.servers[2].volume == VolumeStatus("js-c-3", "10Gi", "10Gi", "4300Mi", 42)
    assert found.servers[0].volume == VolumeStatus("js-c-1", "10Gi", "10Gi")


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [(42, 46, 42), (42, 47, 47), (42, 37, 37), (79, 80, 80), (80, 79, 80), (89, 90, 90)],
)
def test_it_is_told_in_steps(before: int, after: int, shown: int) -> None:
    assert volume(told(filled(after, told(filled(before)))))[1] == shown


def test_of_a_reloader_that_says_nothing_nothing_is_known() -> None:
    """Its image may be another one, that tells nothing."""
    assert volume(told(filled(None, told(filled(42))))) == ("", 0)


def test_of_a_server_that_says_nothing_the_last_is_kept() -> None:
    before = told(filled(42))
    unseen = attrs.evolve(filled(42, before), seen=None)
    assert volume(told(unseen)) == volume(before)
    silent = well()
    silent.states[THREE] = State.DOWN
    assert volume(told(filled(42, before, silent))) == volume(before)


def test_without_a_reloader_nothing_is_known_whatever_was() -> None:
    before = told(filled(42))
    assert volume(told(filled(None, before, reloader=False))) == ("", 0)


def test_a_volume_that_fills_is_warned_of_as_a_store_is() -> None:
    room = "raise spec.jetstream.fileStore.pvc.size (and maxSize, if it is set), or delete messages"
    assert condition(filled(79))[1] == "Ready"
    assert condition(filled(80)) == (
        "True",
        "StorageFilling",
        f"more than 80 % of the volume is used on c-3: {room}",
    )
    assert condition(filled(90)) == (
        "False",
        "StorageLow",
        "the volume is nearly full on c-3, and a server turns JetStream off once it is: " + room,
    )


def test_stores_and_volumes_that_fill_are_told_together() -> None:
    world = well()
    world.volumes = {THREE: Volume(95, 5)}
    pods = tuple(watched(index) for index in (1, 2, 3))
    low = condition(looked(world, used=93, pods=pods))[2]
    assert "file store is nearly full on c-1, and streams have no leader once it is; the vol" in low
    world.volumes = {THREE: Volume(85, 15)}
    filling = condition(looked(world, used=83, pods=pods))[2]
    assert "of the file store is used on c-1; more than 80 % of the volume is used on" in filling
