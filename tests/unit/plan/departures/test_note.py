"""The note of servers that left empty: what natsctl may have written counts."""

from __future__ import annotations

import pytest

from natsctl.model.departed import departed_text
from natsctl.plan.departures.note import departed_of, noting
from tests.unit.plan.departures.world import C4, C5, Shrinking, state_of, with_note
from tests.unit.plan.world import context, evolved


def test_it_comes_back_as_it_was_written() -> None:
    text = departed_text({5: C5, 4: C4})
    assert text == f"4={C4},5={C5}"
    assert departed_of(context(state_of(Shrinking(), departed=text))) == {4: C4, 5: C5}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5=",
        "0=c-0-uid-of-c",
        "5=c-4-uid-of-c",
        "5=other",
        "5=c-5",
        f"5={C5}\n",
        "x" * 9999,
    ],
)
def test_what_natsctl_never_wrote_proves_nothing(text: str) -> None:
    assert departed_of(context(state_of(Shrinking(), departed=text))) == {}


def test_a_server_may_have_had_the_name_of_an_earlier_cluster() -> None:
    found = with_note(state_of(Shrinking()), "5=c-5-7e57ab1e")
    assert departed_of(context(found)) == {5: "c-5-7e57ab1e"}


def test_without_a_secret_there_is_nothing_to_write_on() -> None:
    found = context(evolved(state_of(Shrinking()), secrets={}))
    assert departed_of(found) == {}
    assert noting(found, {5: C5}) == ()
