"""When a kubelet is made to look after a pod's files, and when it has surely shown them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from natsctl.plan.reload.kubelet_syncs import KubeletSyncs

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def syncs_at(*seconds: float) -> KubeletSyncs:
    return KubeletSyncs(tuple(map(after, seconds)))


def schedule(until: int) -> list[int]:
    """The seconds of all syncs, for who looks every second."""
    found, syncs = [], KubeletSyncs()
    for second in range(until):
        if syncs.due(after(second)):
            syncs = KubeletSyncs.parse(str(syncs.then(after(second))), after(second))
            found.append(second)
    return found


def test_they_come_less_and_less_often_and_once_a_minute_in_the_end() -> None:
    assert schedule(300) == [0, 3, 9, 27, 81, 141, 201, 261]


def test_an_annotation_stays_short() -> None:
    syncs = syncs_at(0)
    for second in range(60, 6000, 60):
        syncs = syncs.then(after(second))
    assert syncs.moments[0] == NOON
    assert len(str(syncs)) < 250


@pytest.mark.parametrize(
    ("syncs", "changed", "asked", "shown"),
    [
        (syncs_at(), 0, 100, False),
        (syncs_at(0), 0, 100, False),  # the kubelet may have looked before it heard of the Secret
        (syncs_at(0, 3), 0, 100, False),
        (syncs_at(0, 3, 9), 0, 16, False),  # it may not have looked yet
        (syncs_at(0, 3, 9), 0, 17, True),
        (syncs_at(0, 3, 9, 27), 0, 28, True),  # later ones take nothing back
        (syncs_at(20), 0, 27, False),
        (syncs_at(20), 0, 28, True),  # the Secret is that old: nobody had to wait for it
        (syncs_at(0, 3, 9), 3600, 17, True),  # the API server's clock is ahead
        (syncs_at(0), None, 100, False),
    ],
)
def test_one_that_came_late_enough_shows_the_secret(
    syncs: KubeletSyncs, changed: float | None, asked: float, shown: bool
) -> None:
    moment = None if changed is None else after(changed)
    assert syncs.shown(moment, after(asked)) is shown


@pytest.mark.parametrize(
    "text",
    [None, "", "noon", "2030-01-01T12:00:00", str(syncs_at(60)), str(syncs_at(-200, -120))],
    ids=["none", "empty", "unreadable", "of-no-zone", "to-come", "stale"],
)
def test_what_tells_nothing_about_now_counts_for_nothing(text: str | None) -> None:
    assert KubeletSyncs.parse(text, NOON) == KubeletSyncs()


def test_they_survive_the_annotation() -> None:
    syncs = syncs_at(0, 3, 9)
    assert KubeletSyncs.parse(str(syncs), after(10)) == syncs
