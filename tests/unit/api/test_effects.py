"""What a field says of the cost of a change, and where it arises."""

import pytest

from natsctl.api.effects import (
    IMMUTABLE,
    KEPT,
    NONE,
    PARTS,
    RELOAD,
    RELOAD_OR_WAIT,
    RESTART,
    VOLUMES,
    Effect,
)


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (RESTART, "restarts servers one at a time"),
        (RELOAD, "reloads servers"),
        (
            RELOAD.since(2, 14),
            "reloads servers from 2.14 on; before, restarts servers one at a time",
        ),
        (RELOAD_OR_WAIT, "reloads servers; never restarts them"),
        (NONE, "does not affect servers"),
        (IMMUTABLE, "restarts servers one at a time; not allowed while servers store data"),
        (VOLUMES, "changes volumes one at a time"),
        (KEPT, "has no effect while servers run"),
        (PARTS, ""),
    ],
)
def test_users_read_it_in_the_reference(effect: Effect, words: str) -> None:
    assert effect.words == words


def test_what_stored_data_depends_on_takes_a_restart() -> None:
    assert IMMUTABLE.rolls
    assert IMMUTABLE.reaches
    assert not IMMUTABLE.reloads


def test_a_change_of_volumes_is_no_change_of_pods() -> None:
    assert not VOLUMES.rolls
    assert not VOLUMES.reaches


@pytest.mark.parametrize(
    ("effect", "others", "counts"),
    [
        (RESTART, "", True),
        (RESTART.when("a", "b"), "a b c", True),
        (RESTART.when("a", "b"), "a", False),
        (RESTART.when_any("a", "b"), "b", True),
        (RESTART.when_any("a", "b"), "c", False),
        (RESTART.unless("a", "b"), "c", True),
        (RESTART.unless("a", "b"), "b", False),
        (RESTART.when("a").unless("b"), "a", True),
        (RESTART.when("a").unless("b"), "a b", False),
    ],
)
def test_a_field_may_count_only_beside_others(effect: Effect, others: str, counts: bool) -> None:
    assert effect.counts(lambda path: path in others.split()) is counts
