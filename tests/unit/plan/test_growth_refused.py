"""What the API server refused is tried again, each time later."""

from __future__ import annotations

from natsctl.plan.growth_refused import FIRST_PAUSE, LAST_PAUSE, Words, refused


def test_pauses_grow_to_the_longest() -> None:
    words, found, pauses = Words(20, "Forbidden", "no"), None, []
    for _ in range(7):
        found = refused(words, found, 100.0)
        assert found.due == 100.0 + found.pause
        pauses.append(found.pause)
    assert pauses == [FIRST_PAUSE, 120.0, 240.0, 480.0, 960.0, LAST_PAUSE, LAST_PAUSE]


def test_another_size_is_another_matter() -> None:
    first = refused(Words(20, "Forbidden", "no"), None, 0.0)
    again = refused(Words(20, "Forbidden", "no"), first, 60.0)
    assert refused(Words(15, "Forbidden", "no"), again, 0.0).pause == FIRST_PAUSE


def test_words_of_strangers_are_one_printable_line() -> None:
    words = Words(1, "a b", "one\ntwo\x1b[31m")
    assert words.reason == "Unknown"
    assert words.text == "one two"
