"""What the end-to-end tests take for lost, and what not."""

from __future__ import annotations

import pytest

from tests.e2e.publishing import Published


def published(*stored: int, anew: frozenset[int] = frozenset()) -> Published:
    """Three messages were acknowledged."""
    return Published({"ONE": 3}, stored={"ONE": list(stored)}, sent_anew={"ONE": set(anew)})


@pytest.mark.parametrize("stored", [(0, 1, 2), (0, 1, 1, 2), (0, 1, 2, 1)])
def test_what_was_sent_under_two_ids_may_be_there_twice(stored: tuple[int, ...]) -> None:
    published(*stored, anew=frozenset({1})).check(least=3)


@pytest.mark.parametrize("stored", [(0, 1), (0, 2), (0, 1, 1, 2), (0, 2, 1), (0, 1, 2, 3), ()])
def test_all_else_has_to_be_there_once_and_in_order(stored: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError, match="stored, 3 acknowledged"):
        published(*stored, anew=frozenset({0})).check(least=3)


def test_what_was_sent_under_two_ids_may_not_be_missing() -> None:
    with pytest.raises(AssertionError, match="2 stored, 3 acknowledged"):
        published(0, 2, anew=frozenset({1})).check(least=3)
