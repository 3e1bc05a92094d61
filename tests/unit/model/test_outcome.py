"""What came of a request is told in one printable line."""

from __future__ import annotations

import pytest

from natsctl.model.outcome import Done, Outcome, Refused, Unknown, Unreachable


@pytest.mark.parametrize("kind", [Refused, Unreachable, Unknown])
def test_words_of_servers_forge_no_line(kind: type[Refused | Unreachable | Unknown]) -> None:
    assert kind("a\nb\x1b[2J").words.isprintable()


def test_what_was_carried_out_is_nothing_else() -> None:
    assert Done() == Done()
    others: list[Outcome] = [Refused(""), Unreachable(""), Unknown("")]
    assert Done() not in others
