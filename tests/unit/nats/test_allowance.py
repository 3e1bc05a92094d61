"""What is kept of all looks is bounded for the process, and for each namespace."""

from __future__ import annotations

import pytest

from natsctl.nats import allowance
from natsctl.nats.allowance import REMEMBERED, Allowance, Key, level

MINE, BESIDE, OTHER = ("ns", "c"), ("ns", "d"), ("other", "c")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "OF_ONE", 100)
    monkeypatch.setattr(allowance, "ALL", 150)


def test_a_namespace_never_takes_all() -> None:
    found = Allowance(now=lambda: 0.0)
    assert found.take(MINE, 60)
    assert found.take(BESIDE, 40)
    assert not found.take(MINE, 1)
    assert found.take(OTHER, 50)
    assert not found.take(("third", "c"), 1)


def test_what_is_not_taken_is_not_counted() -> None:
    found = Allowance(now=lambda: 0.0)
    assert not found.take(MINE, 101)
    assert found.take(MINE, 100)
    assert found.kept == {MINE: 100}


def test_what_is_dropped_makes_room() -> None:
    found = Allowance(now=lambda: 0.0)
    assert found.take(MINE, 100)
    found.note(MINE, 40)
    assert found.take(MINE, 60)
    found.note(MINE, 0)
    assert found.kept == {}
    found.note(MINE, 0)
    assert found.take(BESIDE, 100)


def test_what_is_forgotten_is_not_kept_free_either() -> None:
    found = Allowance(now=lambda: 0.0)
    for cluster, need in ((MINE, 100), (OTHER, 50)):
        found.begin(cluster)
        assert found.take(cluster, need)
    found.forget(OTHER)
    assert found.kept == {MINE: 100}
    found.note(MINE, 0)
    assert found.take(MINE, 100), "nobody else needs anything"
    found.forget(MINE)
    found.forget(MINE)
    assert found == Allowance()


def test_nothing_always_fits() -> None:
    found = Allowance(now=lambda: 0.0)
    assert found.take(MINE, 100)
    assert found.take(MINE, 0)
    assert found.kept == {MINE: 100}


class TestFairly:
    """Each look is like the one before: half of what is kept goes, and is taken again."""

    def round(self, found: Allowance, needs: dict[Key, int]) -> dict[Key, bool]:
        """Another look at each of these clusters, by servers that tell one thing each at a time."""
        told = {}
        for cluster, need in needs.items():
            found.begin(cluster)
            found.note(cluster, found.kept.get(cluster, 0) // 2)
            taken = [found.take(cluster, 1) for _ in range(need // 2)]
            told[cluster] = all(taken)
        return told

    @pytest.mark.parametrize("others", [1, 2, 3])
    def test_who_comes_late_gets_a_share_within_some_looks(self, others: int) -> None:
        found = Allowance(now=lambda: 0.0)
        greedy = {(f"greedy-{n}", "c"): 100 for n in range(others)}
        for _ in range(3):
            self.round(found, greedy)
        rounds = [self.round(found, greedy | {OTHER: 20})[OTHER] for _ in range(6)]
        assert rounds[2:] == [True] * 4
        assert sum(found.kept.values()) <= 150
        assert found.kept[OTHER] >= 19

    def test_a_share_that_nobody_needs_is_anybodys(self) -> None:
        found = Allowance(now=lambda: 0.0)
        for _ in range(3):
            assert self.round(found, {MINE: 90, OTHER: 20}) == {MINE: True, OTHER: True}

    def test_what_was_asked_for_long_ago_is_forgotten(self) -> None:
        time = [0.0]
        found = Allowance(now=lambda: time[0])
        for cluster, need in ((MINE, 100), (OTHER, 50), (("third", "c"), 30)):
            found.begin(cluster)
            assert found.take(cluster, need) == (cluster != ("third", "c"))
        found.note(MINE, 0)
        assert not found.take(MINE, 60), "the others need all of their two shares"
        time[0] = REMEMBERED + 1
        assert found.take(MINE, 100), "whether or not anybody is asked meanwhile"

    @pytest.mark.parametrize(
        ("needs", "share"),
        [([], 12), ([3, 4], 12), ([20], 12), ([20, 20], 6), ([2, 20, 20], 5), ([1, 2, 20], 9)],
    )
    def test_what_some_do_not_need_is_shared_by_the_others(
        self, needs: list[int], share: float
    ) -> None:
        assert level(needs, 12) == share
